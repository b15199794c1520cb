"""Question and passage as the pieces that the reader sees, and where its sentences and words are among them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

QUESTION_PIECES = 64
PASSAGE_PIECES = 240
WORD = re.compile(r"\S+")

Tokens = Callable[[str], list[int]]


@dataclass(frozen=True, slots=True)
class Marks:
    """The numbers of the pieces at the begin and the end of a text."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class PassagePieces:
    """`pieces` with both marks; `sentences`: first piece and the one after the last, equal when it was cut off;
    `words`: of every piece, the sentence and the characters of its word, (-1, 0, 0) outside of sentences."""

    pieces: tuple[int, ...]
    sentences: tuple[tuple[int, int], ...]
    words: tuple[tuple[int, int, int], ...]


def question_pieces(text: str, tokens: Tokens, marks: Marks) -> tuple[int, ...]:
    """The question, cut after QUESTION_PIECES pieces."""
    return (marks.begin, *tokens(f"query: {text}")[: QUESTION_PIECES - 2], marks.end)


def passage_pieces(heading: str, sentences: Sequence[str], tokens: Tokens, marks: Marks) -> PassagePieces:
    """Heading and sentences, cut after PASSAGE_PIECES pieces."""
    pieces = [marks.begin, *tokens(f"passage: {heading}")[: PASSAGE_PIECES // 3]]
    words = [(-1, 0, 0)] * len(pieces)
    places = []
    for number, sentence in enumerate(sentences):
        first = len(pieces)
        for word in WORD.finditer(sentence):
            found = tokens(word.group())[: PASSAGE_PIECES - 1 - len(pieces)]
            pieces += found
            words += [(number, word.start(), word.end())] * len(found)
        places.append((first, len(pieces)))
    return PassagePieces((*pieces, marks.end), tuple(places), (*words, (-1, 0, 0)))
