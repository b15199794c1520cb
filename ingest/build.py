"""A set of stored versions → a new edition: vectors (copied where the content is the same) and BM25 index."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assistant.fill import Before, Said, begin, fill, opened
from assistant.lexical import build_lexical
from assistant.records import Document, Edition
from assistant.shipped import shipped_with
from assistant.wiring import Stores
from ingest.progress import Stages

KEPT_EDITIONS = 3
Derive = Callable[[int, Stores, Stages], int]


def derive_here(number: int, stores: Stores, stages: Stages) -> int:
    """Make vectors and BM25 index of an edition; how many passages were embedded for it."""
    library = stores.library
    passages = list(library.all_chunks(number))
    with stages.timed("embed"):
        vectors, missing = begin(stores, library.edition(number), passages)
        earlier = opened(stores, library.ready(stores.embedder.name)) if missing else []
        before: list[Said] = [Before(library, earlier[0], passages)] if earlier else []
        said = [*before, *shipped_with(stores)]
        embedded = fill(vectors, earlier, missing, stores.embedder, stages.progress, said)
    with stages.timed("index"):
        build_lexical(stores.lexical_folder(number), passages).close()
    return embedded


def build(
    members: Sequence[Document], stores: Stores, stages: Stages, derive: Derive = derive_here
) -> tuple[Edition, int]:
    """A new edition of these documents, ready to be published, and how many passages were embedded for it."""
    library, embedder = stores.library, stores.embedder
    number = library.begin_edition(embedder.name, embedder.dimension)
    try:
        library.add_members(number, [document.digest for document in members])
        embedded = derive(number, stores, stages)
        library.finish_edition(number)
    except BaseException:
        stores.discard(number)
        raise
    return library.edition(number), embedded


def retire(stores: Stores, before: Edition | None) -> None:
    """Drop the vectors and indexes of all but the newest editions, the served one and that served before."""
    kept = {stores.library.current().number, before.number if before else 0}
    ready = [edition.number for edition in stores.library.editions() if edition.status == "ready"]
    for number in ready[KEPT_EDITIONS:]:
        if number not in kept:
            stores.drop(number)
