"""The conversation that the page hands back after a restart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.records import Sentence
from tests.browser.scripted import citation
from ui.connection import MOST, broken_off, read, write
from ui.conversation import Excerpt, Exchange, Source

KNOWN = Exchange(
    "What?",
    "de",
    "done",
    (Sentence("The quoted sentence.", (1,), highlight=(4, 10)),),
    (Source(citation(), Excerpt("before", "quote", "after")),),
)


def test_a_conversation_comes_back_whole() -> None:
    assert read(write((KNOWN, KNOWN))) == (KNOWN, KNOWN)


@pytest.mark.parametrize("text", ["", "null", "[{}]", "[" * 1000, '[{"question": 1}]'])
def test_what_is_no_conversation_is_none(text: str) -> None:
    assert read(text) == ()


@pytest.mark.parametrize(
    "changes",
    [{"language": "xx"}, {"id": "1 or 1"}, {"id": "0" * 33}, {"question": "why " * 2000}, {"edition": 2**31}],
)
def test_a_conversation_that_was_never_written_is_none(changes: dict[str, object]) -> None:
    assert read(write((KNOWN, replace(KNOWN, **changes)))) == ()


def test_of_a_long_conversation_the_end_comes_back() -> None:
    long = tuple(replace(KNOWN, question=f"What of {number}?") for number in range(MOST // len(write((KNOWN,))) + 100))
    text = write(long)
    assert MOST * 0.9 < len(text.encode()) <= MOST
    assert (end := read(text)) == long[-len(end) :]
    assert read(text + " " * MOST) == ()


def test_an_answer_on_its_way_has_failed_when_the_connection_broke() -> None:
    running = Exchange("And?", "en")
    assert [exchange.state for exchange in broken_off((KNOWN, running))] == ["done", "failed"]
    assert broken_off((KNOWN,)) == (KNOWN,)
