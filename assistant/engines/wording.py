"""How the words of a sentence are those of units in its own language: nearly one unit's, or pieces of two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from rapidfuzz import fuzz

from assistant.names import WORD, fold

NEARLY = 80  # of 100, of the words of both in any order; what a unit says beyond the sentence does not count
RUN = 3  # words in a row


def nearest(text: str, units: Sequence[str]) -> int | None:
    """The unit that a sentence nearly repeats, None where there is none. What is different in so near a sentence is
    little, and as often as not what makes it false: "with" for "without", two figures exchanged."""
    words = " ".join(_words(text))
    alike = [fuzz.token_set_ratio(words, " ".join(_words(unit))) for unit in units]
    best = max(range(len(units)), key=alike.__getitem__, default=None)
    return best if best is not None and alike[best] >= NEARLY else None


def patched(text: str, units: Sequence[str]) -> bool:
    """Whether a sentence is put together from words in a row of one unit and others of another: the subject of one
    with what is said in the other of something else."""
    words = _words(text)
    runs = [set(_in_a_row(words, _words(unit))) for unit in units]
    best = max(runs, key=len, default=set())
    return any(len(other - best) >= RUN for other in runs)


def _in_a_row(words: Sequence[str], unit: Sequence[str]) -> Iterator[int]:
    """The places of the words that stand in a row in the unit too."""
    for block in SequenceMatcher(None, words, unit, autojunk=False).get_matching_blocks():
        if block.size >= RUN:
            yield from range(block.a, block.a + block.size)


def _words(text: str) -> list[str]:
    return list(map(fold, WORD.findall(text)))
