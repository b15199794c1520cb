"""The passages that may answer: dense passages, dense sentences and BM25, fused; filters; validity dates.

Each ranking adds weight / (RRF + rank) to a passage (reciprocal rank fusion, Cormack et al. 2009): ranks need no common
scale, which cosine and BM25 do not have. A passage's score is its share of what it could have: one that lists no
questions is not behind for that. To add a signal, add one more to `_rankings`; `cluster-talks evaluate` must not drop.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from assistant.at_hand import AtHand
from assistant.citations import Neighbours, neighbours_of
from assistant.errors import EmbedderMismatch
from assistant.exact import FEW, Exact
from assistant.library import Library
from assistant.listed import Listed
from assistant.names import Names, collect_names
from assistant.records import LEVELS, Chunk, Document, Edition, Filters, Hit, Level, Period, vector_counts
from assistant.terms import Terms, collect_terms

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
# A passage whose period does not hold on the days that are asked about keeps this share of its score.
EXPIRED = 0.6
LEVEL_WEIGHTS: dict[Level, float] = {"passages": 1.0, "units": 1.0, "asked": 1.0}
VECTORS_A_PASSAGE: dict[Level, int] = {"passages": 1, "units": 2, "asked": 3}  # asked for, to come upon DEPTH passages
GAPS = 2
OPEN_EDITIONS = 2
KEPT = 2048  # passages of an edition that stay at hand


@dataclass(frozen=True, slots=True)
class Index:
    """What one edition is searched with."""

    edition: Edition
    passages: AtHand[str, tuple[Chunk, Document]]
    nearest: Exact | EditionVectors
    lexical: Lexical
    names: Names
    terms: Terms
    gaps: Gaps
    neighbours: Neighbours
    listed: Listed

    def written_for(self, question: str) -> dict[str, bool]:
        """The passages that a question is listed for, else those that explain the term whose meaning it asks, and
        whether it is that."""
        listed = self.listed.passages(question)
        return dict.fromkeys(listed, False) or dict.fromkeys(self.terms.defined(question), True)


@dataclass(frozen=True, slots=True)
class Gaps:
    """The recorded gaps of an edition: the passage of each vector with its document, and the vectors of their units
    and questions."""

    passages: tuple[tuple[str, Document], ...]
    vectors: NDArray[np.float32]

    def nearest(self, vector: NDArray[np.float32], count: int, filters: Filters) -> list[str]:
        """The passages of the nearest gaps that the filters admit."""
        found: dict[str, None] = {}
        for place in np.argsort(-(self.vectors @ vector)) if self.passages else ():
            chunk, document = self.passages[place]
            if filters.admit(document):
                found[chunk] = None
            if len(found) == count:
                break
        return list(found)


@dataclass(frozen=True, slots=True)
class Found:
    """Passages, best first. `gaps` are the nearest recorded gaps, wherever they rank; `elsewhere` is the cosine of the
    question with the nearest line of `everyday.txt`, how near it is to some other subject; `words` is the question with
    the glossary's terms for it, `periods` the time that it is about."""

    hits: tuple[Hit, ...]
    gaps: tuple[Hit, ...]
    elsewhere: float
    words: str
    periods: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for: one or more wordings of the same question, and the days or years it is about."""

    wordings: tuple[str, ...]
    periods: tuple[Period, ...]
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
        self._opening, self._using = threading.Lock(), threading.Lock()
        lines = EVERYDAY.read_text(encoding="utf-8").splitlines()
        self._everyday = np.asarray(embedder.embed_documents(lines), dtype=np.float32)

    @property
    def embedder(self) -> Embedder:
        """What questions are embedded with."""
        return self._embedder

    def index(self, edition: Edition) -> Index:
        """The open indexes of an edition. Raises EmbedderMismatch when its vectors are another model's."""
        if edition.embedder != self._embedder.name:
            raise EmbedderMismatch(
                f"Edition {edition.number} was built with {edition.embedder!r}, not {self._embedder.name!r}.",
                "Set CLUSTER_TALKS_EMBEDDER back, or run `cluster-talks ingest` to build a new edition.",
            )
        if index := self._at_hand(edition.number):
            return index
        with self._opening:  # where nobody waits who asks an edition that is open
            index = self._at_hand(edition.number) or self._opened(edition)
            with self._using:
                self._open[edition.number] = index
                for old in list(self._open)[:-OPEN_EDITIONS]:
                    del self._open[old]
            return index

    def _at_hand(self, number: int) -> Index | None:
        """The indexes of an edition that is open; from now on they are the last ones asked for."""
        with self._using:
            index = self._open.pop(number, None)
            if index:
                self._open[number] = index
            return index

    def _opened(self, edition: Edition) -> Index:
        vectors, passages = self._vectors.open(edition), list(self._library.all_chunks(edition.number))
        chunks, counts = [chunk for chunk, _ in passages], vectors.counts()
        few, whole = sum(counts.values()) <= FEW, counts == vector_counts(passages)
        rows = self._rows(vectors, [chunk for chunk in chunks if few or chunk.gap], whole=whole)
        gaps = [
            ((chunk.id, document), row)
            for chunk, document in passages
            if chunk.gap
            for row in rows.get(chunk.id, ())[1:]
        ]
        return Index(
            edition,
            AtHand(partial(self._library.chunks, edition.number), KEPT),
            Exact(passages, rows, edition.dimension) if few else vectors,
            self._open_lexical(edition.number),
            collect_names(text for chunk, document in passages for text in (document.title, *_said(chunk))),
            collect_terms(chunks),
            Gaps(tuple(passage for passage, _ in gaps), np.asarray([row for _, row in gaps], dtype=np.float32)),
            neighbours_of({document.id: document for _, document in passages}.values()),
            Listed(chunks),
        )

    def _rows(self, vectors: EditionVectors, chunks: Sequence[Chunk], *, whole: bool) -> dict[str, NDArray[np.float32]]:
        """The vectors of passages. Where the edition is stored `whole`, those that an open edition has too come from
        memory: an id names what was embedded."""
        with self._using:
            at_hand = [index.nearest for index in self._open.values() if isinstance(index.nearest, Exact)]
        rows: dict[str, NDArray[np.float32]] = {}
        for source in (*(at_hand if whole else ()), vectors):
            rows |= source.rows([chunk for chunk in chunks if chunk.id not in rows])
        return rows

    def nearest(self, wordings: Sequence[str], edition: Edition) -> str:
        """The wording that comes nearest to a passage, a sentence or a question of the edition."""
        if len(wordings) == 1:
            return wordings[0]
        nearest = self.index(edition).nearest

        def reach(wording: str) -> float:
            vector = self._embedded(wording)
            return sum(near[0].cosine for level in LEVELS if (near := nearest.near(level, vector, 1, Filters())))

        return max(wordings, key=reach)

    def search(self, query: Query, edition: Edition, count: int = 12) -> Found:
        """The best `count` passages, each with the exact cosines of its sentences with the first wording."""
        index = self.index(edition)
        words, wordings = _widened(query.wordings, index.terms)
        vectors = list(map(self._embedded, wordings))
        fused = _Fused()
        for wording, vector in zip(wordings, vectors, strict=True):
            for ranking in self._rankings(index, wording, vector, query.filters):
                fused.add(ranking)
        if not fused.scores:
            return Found((), (), 1.0, words, query.periods)
        written = index.written_for(query.wordings[0])
        nearest = list(dict.fromkeys((*written, *fused.first(count * 2))))
        gaps = index.gaps.nearest(vectors[0], GAPS, query.filters)
        stored = index.passages(list(dict.fromkeys((*nearest, *gaps))))
        rows = index.nearest.rows([chunk for chunk, _ in stored.values()])
        hits = [
            _hit(entry, rows[id_] @ vectors[0], fused.share(entry[0]) * _validity(entry[0], query.periods), written)
            for id_, entry in stored.items()
            if id_ in rows and query.filters.admit(entry[1])
        ]
        hits.sort(key=lambda hit: (not hit.listed, -hit.score))
        elsewhere = float((self._everyday @ vectors[0]).max())
        unrecorded = [hit for hit in hits if hit.chunk.id in nearest][:count]
        recorded = [hit for hit in hits if hit.chunk.id in gaps]
        alike = index.listed.alike(words, [hit.chunk for hit in (*unrecorded, *recorded)])
        first, near = (tuple(replace(h, alike=alike[h.chunk.id]) for h in part) for part in (unrecorded, recorded))
        return Found(first, near, elsewhere, words, query.periods)

    def _rankings(
        self, index: Index, wording: str, vector: NDArray[np.float32], filters: Filters
    ) -> Iterator[_Ranking]:
        for level, weight in LEVEL_WEIGHTS.items():
            near = index.nearest.near(level, vector, DEPTH * VECTORS_A_PASSAGE[level], filters)
            if near:
                yield _Ranking(weight, [passage.chunk for passage in near][:DEPTH], listed=level == "asked")
        if words := index.lexical.search(wording, DEPTH, filters):
            yield _Ranking(self._lexical_weight(index, wording, words[0][0]), [chunk for chunk, _ in words])

    def _lexical_weight(self, index: Index, wording: str, best: str) -> float:
        chunk, document = index.passages([best])[best]
        stems = (index.lexical.stems(text, document.language) for text in (wording, passage_words(chunk, document)))
        return min(1.0, LEXICAL_TRUST * index.lexical.share(*stems))

    def _embedded(self, wording: str) -> NDArray[np.float32]:
        vector = np.asarray(self._embedder.embed_query(wording), dtype=np.float32)
        unit: NDArray[np.float32] = vector / max(float(np.linalg.norm(vector)), 1e-9)
        return unit


