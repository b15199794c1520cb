"""The example questions that the page shows before the first question: three for each role, in every EU language.

They stand in examples.json, role → language → questions. To change one, edit that file and ask the real assistant all
of them: `python -m tests.quality.check_examples`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("examples.json")
Questions = tuple[str, str, str]


def examples(language: str) -> dict[str, Questions]:
    """Role → its three questions in `language`, in English where the language has none for the role."""
    return {role: questions.get(language, questions["en"]) for role, questions in _read().items()}


@cache
def _read() -> dict[str, dict[str, Questions]]:
    roles = json.loads(FILE.read_text(encoding="utf-8"))
    return {role: {code: _three(texts) for code, texts in languages.items()} for role, languages in roles.items()}


def _three(texts: list[str]) -> Questions:
    first, second, third = texts
    return first, second, third
