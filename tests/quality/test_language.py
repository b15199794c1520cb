"""The language of the questions of this folder, each of which says its own."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from assistant.evaluate import read_questions
from assistant.language import detect_language

HERE = Path(__file__).parent
SETS = ("golden", "ours", "blind", "held_out", "plain", "unseen")


def test_of_a_hundred_questions_not_one_is_taken_for_another_language() -> None:
    cases = list(chain.from_iterable(read_questions(HERE / f"{name}.jsonl") for name in SETS))
    wrong = [case.question for case in cases if detect_language(case.question) != case.lang]
    assert len(wrong) < len(cases) / 100, wrong
