"""An embedder that looks its vectors up in a real edition, so that large editions can be built in minutes.

| text | its vector |
|---|---|
| of the real edition, under its heading | the real one |
| a sentence or question of the real edition, under another heading | the real one, turned by a seeded angle (cosine .98) |
| a passage made of such sentences | the normalised mean of its sentences' vectors, turned likewise |
| anything else | the model's |

Everything around it (reading, cutting, storing, indexing) is the real flow. Without the turn, means of sentences would lie
nearer to each other than passages do: the nearest other passage has a cosine of .95 in the corpus, .99 among means, .95
among turned ones. So a search costs as much as over a real edition of that size, and is about as hard.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assistant.embedders import Embedder
from assistant.vectors import Embedded
from assistant.wiring import Stores
from ingest.cut import units
from tests.benchmarks.documents import Passages

Floats = NDArray[np.float32]
TURN = 0.2  # length of what is added to a vector of length 1
WORD = re.compile(r"\S+")


@dataclass
class Known:
    """The passages of the real edition and the vectors of its texts."""

    passages: Passages
    whole: dict[str, Floats] = field(default_factory=dict)  # of passages, by their text
    parts: dict[str, Floats] = field(default_factory=dict)  # of sentences, with and without heading, and of questions


def read_known(stores: Stores) -> Known:
    """What the served edition of these stores knows."""
    edition = stores.library.current()
    known = Known(list(stores.library.all_chunks(edition.number)))
    kept = stores.vectors.open(edition).stored([chunk for chunk, _ in known.passages])
    for chunk, document in known.passages:
        heading = chunk.anchor.heading[-1] if chunk.anchor.heading else document.title
        texts = [chunk.unit_text(index) for index in range(len(chunk.units))]
        _take(known, chunk.text, [*texts, *(f"{heading} {text}" for text in texts), *chunk.asked], kept[chunk.id])
    return known


def _take(known: Known, passage: str, parts: Sequence[str], kept: Embedded) -> None:
    known.whole[passage] = np.asarray(kept.passage, np.float32)
    vectors = [*kept.units, *kept.units, *kept.asked]
    known.parts |= {text: np.asarray(v, np.float32) for text, v in zip(parts, vectors, strict=True)}


class KnownEmbedder(Embedder):
    """Looks texts up; `inner` gives the vectors of what is not known, `asked` counts how often."""

    def __init__(self, known: Known, inner: Embedder) -> None:
        self._known, self._inner, self.asked = known, inner, 0
        self.name, self.dimension = inner.name, inner.dimension

    def embed_query(self, text: str) -> list[float]:
        """Vector of a question, always the model's."""
        return self._inner.embed_query(text)

    def embed_documents(self, texts: Sequence[str]) -> list[list[float]]:
        """Vectors of passages, sentences and questions, in order."""
        return [list(map(float, self._vector(text))) for text in texts]

    def _vector(self, text: str) -> Floats:
        _, newline, passage = text.partition("\n")
        return self._passage(text, passage) if newline else self._part(text)

    def _passage(self, text: str, passage: str) -> Floats:
        if passage in self._known.whole:
            return self._known.whole[passage]
        said = [passage[unit.start : unit.end] for unit in units(passage, "en")]
        found = [self._known.parts[end] for one in said if (end := self._end(one))]
        return turned(unit(np.sum(found, axis=0)), passage) if found else self._model(text)

    def _part(self, text: str) -> Floats:
        if text in self._known.parts:
            return self._known.parts[text]
        return turned(self._known.parts[end], text) if (end := self._end(text)) else self._model(text)

    def _end(self, text: str) -> str:
        """The longest end of a text that is known, "" where none is."""
        ends = (text[word.start() :] for word in WORD.finditer(text))
        return next((end for end in ends if end in self._known.parts), "")

    def _model(self, text: str) -> Floats:
        self.asked += 1
        return np.asarray(self._inner.embed_documents([text])[0], np.float32)


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts that were embedded together, and the seconds it took."""

    texts: Sequence[str]
    seconds: float


class Batches(Embedder):
    """An embedder that keeps what it embedded, and how long each batch took."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self.name, self.dimension = inner.name, inner.dimension
        self.batches: list[Batch] = []

    def embed_query(self, text: str) -> list[float]:
        """Vector of a question."""
        return self._inner.embed_query(text)

    def embed_documents(self, texts: Sequence[str]) -> list[list[float]]:
        """Vectors of texts, in order."""
        began = time.perf_counter()
        vectors = self._inner.embed_documents(list(texts))
        self.batches.append(Batch(texts, time.perf_counter() - began))
        return vectors


def turned(vector: Floats, text: str) -> Floats:
    """A vector near another one, always the same for a text."""
    draw = np.random.default_rng(zlib.crc32(text.encode()))
    return unit(vector + TURN * unit(draw.standard_normal(len(vector), dtype=np.float32)))


def unit(vector: Floats) -> Floats:
    """The vector at length 1."""
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
