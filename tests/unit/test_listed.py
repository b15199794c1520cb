"""The questions that sections list, known by their words."""

from __future__ import annotations

import pytest

from assistant.listed import Listed, words_of
from assistant.records import Anchor, Chunk


def chunk(name: str, *asked: str, heading: str = "") -> Chunk:
    return Chunk(name, "d", "Text.", 0, 5, Anchor((heading,) if heading else ()), asked=asked)


WHAT = chunk("what", "What is BRINC?", "Was ist BRINC?")
NAME = chunk("name", "What does BRINC stand for?")
PRICE = chunk("price", heading="What is the price?")
LISTED = Listed([WHAT, NAME, PRICE])


def test_a_listed_question_is_known_however_it_is_written() -> None:
    assert words_of("What is BRINC?") == words_of("  what is brinc ")
    assert LISTED.passages("what IS brinc") == ["what"]
    assert LISTED.passages("What is it?") == ()


def test_the_words_of_a_question_tell_apart_what_sections_answer() -> None:
    alike = LISTED.alike("What does BRINC stand for?", [WHAT, NAME, PRICE])
    assert alike["name"] == pytest.approx(1.0)
    assert 0 < alike["price"] < alike["what"] < 0.5


def test_a_rare_word_in_common_counts_more_than_a_frequent_one() -> None:
    many = Listed([*(chunk(str(n), f"What is thing{n}?") for n in range(20)), NAME])
    alike = many.alike("What brinc?", [chunk("rare", "BRINC?"), chunk("frequent", "What?")])
    assert alike["rare"] > 2 * alike["frequent"] > 0


def test_a_heading_counts_as_a_question_and_nothing_is_like_no_words() -> None:
    assert LISTED.alike("the price", [PRICE])["price"] > 0.5
    assert LISTED.alike("?", [PRICE, chunk("none")]) == {"price": 0.0, "none": 0.0}
