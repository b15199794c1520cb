"""The passages that may answer: dense passages, dense sentences and BM25, fused; filters; validity dates.

Each ranking adds weight / (RRF + rank) to a passage (reciprocal rank fusion, Cormack et al. 2009): ranks need no common
scale, which cosine and BM25 do not have. To add a signal, add one more ranking to `_rankings`; `cluster-talks evaluate`
must not drop.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from assistant.embedders import Embedder
from assistant.errors import EmbedderMismatch
from assistant.lexical import Lexical
from assistant.library import Library
from assistant.records import Chunk, Document, Edition, Filters, Hit
from assistant.vectors import EditionVectors, Vectors

RRF = 10
DEPTH = 40
WEIGHTS = {"passages": 1.0, "units": 1.0, "lexical": 1.0}
# A passage whose period does not hold on the day that is asked about keeps this share of its score.
EXPIRED = 0.6


@dataclass(frozen=True, slots=True)
class Index:
    """What one edition is searched with."""

    edition: Edition
    vectors: EditionVectors
    lexical: Lexical


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for: one or more wordings of the same question, and the day it is about."""

    wordings: tuple[str, ...]
    day: date
    filters: Filters = Filters()


class Retriever:
    """Searches any edition; an edition's indexes are opened at its first search and kept while it is served."""

    def __init__(
        self, *, library: Library, vectors: Vectors, embedder: Embedder, lexical_folder: Callable[[int], Path]
    ) -> None:
        self._library = library
        self._vectors = vectors
        self._embedder = embedder
        self._lexical_folder = lexical_folder
        self._open: dict[int, Index] = {}
        self._opening = threading.Lock()

    def index(self, edition: Edition) -> Index:
        """The open indexes of an edition. Raises EmbedderMismatch when its vectors are another model's."""
        if edition.embedder != self._embedder.name:
            raise EmbedderMismatch(
                f"Edition {edition.number} was built with {edition.embedder!r}, not {self._embedder.name!r}.",
                "Set CLUSTER_TALKS_EMBEDDER back, or run `cluster-talks ingest` to build a new edition.",
            )
        with self._opening:
            if edition.number not in self._open:
                lexical = Lexical(self._lexical_folder(edition.number))
                self._open[edition.number] = Index(edition, self._vectors.open(edition), lexical)
                for old in sorted(self._open)[:-2]:
                    del self._open[old]
            return self._open[edition.number]

    def search(self, query: Query, edition: Edition, count: int = 12) -> list[Hit]:
        """The best `count` passages, best first, each with the exact cosines of its sentences."""
        index = self.index(edition)
        vectors = [self._embedder.embed_query(wording) for wording in query.wordings]
        scores: dict[str, float] = {}
        lexical: dict[str, float] = {}
        for wording, vector in zip(query.wordings, vectors, strict=True):
            for name, ranking in self._rankings(index, wording, vector, query.filters).items():
                for rank, (chunk, score) in enumerate(ranking):
                    scores[chunk] = scores.get(chunk, 0.0) + WEIGHTS[name] / (RRF + rank)
                    if name == "lexical":
                        lexical[chunk] = max(lexical.get(chunk, 0.0), score)
        best = sorted(scores, key=lambda chunk: -scores[chunk])[: count * 2]
        found = self._library.chunks(edition.number, best)
        top = sum(WEIGHTS.values()) / RRF * len(query.wordings)
        ranked = sorted(
            ((scores[id_] / top * _share(found[id_][0], query.day), id_) for id_ in best if id_ in found), reverse=True
        )[:count]
        return self._hits(index, vectors[-1], [(score, *found[id_]) for score, id_ in ranked], lexical)

    def _rankings(
        self, index: Index, wording: str, vector: Sequence[float], filters: Filters
    ) -> dict[str, list[tuple[str, float]]]:
        units: dict[str, float] = {}
        for near in index.vectors.near_units(vector, DEPTH * 2, filters):
            units.setdefault(near.chunk, near.cosine)
        passages = index.vectors.near_passages(vector, DEPTH, filters)
        return {
            "passages": [(near.chunk, near.cosine) for near in passages],
            "units": list(units.items())[:DEPTH],
            "lexical": index.lexical.search(wording, DEPTH, filters),
        }

    def _hits(
        self,
        index: Index,
        vector: Sequence[float],
        ranked: Sequence[tuple[float, Chunk, Document]],
        lexical: dict[str, float],
    ) -> list[Hit]:
        cosines = index.vectors.cosines(vector, [chunk for _, chunk, _ in ranked])
        return [
            Hit(chunk, document, score, cosines[chunk.id][0], lexical.get(chunk.id, 0.0), tuple(cosines[chunk.id][1]))
            for score, chunk, document in ranked
            if chunk.id in cosines
        ]


def _share(chunk: Chunk, day: date) -> float:
    return 1.0 if chunk.period.holds(day) else EXPIRED
