"""Every catalogue says every message, with the same placeholders."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest

from assistant.language import EU_LANGUAGES, LOCALES, say

ROOT = Path(__file__).parents[2]


def messages() -> set[str]:
    """The messages that the code says: the constant first arguments of those that say something."""
    found = set()
    for part in ("assistant", "ui"):
        for file in (ROOT / part).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and node.args:
                    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                    text = node.args[0]
                    if (
                        name in ("say", "said", "_notice", "message")
                        and isinstance(text, ast.Constant)
                        and isinstance(text.value, str)
                    ):
                        found.add(text.value)
    return found


def fields(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}


@pytest.mark.parametrize("language", sorted(EU_LANGUAGES - {"en"}))
def test_a_catalogue_is_complete(language: str) -> None:
    assert (LOCALES / language / "messages.po").exists()
    assert len(messages()) > 8
    for message in messages():
        blanks = {field: f"{{{field}}}" for field in fields(message)}
        said = say(message, language, **blanks)
        assert fields(said) == fields(message)
        assert said != message or len(message.split()) < 3, f"{language} does not say: {message}"