def _hit(entry: tuple[Chunk, Document], cosines: NDArray[np.float32], score: float, written: Mapping[str, bool]) -> Hit:
    (own, *others), id_ = cosines.tolist(), entry[0].id
    return Hit(
        *entry,
        score,
        dense=own,
        units=tuple(others[: len(entry[0].units)]),
        asked=max(others, default=0.0),
        listed=id_ in written,
        defines=written.get(id_, False),
    )


@dataclass(frozen=True, slots=True)
class _Ranking:
    """`listed`: by the questions that passages list."""

    weight: float
    chunks: list[str]
    listed: bool = False


class _Fused:
    """Rankings added up. `scores`: of each passage that is in any of them."""

    def __init__(self) -> None:
        self.scores: dict[str, float] = defaultdict(float)
        self._best = self._best_unlisted = 0.0

    def add(self, ranking: _Ranking) -> None:
        """One more."""
        self._best += ranking.weight / RRF
        self._best_unlisted += 0 if ranking.listed else ranking.weight / RRF
        for rank, chunk in enumerate(ranking.chunks):
            self.scores[chunk] += ranking.weight / (RRF + rank)

    def first(self, count: int) -> list[str]:
        """The best passages."""
        return sorted(self.scores, key=lambda chunk: -self.scores[chunk])[:count]

    def share(self, chunk: Chunk) -> float:
        """The score as a share, 0..1, of what the first passage of every ranking would have that it can be in."""
        return self.scores[chunk.id] / (self._best if chunk.asked else self._best_unlisted)


def _widened(wordings: tuple[str, ...], terms: Terms) -> tuple[str, tuple[str, ...]]:
    """The words that count for the question, and its wordings with one more where the glossary knows a term of it."""
    if known := terms.of(wordings[0]):
        widened = f"{wordings[0]} ({', '.join(known)})"
        return widened, (*wordings, widened)
    return wordings[0], wordings


def _said(chunk: Chunk) -> Iterator[str]:
    """The headings and units of a passage, without lists of terms."""
    yield from chunk.anchor.path
    yield from (chunk.unit_text(index) for index, unit in enumerate(chunk.units) if unit.kind != "terms")


def passage_words(chunk: Chunk, document: Document) -> str:
    """Text of a passage together with its headings."""
    return " ".join((document.title, *chunk.anchor.path, chunk.text))


def _validity(chunk: Chunk, periods: Sequence[Period]) -> float:
    return 1.0 if any(chunk.period.overlaps(period) for period in periods) else EXPIRED
