"""Every catalogue says every message, with the same placeholders."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from assistant.language import EU_LANGUAGES, LOCALES, say, say_number

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


# The number of a thing that is said in each plural form, for languages that do not have English's two.
PLURALS = {
    "cs": (1, 2, 5), "ga": (1, 2, 3, 7, 11), "hr": (1, 2, 5), "lt": (1, 2, 10), "lv": (1, 2, 0), "mt": (1, 2, 11, 20),
    "pl": (1, 2, 5), "ro": (1, 2, 20), "sk": (1, 2, 5), "sl": (1, 2, 3, 5),
}  # fmt: skip


@pytest.mark.parametrize("language", sorted(EU_LANGUAGES - {"en"}))
def test_numbers_are_said_in_the_forms_of_the_language(language: str) -> None:
    with (LOCALES / language / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    forms = [entry.string for entry in catalogue if entry.pluralizable]
    assert forms and all(len(form) == catalogue.num_plurals and all(form) for form in forms)
    numbers = PLURALS.get(language, (1, 2))
    assert catalogue.num_plurals == len(numbers)
    said = [say_number("{number} source", "{number} sources", number, language) for number in numbers]
    assert all(text.startswith(str(number)) for text, number in zip(said, numbers, strict=True))
    assert {"source", "sources"}.isdisjoint(said[-1].split()) or language == "fr"
