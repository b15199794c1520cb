"""The nearest vectors of an edition, exactly, from memory; for editions of up to FEW vectors.

Chroma's search is approximate, and what a process finds depends on how it came to load the index: of three that opened
the corpus's edition one missed the nearest sentence of a question. One product of a matrix is exact. `make bench` has
the times of the three levels together: 0.5 ms against Chroma's 5.4 for 12,700 vectors, 4.9 against 8.5 for 62,100.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.records import LEVELS, Chunk, Document, Filters, Level, Near

FEW = 60_000  # vectors, 92 MB of 384 dimensions: about 5,000 passages with their sentences and listed questions


@dataclass(frozen=True, slots=True)
class _Rows:
    """The vectors of one level, [n, dimension], passage after passage; `owners`: the number of each one's passage;
    `starts`: where those of each passage begin, and at last where all end."""

    vectors: NDArray[np.float32]
    owners: NDArray[np.intp]
    starts: NDArray[np.intp]


class Exact:
    """Searches the vectors of passages that are whole; `rows` as `EditionVectors.rows` gives them."""

    def __init__(
        self, passages: Sequence[tuple[Chunk, Document]], rows: Mapping[str, NDArray[np.float32]], dimension: int
    ) -> None:
        whole = [(chunk, document) for chunk, document in passages if chunk.id in rows]
        self._numbers = {chunk.id: number for number, (chunk, _) in enumerate(whole)}
        self._ids = list(self._numbers)
        self._documents = [document for _, document in whole]
        none = np.empty((0, dimension), np.float32)
        self._levels: dict[Level, _Rows] = {
            level: _stacked([rows[chunk.id][_place(chunk)[level]] for chunk, _ in whole], none) for level in LEVELS
        }

    def near(self, level: Level, question: NDArray[np.float32], count: int, filters: Filters) -> list[Near]:
        """The passages that the nearest `count` vectors of a level belong to, best first, each once."""
        rows = self._levels[level]
        cosines = rows.vectors @ question
        if filters != Filters():
            admitted = np.array([filters.admit(document) for document in self._documents], bool)
            cosines = np.where(admitted[rows.owners], cosines, -np.inf)
        nearest: dict[str, float] = {}
        for place in _best(cosines, count):
            nearest.setdefault(self._ids[rows.owners[place]], float(cosines[place]))
        return [Near(chunk, cosine) for chunk, cosine in nearest.items() if cosine > -np.inf]

    def rows(self, chunks: Sequence[Chunk]) -> dict[str, NDArray[np.float32]]:
        """The vectors of each whole passage: its own, its units', its questions'."""
        return {
            chunk.id: np.concatenate([self._of(level, self._numbers[chunk.id]) for level in LEVELS])
            for chunk in chunks
            if chunk.id in self._numbers
        }

    def _of(self, level: Level, number: int) -> NDArray[np.float32]:
        rows = self._levels[level]
        return rows.vectors[rows.starts[number] : rows.starts[number + 1]]


def _stacked(parts: Sequence[NDArray[np.float32]], none: NDArray[np.float32]) -> _Rows:
    sizes = [len(part) for part in parts]
    owners = np.repeat(np.arange(len(parts)), sizes)
    return _Rows(np.concatenate([none, *parts]), owners, np.cumsum([0, *sizes]))


def _place(chunk: Chunk) -> dict[Level, slice]:
    """Where the vectors of each level stand among those of a passage."""
    asked = 1 + len(chunk.units)
    return {"passages": slice(0, 1), "units": slice(1, asked), "asked": slice(asked, None)}


def _best(cosines: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Places of the largest `count`, the largest first; of equal ones the first."""
    if count < len(cosines):
        least = np.partition(cosines, -count)[-count]
        places = np.flatnonzero(cosines >= least)
    else:
        places = np.arange(len(cosines))
    return places[np.argsort(-cosines[places], kind="stable")][:count]
