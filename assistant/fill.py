"""The vectors of an edition: copied where they are known for the same content, embedded where it is new.

An edition that has nearly all passages of an earlier one begins as a copy of its store: 2 s of a processor for 10,000
passages, of which one by one takes 20. Else anything that has `stored` can be copied from; it is a Source. What is new
may still be of texts that have a vector: Before and `assistant.shipped` are Said.
"""

from __future__ import annotations

from collections import ChainMap, defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Protocol

from assistant.doctor import on_disk
from assistant.embedders import Embedder
from assistant.errors import EmbedderMismatch, NotReady
from assistant.library import Library
from assistant.progress import Progress
from assistant.records import Chunk, Document, Edition, vector_counts
from assistant.vectors import EditionVectors, Embedded, Row, Vector
from assistant.wiring import Stores

Passages = Sequence[tuple[Chunk, Document]]
AT_ONCE = 512  # passages that are copied and stored together: of 62,300 vectors in 16 s, and 23 s in parts of 64
NEARLY_ALL = 0.8  # of the passages, and of what is written in an index: removed vectors keep their place there
REMEMBERED = 20_000  # passages that are gone whose texts are known, some 200 MB


class Source(Protocol):
    """Where vectors are copied from."""

    def stored(self, chunks: Sequence[Chunk]) -> dict[str, Embedded]:
        """Vectors of those `chunks` that are here whole."""
        ...


class Said(Protocol):
    """Texts that have a vector, whatever passage they stood in."""

    def texts(self, passages: Passages) -> dict[str, Vector]:
        """The vectors of what is known of the texts of some passages; it may hold others."""
        ...


def begin(stores: Stores, edition: Edition, passages: Passages) -> tuple[EditionVectors, Passages]:
    """The vectors of a new edition of these passages, as far as they can be had by copying a store, and the passages
    that are still to be filled in."""
    sizes = vector_counts(passages)
    for earlier in _nearly_same(stores, edition, passages):
        if vectors := stores.vectors.copied(earlier, edition, sizes, partial(_worth_it, earlier)):
            kept = vectors.keep(passages)
            return vectors, [(chunk, document) for chunk, document in passages if chunk.id not in kept]
    return stores.vectors.create(edition, sizes), passages


def _nearly_same(stores: Stores, edition: Edition, passages: Passages) -> Iterator[Edition]:
    """Earlier editions with nearly all passages of the new one and few others, the latest first."""
    mine = {chunk.id for chunk, _ in passages}
    for earlier in stores.library.ready(edition.embedder):
        theirs = stores.library.chunk_ids(earlier.number)
        if len(mine & theirs) >= NEARLY_ALL * max(len(mine), len(theirs)):
            yield earlier


def _worth_it(edition: Edition, store: Path) -> bool:
    """Whether the indexes of an edition in a store are whole, and nearly all that is in them is there."""
    held = on_disk.vectors_held(store, edition.number)
    return any(level.vectors for level in held.values()) and all(
        level.whole and level.worn <= 1 - NEARLY_ALL for level in held.values()
    )


class Before:
    """The passages of an earlier edition that the new one has no more: a text that stood in one has a vector, where it
    is said in the same document. `texts_of` must give the same for an edition of any version."""

    def __init__(self, library: Library, vectors: EditionVectors, passages: Passages) -> None:
        """`passages`: all those of the new edition."""
        self._vectors = vectors
        self._of: dict[str, list[tuple[Chunk, Document]]] = defaultdict(list)
        self._read: dict[str, dict[str, Vector]] = {}
        gone = sorted(library.chunk_ids(vectors.edition.number) - {chunk.id for chunk, _ in passages})[:REMEMBERED]
        for start in range(0, len(gone), AT_ONCE):
            for chunk, document in library.chunks(vectors.edition.number, gone[start : start + AT_ONCE]).values():
                self._of[document.id].append((chunk, document))

    def texts(self, passages: Passages) -> dict[str, Vector]:
        """The vectors of what was embedded for the documents of some passages. The next ones are often of the last
        document: what was read of it is kept until then."""
        wanted = {document.id for _, document in passages}
        self._read = {id_: self._read[id_] if id_ in self._read else self._texts_of(id_) for id_ in wanted}
        return {text: vector for texts in self._read.values() for text, vector in texts.items()}

    def _texts_of(self, document: str) -> dict[str, Vector]:
        return known_texts(self._vectors, self._of.pop(document, []))


def fill(
    vectors: EditionVectors,
    sources: Sequence[Source],
    passages: Passages,
    embedder: Embedder,
    progress: Progress,
    before: Sequence[Said] = (),
) -> int:
    """Store the vectors of `passages`, which must be new to the edition; how many passages were embedded for it, whole
    or in part. What was said `before` in the same words is not embedded again."""
    embedded, size = 0, max(AT_ONCE, embedder.batch)
    for start in range(0, len(passages), size):
        part = passages[start : start + size]
        known = _copied([chunk for chunk, _ in part], sources)
        new = [(chunk, document) for chunk, document in part if chunk.id not in known]
        said = {text: vector for source in before for text, vector in source.texts(new).items()}
        for at in range(0, len(new), embedder.batch):
            progress("embed", start + at, len(passages))
            known |= _embed(new[at : at + embedder.batch], embedder, said)
        progress("embed", start + len(new), len(passages))
        vectors.add([Row(chunk, document, known[chunk.id]) for chunk, document in part])
        embedded += sum(any(text not in said for text in texts_of(*one)) for one in new)
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


def _embed(passages: Passages, embedder: Embedder, said: dict[str, Vector]) -> dict[str, Embedded]:
    """The vectors of each passage, of which those of some texts are known."""
    texts = {chunk.id: texts_of(chunk, document) for chunk, document in passages}
    fresh = [text for text in dict.fromkeys(chain.from_iterable(texts.values())) if text not in said]
    new: dict[str, Vector] = dict(zip(fresh, embedder.embed_documents(fresh) if fresh else [], strict=True))
    known = ChainMap(new, said)
    found = {}
    for chunk, _ in passages:
        vectors = iter([known[text] for text in texts[chunk.id]])
        found[chunk.id] = Embedded(next(vectors), list(islice(vectors, len(chunk.units))), list(vectors))
    return found


def known_texts(vectors: EditionVectors, passages: Passages) -> dict[str, Vector]:
    """The vectors of what was embedded of those passages that an edition has whole."""
    stored = vectors.stored([chunk for chunk, _ in passages])
    pairs = (zip(texts_of(*one), _vectors(stored[one[0].id]), strict=True) for one in passages if one[0].id in stored)
    return dict(chain.from_iterable(pairs))


def texts_of(chunk: Chunk, document: Document) -> list[str]:
    """What is embedded of a passage: itself, its units, its questions; the headings join the first two."""
    context = chunk.anchor.heading[-1] if chunk.anchor.heading else document.title
    units = [f"{context} {chunk.unit_text(index)}" for index in range(len(chunk.units))]
    return [f"{document.title}. {' '.join(chunk.anchor.path)}\n{chunk.text}", *units, *chunk.asked]


def _vectors(embedded: Embedded) -> list[Vector]:
    """In the order of the texts."""
    return [embedded.passage, *embedded.units, *embedded.asked]
