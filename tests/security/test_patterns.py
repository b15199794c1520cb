"""No pattern of the project takes the square of a text's length, or worse, where that may be long (ReDoS)."""

from __future__ import annotations

import ast
import json
import re
import resource
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.security.patterns import BOUNDED, PARTS, Found, too_slow, written

PROCESSOR = 120  # seconds; 15 are needed on a slow machine
AT_START = re.compile(r"\Are\.(compile|search|match|fullmatch|finditer|findall|sub|split)\Z")


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR, PROCESSOR))


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What the probe says; a pattern that takes for ever ends it with a signal."""
    command = [sys.executable, "-m", "tests.security.patterns"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, preexec_fn=limited, check=False)
    assert done.returncode == 0, f"{done.returncode}: {done.stderr[-2000:]}"
    return dict(json.loads(done.stdout))


def test_no_pattern_is_slow(told: dict[str, Any]) -> None:
    assert told["slow"] == {}


def test_every_pattern_is_found(told: dict[str, Any]) -> None:
    """Those that are put together at the start stand in the globals of a module that was imported."""
    assert len(told["patterns"]) >= 130
    modules = {where.rpartition(".")[0] for where in told["patterns"] if ":" not in where}
    made = {
        file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
        for part in PARTS
        for file in (ROOT / part).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and AT_START.match(ast.unparse(node.func)) and node.func.attr == "compile"  # type: ignore[attr-defined]
        if not isinstance(node.args[0], ast.Constant)
    }
    assert made - modules <= MADE_WHEN_NEEDED


# From lists of words that are ours, in functions; what a question or a document says is no part of them.
MADE_WHEN_NEEDED = {f"assistant.verify.{name}" for name in ("concepts", "cues", "numbers")}


def test_flags_are_told_from_other_arguments() -> None:
    source = (
        """re.sub("a", "b", re.sub("c", "", text)); re.split("d", text, flags=re.I | re.S); re.match("e", text, re.M)"""
    )
    found = {pattern.pattern: (pattern.flags & ~re.UNICODE, function) for _, pattern, function in written(source)}
    assert found == {"a": (0, "sub"), "c": (0, "sub"), "d": (re.I | re.S, "split"), "e": (re.M, "match")}


def test_every_exception_is_a_pattern_still(told: dict[str, Any]) -> None:
    assert set(BOUNDED) <= set(told["patterns"])


@pytest.mark.parametrize("pattern", [r"\s+$", r"^[^\W\d_]*[A-Z][^\W\d_]*[A-Z][\w-]*$"])
def test_a_slow_pattern_would_be_seen(pattern: str) -> None:
    code = (
        "import re, sys; from tests.security.patterns import Found, too_slow; "
        f"sys.exit(3 if too_slow(Found('x', re.compile({pattern!r}), ('search',))) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (2, 2)),
        check=False,
    )
    assert done.returncode in (3, -24, -9), "it is told, or ended by the limit"


def test_a_quick_pattern_is_left_alone() -> None:
    assert too_slow(Found("x", re.compile(r"(?<!\s)\s+x"), ("search",))) == ""
