"""The vectors of an edition: copied where they are known for the same content, embedded where it is new.

Anything that has `stored` can be copied from; it is a Source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

from assistant.embedders import Embedder
from assistant.errors import EmbedderMismatch, NotReady
from assistant.progress import Progress
from assistant.records import Chunk, Document, Edition
from assistant.vectors import EditionVectors, Embedded, Row
from assistant.wiring import Stores

Passages = Sequence[tuple[Chunk, Document]]
AT_ONCE = 512  # passages that are copied and stored together: of 62,300 vectors in 16 s, and 23 s in parts of 64


class Source(Protocol):
    """Where vectors are copied from."""

    def stored(self, chunks: Sequence[Chunk]) -> dict[str, Embedded]:
        """Vectors of those `chunks` that are here whole."""
        ...


def fill(
    vectors: EditionVectors,
    sources: Sequence[Source],
    passages: Passages,
    embedder: Embedder,
    progress: Progress,
) -> int:
    """Store the vectors of `passages`, which must be new to the edition; how many passages were embedded for it."""
    embedded, size = 0, max(AT_ONCE, embedder.batch)
    for start in range(0, len(passages), size):
        part = passages[start : start + size]
        known = _copied([chunk for chunk, _ in part], sources)
        new = [(chunk, document) for chunk, document in part if chunk.id not in known]
        for at in range(0, len(new), embedder.batch):
            progress("embed", start + at, len(passages))
            some = new[at : at + embedder.batch]
            known |= dict(zip((chunk.id for chunk, _ in some), _embed(some, embedder), strict=True))
        progress("embed", start + len(new), len(passages))
        vectors.add([Row(chunk, document, known[chunk.id]) for chunk, document in part])
        embedded += len(new)
    progress("embed", len(passages), len(passages))
    return embedded


def opened(stores: Stores, editions: Sequence[Edition]) -> list[EditionVectors]:
    """The vectors of those `editions` that have some."""
    found = []
    for edition in editions:
        try:
            found.append(stores.vectors.open(edition))
        except (NotReady, EmbedderMismatch):
            continue
    return found


def _copied(chunks: Sequence[Chunk], sources: Sequence[Source]) -> dict[str, Embedded]:
    known: dict[str, Embedded] = {}
    for source in sources:
        if missing := [chunk for chunk in chunks if chunk.id not in known]:
            known |= source.stored(missing)
    return known


def _embed(passages: Passages, embedder: Embedder) -> Iterator[Embedded]:
    """The vectors of each passage; the headings join the embedded text of the passage and of its units."""
    texts: list[str] = []
    for chunk, document in passages:
        context = chunk.anchor.heading[-1] if chunk.anchor.heading else document.title
        texts.append(f"{document.title}. {' '.join(chunk.anchor.path)}\n{chunk.text}")
        texts += [f"{context} {chunk.unit_text(index)}" for index in range(len(chunk.units))]
        texts += chunk.asked
    vectors = iter(embedder.embed_documents(texts) if texts else [])
    for chunk, _ in passages:
        yield Embedded(next(vectors), list(islice(vectors, len(chunk.units))), list(islice(vectors, len(chunk.asked))))
