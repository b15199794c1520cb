"""docs/security.md names tests: each of them is there."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
OWN = sorted(path.name for path in (ROOT / "tests" / "security").glob("test_*.py"))


@cache
def functions(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_is_named_is_there(file: str, name: str) -> None:
    assert name in functions(file)


def test_every_attempt_names_a_test() -> None:
    attempts = PAGE.partition("## What could be tried")[2].partition("\n## ")[0]
    rows = [line for line in attempts.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 20
    assert [row for row in rows if "::test_" not in row] == []


def test_every_file_of_these_tests_is_named() -> None:
    named = {file.rpartition("/")[2] for file, _ in NAMED}
    assert set(OWN) - named <= {"test_threats.py", "test_egress.py"}
