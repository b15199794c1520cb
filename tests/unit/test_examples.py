"""The example questions of the page: complete, short, and in the language they claim."""

from __future__ import annotations

import pytest

from assistant.language import EU_LANGUAGES, detect_language
from ui.examples import examples

ROLES = ("sme", "buyer", "organiser")
LONGEST = {"en": 90}


@pytest.mark.parametrize("language", sorted(EU_LANGUAGES))
def test_every_role_has_three_different_questions(language: str) -> None:
    found = examples(language)
    assert tuple(found) == ROLES
    questions = [question for role in ROLES for question in found[role]]
    assert len(questions) == len(set(questions)) == 9


@pytest.mark.parametrize("language", sorted(EU_LANGUAGES))
def test_no_question_is_long(language: str) -> None:
    long = [q for questions in examples(language).values() for q in questions if len(q) > LONGEST.get(language, 120)]
    assert long == []


@pytest.mark.parametrize("language", sorted(EU_LANGUAGES))
def test_a_question_is_taken_for_its_own_language(language: str) -> None:
    questions = [question for three in examples(language).values() for question in three]
    taken_for = {question: detect_language(question, default=language) for question in questions}
    assert {question: code for question, code in taken_for.items() if code != language} == {}


@pytest.mark.parametrize("language", sorted(EU_LANGUAGES - {"en"}))
def test_no_question_was_left_in_english(language: str) -> None:
    english, own = examples("en"), examples(language)
    assert [question for role in ROLES for question in own[role] if question in english[role]] == []


def test_a_language_without_examples_gets_the_english_ones() -> None:
    assert examples("is") == examples("en")
