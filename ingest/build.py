"""A set of stored versions → a new edition: vectors (copied where the content is the same) and BM25 index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from assistant.errors import EmbedderMismatch, NotReady
from assistant.lexical import build_lexical
from assistant.records import Chunk, Document, Edition
from assistant.vectors import EditionVectors, Embedded, Row
from assistant.wiring import Stores
from ingest.progress import Progress, Stages

KEPT_EDITIONS = 3
EMBED_BATCH = 64


def build(members: Sequence[Document], stores: Stores, stages: Stages) -> tuple[Edition, int]:
    """A new edition of these documents, ready to be published, and how many passages were embedded for it."""
    library, embedder = stores.library, stores.embedder
    number = library.begin_edition(embedder.name, embedder.dimension)
    try:
        library.add_members(number, [document.digest for document in members])
        passages = list(library.all_chunks(number))
        with stages.timed("embed"):
            vectors = stores.vectors.create(library.edition(number))
            embedded = _fill(vectors, _earlier(stores), passages, stores, stages.progress)
        with stages.timed("index"):
            build_lexical(stores.lexical_folder(number), passages).close()
        library.finish_edition(number)
    except BaseException:
        stores.drop(number)
        raise
    return library.edition(number), embedded


def retire(stores: Stores, before: Edition | None) -> None:
    """Drop the vectors and indexes of all but the newest editions, the served one and that served before."""
    kept = {stores.library.current().number, before.number if before else 0}
    ready = [edition.number for edition in stores.library.editions() if edition.status == "ready"]
    for number in ready[KEPT_EDITIONS:]:
        if number not in kept:
            stores.drop(number)


def _earlier(stores: Stores) -> list[EditionVectors]:
    """The vectors that can be copied, newest first: of editions that are whole and were made by the same model."""
    found = []
    for edition in stores.library.editions():
        if edition.status == "ready" and edition.embedder == stores.embedder.name:
            try:
                found.append(stores.vectors.open(edition))
            except (NotReady, EmbedderMismatch):
                continue
    return found


def _fill(
    vectors: EditionVectors,
    earlier: Sequence[EditionVectors],
    passages: list[tuple[Chunk, Document]],
    stores: Stores,
    progress: Progress,
) -> int:
    embedded = 0
    for start in range(0, len(passages), EMBED_BATCH):
        progress("embed", start, len(passages))
        part = passages[start : start + EMBED_BATCH]
        known = _copied([chunk for chunk, _ in part], earlier)
        new = [(chunk, document) for chunk, document in part if chunk.id not in known]
        known |= dict(zip((chunk.id for chunk, _ in new), _embed(new, stores), strict=True))
        vectors.add([Row(chunk, document, known[chunk.id]) for chunk, document in part])
        embedded += len(new)
    progress("embed", len(passages), len(passages))
    return embedded


def _copied(chunks: Sequence[Chunk], earlier: Sequence[EditionVectors]) -> dict[str, Embedded]:
    known: dict[str, Embedded] = {}
    for vectors in earlier:
        if missing := [chunk for chunk in chunks if chunk.id not in known]:
            known |= vectors.stored(missing)
    return known


def _embed(passages: Sequence[tuple[Chunk, Document]], stores: Stores) -> Iterator[Embedded]:
    """The vectors of each passage; the headings join the embedded text of the passage and of its units."""
    texts: list[str] = []
    for chunk, document in passages:
        context = chunk.anchor.heading[-1] if chunk.anchor.heading else document.title
        texts.append(f"{document.title}. {' '.join(chunk.anchor.path)}\n{chunk.text}")
        texts += [f"{context} {chunk.unit_text(index)}" for index in range(len(chunk.units))]
        texts += chunk.asked
    vectors = iter(stores.embedder.embed_documents(texts) if texts else [])
    for chunk, _ in passages:
        yield Embedded(next(vectors), list(islice(vectors, len(chunk.units))), list(islice(vectors, len(chunk.asked))))
