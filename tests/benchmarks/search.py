"""Chroma's neighbours against those that a full look at every vector finds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median

import numpy as np

from assistant.records import LEVELS, Filters, Level, Near
from assistant.retrieve import DEPTH, VECTORS_A_PASSAGE
from assistant.vectors import EditionVectors
from tests.benchmarks.known import Floats, unit
from tests.benchmarks.records import Figure
from tests.benchmarks.stand import Stand, opened

DEPTHS = (10, 40)
ROUNDING = 1e-5  # of a cosine: vectors as near as the last one count as found


@dataclass(frozen=True)
class Everything:
    """All vectors of a level, [vectors, dimension], each of length 1, and the passage of each."""

    chunks: Sequence[str]
    vectors: Floats

    def near(self, question: Floats, count: int) -> list[Near]:
        """The passages of the nearest `count` vectors, best first, each once."""
        cosines = self.vectors @ question
        first = np.argpartition(-cosines, min(count, len(cosines)) - 1)[:count]
        nearest: dict[str, float] = {}
        for place in first[np.argsort(-cosines[first])]:
            nearest.setdefault(self.chunks[place], float(cosines[place]))
        return [Near(chunk, cosine) for chunk, cosine in nearest.items()]


def search(stand: Stand) -> Iterator[Figure]:
    """The nearest neighbours of questions on each level, by Chroma (approximate) and by numpy over all vectors (exact),
    in one process without a server. recall@k: the share of the passages of the k nearest vectors that Chroma finds too;
    one as near as the last counts. Times are of one question, as many neighbours as an answer asks for. The server may
    use either: small editions are searched exactly, larger ones by Chroma."""
    with opened(stand.settings) as stores:
        edition = stores.library.current()
        vectors = stores.vectors.open(edition)
        asked = stand.questions(stand.scale.searches)
        questions = [unit(np.asarray(stores.embedder.embed_query(body["question"]), np.float32)) for body in asked]
        stored = vectors.stored([chunk for chunk, _ in stores.library.all_chunks(edition.number)])
        for number, level in enumerate(LEVELS):
            stand.show("search", number, len(LEVELS))
            rows = [(id_, vector) for id_, kept in stored.items() for vector in kept.level(level)]
            if rows:
                found = np.asarray([vector for _, vector in rows], np.float32)
                every = Everything([id_ for id_, _ in rows], found / np.linalg.norm(found, axis=1, keepdims=True))
                yield from _compared(level, vectors, every, questions, stand.size)


def _compared(
    level: Level, vectors: EditionVectors, every: Everything, questions: Sequence[Floats], size: int
) -> Iterator[Figure]:
    def chroma(question: Floats, count: int) -> list[Near]:
        return vectors.near(level, list(map(float, question)), count, Filters())

    for depth in DEPTHS:
        shares = [_recall(chroma(one, depth), every.near(one, depth)) for one in questions]
        yield Figure("search", f"{level}: recall@{depth}", mean(shares), "share", size)
    count = DEPTH * VECTORS_A_PASSAGE[level]
    yield Figure("search", f"{level}: Chroma", _ms(chroma, questions, count), "ms", size)
    yield Figure("search", f"{level}: numpy, all", _ms(every.near, questions, count), "ms", size)


def _recall(found: Sequence[Near], exact: Sequence[Near]) -> float:
    last = exact[-1].cosine - ROUNDING
    return min(1.0, sum(near.cosine >= last for near in found) / len(exact))


def _ms(near: Callable[[Floats, int], list[Near]], questions: Sequence[Floats], count: int) -> float:
    spent = []
    for question in questions:
        began = time.perf_counter()
        near(question, count)
        spent.append((time.perf_counter() - began) * 1000)
    return median(spent)
