"""A text as the verifier sees it: its words with their vectors, and which of them are figures, cues, names or content.

Vectors of words come from where they stand (`vectors.py`), so that a word is alike to its translation in a like place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from assistant.language import only_function_words
from assistant.verify.cues import Cue, cues
from assistant.verify.figures import Figure, figures

Floats = npt.NDArray[np.float32]
Span = tuple[int, int]
WordVectors = Callable[[str, tuple[Span, ...]], Floats]
WORD = re.compile(r"\S+")
NAME = re.compile(r"[^\W_][\w&+]*(?:-[^\W_]\w*)*")
LETTERS = re.compile(r"\w+")
NOUNS_IN_CAPITALS = ("de",)  # there a capital tells nothing


@dataclass(frozen=True, slots=True)
class Name:
    """Characters `start` to `end` of a text are a name; `marked`: a capital or digit stands inside, as in InnoBuyer."""

    word: str
    start: int
    end: int
    marked: bool


@dataclass(frozen=True, slots=True)
class Marked:
    """What of a text does not depend on vectors. `content`: numbers of the words that are neither figure, cue nor
    function word; `spans`: characters of each word."""

    text: str
    language: str
    spans: tuple[Span, ...]
    content: tuple[int, ...]
    figures: tuple[Figure, ...]
    cues: tuple[Cue, ...]
    names: tuple[Name, ...]

    def words_in(self, start: int, end: int) -> list[int]:
        """Numbers of the words that characters `start` to `end` touch."""
        return [n for n, (a, b) in enumerate(self.spans) if a < end and b > start]

    def around(self, start: int, end: int, reach: int) -> list[int]:
        """Numbers of the content words at most `reach` words from characters `start` to `end`, and among them."""
        if not (here := self.words_in(start, end)):
            return []
        return [n for n in self.content if here[0] - reach <= n <= here[-1] + reach]


@lru_cache(4096)
def mark(text: str, language: str) -> Marked:
    """The text with what is found in it."""
    spans = tuple(match.span() for match in WORD.finditer(text))
    found = figures(text, language)
    turns = tuple(c for c in cues(text, language) if not any(f.start < c.end and f.end > c.start for f in found))
    taken = [(f.start, f.end) for f in found] + [(c.start, c.end) for c in turns if c.kind not in ("buyer", "supplier")]
    content = tuple(n for n, (a, b) in enumerate(spans) if _is_content(text[a:b], (a, b), taken, language))
    return Marked(text, language, spans, content, found, turns, tuple(_names(text, language, found)))


def _is_content(word: str, span: Span, taken: Sequence[Span], language: str) -> bool:
    letters = LETTERS.findall(word)
    if not letters or sum(map(len, letters)) < 2 or any(a < span[1] and b > span[0] for a, b in taken):  # noqa: PLR2004
        return False
    return not all(only_function_words(part, language) for part in letters)


def _names(text: str, language: str, found: Sequence[Figure]) -> list[Name]:
    names = []
    for match in NAME.finditer(text):
        word, (start, end) = match.group(), match.span()
        marked = any(char.isupper() for char in word[1:]) or (word[0].isupper() and any(map(str.isdigit, word)))
        opens = not text[:start].strip(" \"'«„“(") or text[:start].rstrip(" \"'«„“(")[-1] in ".:;!?"
        capital = word[0].isupper() and len(word) > 1 and not opens and language not in NOUNS_IN_CAPITALS
        if (marked or capital) and not any(f.start < end and f.end > start for f in found):
            names.append(Name(word, start, end, marked))
    return names


@dataclass(frozen=True, slots=True)
class Text:
    """A marked text with the vectors of its words, [words, dimension], unit length, less the mean of all that is
    compared."""

    marked: Marked
    vectors: Floats


def texts(marked: Sequence[Marked], vectors: WordVectors) -> list[Text]:
    """The texts that are compared with each other."""
    raw = [vectors(part.text, part.spans) for part in marked]
    mean = np.concatenate([found for found in raw if len(found)]).mean(0)
    return [Text(part, _unit(found.reshape(-1, len(mean)) - mean)) for part, found in zip(marked, raw, strict=True)]


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
    return unit
