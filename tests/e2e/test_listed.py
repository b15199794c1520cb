"""A question that stands word for word among those listed for a section is answered, or refused, from there."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.records import Filters, Question, Turn
from assistant.wiring import Stores
from tests.e2e.test_ingest import assistant, run

LAMPS = """---
title: Lamps
kind: {kind}
language: en
---

## Lamps of the town

<!-- asked:
{asked}
-->

{text}
"""
GAP = "<!-- gap -->\n\nThe price of the quarrel about green lamps and red lamps is not known."


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """The words of the question stand in the gap and in other documents more often than where it is listed."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    documents = {
        "a.md": ("rules", "Qui a gagné la querelle ?", "Ana was right in the end."),
        "b.md": (
            "faq",
            "Who won over the lamps?",
            "Green lamps and red lamps quarrel; who won the quarrel is told elsewhere.",
        ),
        "c.md": ("faq", "What did the quarrel cost?", GAP),
    }
    for name, (kind, asked, text) in documents.items():
        (folder / name).write_text(LAMPS.format(kind=kind, asked=asked, text=text), encoding="utf-8")
    return folder


@pytest.mark.parametrize("asked", ["Qui a gagné la querelle ?", "qui a gagne la querelle", "QUI A GAGNÉ LA QUERELLE?!"])
def test_a_listed_question_is_answered_where_it_is_listed(stores: Stores, corpus: Path, asked: str) -> None:
    run(stores, corpus)
    answer = assistant(stores).ask(Question(asked, language="en"))
    assert (answer.abstained, answer.sentences[0].text) == (False, "Ana was right in the end.")


def test_a_question_that_is_listed_for_what_is_not_known_is_refused_with_it(stores: Stores, corpus: Path) -> None:
    run(stores, corpus)
    answer = assistant(stores).ask(Question("what did the quarrel cost", language="en"))
    assert answer.abstained
    assert "is not known" in answer.citations[0].quote


def test_what_the_filters_leave_out_is_not_listed(stores: Stores, corpus: Path) -> None:
    run(stores, corpus)
    answer = assistant(stores).ask(Question("Qui a gagné la querelle ?", language="en", filters=Filters(kind=("faq",))))
    assert "Ana was right" not in answer.answer


def test_a_question_that_is_listed_on_both_sides_is_decided_as_any_other(stores: Stores, corpus: Path) -> None:
    asked = "Who won over the lamps?"

    def refused(b: str, c: str) -> bool:
        """Whether it is, where the statement and the gap list these questions."""
        for name, kind, listed, text in (("b", "faq", b, "Green lamps and red lamps quarrel."), ("c", "faq", c, GAP)):
            (corpus / f"{name}.md").write_text(LAMPS.format(kind=kind, asked=listed, text=text), encoding="utf-8")
        run(stores, corpus)
        return assistant(stores).ask(Question(asked, language="en")).abstained

    assert (refused(asked, "Why?"), refused("Why?", asked)) == (False, True)
    assert refused(asked, asked) == refused(asked + " Or not?", asked + " Or not?")


def test_a_listed_question_follows_nothing(stores: Stores, corpus: Path) -> None:
    run(stores, corpus)
    history = (Turn("user", "Where are the red lamps?"), Turn("assistant", "In the town."))
    answer = assistant(stores).ask(Question("Qui a gagné la querelle ?", history, language="en"))
    assert (answer.question_used, answer.sentences[0].text) == (
        "Qui a gagné la querelle ?",
        "Ana was right in the end.",
    )
    answer = assistant(stores).ask(Question("and who quarrels?", history, language="en"))
    assert answer.question_used == "Where are the red lamps? and who quarrels?"
