"""The passages that may answer: dense passages, dense sentences and BM25, fused; filters; validity dates.

Each ranking adds weight / (RRF + rank) to a passage (reciprocal rank fusion, Cormack et al. 2009): ranks need no common
scale, which cosine and BM25 do not have. To add a signal, add one more to `_rankings`; `cluster-talks evaluate`
must not drop.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from assistant.errors import EmbedderMismatch
from assistant.library import Library
from assistant.records import Chunk, Document, Edition, Filters, Hit

if TYPE_CHECKING:
    from assistant.embedders import Embedder
    from assistant.lexical import Lexical
    from assistant.vectors import EditionVectors, Vectors

RRF = 10
DEPTH = 40
# BM25 counts as far as the words of the question are the words of its best passage: a question in another language
# shares only names with the passages, and its word ranking is mostly noise.
LEXICAL_TRUST = 1.4
EVERYDAY = Path(__file__).with_name("everyday.txt")
# A passage whose period does not hold on the day that is asked about keeps this share of its score.
EXPIRED = 0.6


@dataclass(frozen=True, slots=True)
class Index:
    """What one edition is searched with."""

    edition: Edition
    vectors: EditionVectors
    lexical: Lexical


@dataclass(frozen=True, slots=True)
class Found:
    """Passages, best first. `elsewhere` is the cosine of the question with the nearest line of `everyday.txt`: how near
    it is to some other subject."""

    hits: tuple[Hit, ...]
    elsewhere: float


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for: one or more wordings of the same question, and the day it is about."""

    wordings: tuple[str, ...]
    day: date
    filters: Filters = field(default_factory=Filters)


class Retriever:
    """Searches any edition; an edition's indexes are opened at its first search and kept while it is served."""

    def __init__(
        self, *, library: Library, vectors: Vectors, embedder: Embedder, open_lexical: Callable[[int], Lexical]
    ) -> None:
        self._library = library
        self._vectors = vectors
        self._embedder = embedder
        self._open_lexical = open_lexical
        self._open: dict[int, Index] = {}
        self._opening = threading.Lock()
        lines = EVERYDAY.read_text(encoding="utf-8").splitlines()
        self._everyday = np.asarray(embedder.embed_documents(lines), dtype=np.float32)

    def index(self, edition: Edition) -> Index:
        """The open indexes of an edition. Raises EmbedderMismatch when its vectors are another model's."""
        if edition.embedder != self._embedder.name:
            raise EmbedderMismatch(
                f"Edition {edition.number} was built with {edition.embedder!r}, not {self._embedder.name!r}.",
                "Set CLUSTER_TALKS_EMBEDDER back, or run `cluster-talks ingest` to build a new edition.",
            )
        with self._opening:
            if edition.number not in self._open:
                lexical = self._open_lexical(edition.number)
                self._open[edition.number] = Index(edition, self._vectors.open(edition), lexical)
                for old in sorted(self._open)[:-2]:
                    del self._open[old]
            return self._open[edition.number]

    def search(self, query: Query, edition: Edition, count: int = 12) -> Found:
        """The best `count` passages, each with the exact cosines of its sentences with the first wording."""
        index = self.index(edition)
        scores: dict[str, float] = defaultdict(float)
        vectors = [self._embedder.embed_query(wording) for wording in query.wordings]
        best_possible = 0.0
        for wording, vector in zip(query.wordings, vectors, strict=True):
            rankings = self._rankings(index, wording, vector, query.filters)
            for ranking in rankings:
                best_possible += ranking.weight / RRF
                for rank, (chunk, _) in enumerate(ranking.hits):
                    scores[chunk] += ranking.weight / (RRF + rank)
        if not scores:
            return Found((), 1.0)
        nearest = sorted(scores, key=lambda chunk: -scores[chunk])[: count * 2]
        found = self._library.chunks(edition.number, nearest)
        ranked = [(scores[id_] / best_possible * _share(found[id_][0], query.day), *found[id_]) for id_ in found]
        ranked.sort(key=lambda entry: -entry[0])
        elsewhere = float((self._everyday @ np.asarray(vectors[0], dtype=np.float32)).max())
        return Found(self._hits(index, vectors[0], ranked[:count]), elsewhere)

    def _rankings(self, index: Index, wording: str, vector: Sequence[float], filters: Filters) -> list[_Ranking]:
        passages = index.vectors.near_passages(vector, DEPTH, filters)
        units: dict[str, float] = {}
        for near in index.vectors.near_units(vector, DEPTH * 2, filters):
            units.setdefault(near.chunk, near.cosine)
        words = index.lexical.search(wording, DEPTH, filters)
        return [
            _Ranking(1.0, [(near.chunk, near.cosine) for near in passages]),
            _Ranking(1.0, list(units.items())[:DEPTH]),
            _Ranking(self._lexical_weight(index, wording, words[0][0]) if words else 0.0, words),
        ]

    def _lexical_weight(self, index: Index, wording: str, best: str) -> float:
        chunk, document = self._library.chunks(index.edition.number, [best])[best]
        return min(
            1.0, LEXICAL_TRUST * coverage(index.lexical, wording, passage_words(chunk, document), document.language)
        )

    def _hits(
        self, index: Index, vector: Sequence[float], ranked: Sequence[tuple[float, Chunk, Document]]
    ) -> tuple[Hit, ...]:
        cosines = index.vectors.cosines(vector, [chunk for _, chunk, _ in ranked])
        return tuple(
            Hit(chunk, document, score, cosines[chunk.id][0], tuple(cosines[chunk.id][1]))
            for score, chunk, document in ranked
            if chunk.id in cosines
        )


@dataclass(frozen=True, slots=True)
class _Ranking:
    weight: float
    hits: list[tuple[str, float]]


def passage_words(chunk: Chunk, document: Document) -> str:
    """Text of a passage together with its headings."""
    return " ".join((document.title, *chunk.anchor.heading, chunk.text))


def coverage(lexical: Lexical, question: str, text: str, language: str) -> float:
    """Share of the question's words that a text has, each weighted by its rarity: 0..1."""
    asked, there = lexical.stems(question, language), lexical.stems(text, language)
    total = sum(lexical.rarity(stem) for stem in asked)
    return sum(lexical.rarity(stem) for stem in asked & there) / total if total else 0.0


def _share(chunk: Chunk, day: date) -> float:
    return 1.0 if chunk.period.holds(day) else EXPIRED
