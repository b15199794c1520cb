"""What derives from the library, built anew where it is missing or damaged: `cluster-talks doctor --repair`.

Meant are the BM25 indexes and the vectors of the editions that can be served. What is damaged is not copied from: its
vectors come from another edition, or with the corpus, or are embedded. A repair that breaks off can be done again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from assistant.doctor import on_disk
from assistant.doctor.stores import whole
from assistant.errors import Busy, ClusterTalksError, EmbedderMismatch
from assistant.fill import Passages, Source, fill, opened
from assistant.lexical import Lexical, build_lexical
from assistant.progress import Progress
from assistant.records import LEVELS, Edition, Filters, vector_counts
from assistant.settings import Settings
from assistant.shipped import shipped_with
from assistant.vectors import EditionVectors, Embedded
from assistant.wiring import DataFolder, Stores, open_stores

AT_ONCE = 500
UNIT = 0.01  # by how much the length of a vector may differ from 1
SAME = 0.99  # cosine that a passage's vector has at least with its nearest, which is itself


@dataclass(frozen=True, slots=True)
class Mended:
    """What was built anew: `part` "vectors" or "words" of an edition, why, and how many passages were embedded."""

    part: str
    edition: int
    fault: str
    embedded: int = 0

    @property
    def told(self) -> str:
        """A sentence for people."""
        what = {"vectors": f"its vectors were stored anew, {self.embedded} passages embedded"}
        return f"Edition {self.edition} {self.fault}: {what.get(self.part, 'its BM25 index was built anew')}."


def repair(settings: Settings, progress: Progress) -> list[Mended]:
    """Mend what derives from the library. Raises Busy beside a server or an ingest, Damaged where the library is,
    NotReady where there is none, EmbedderMismatch where the edition served is of another embedder."""
    folder = DataFolder(settings.data)
    folder.own()
    try:
        if not settings.database_url and (settings.data / "library.db").exists():
            whole(settings.data / "library.db")
        _clear(settings)
        stores = open_stores(settings)
        with closing(stores.library), closing(stores.vectors), stores.library.publisher.turn() as mine:
            if not mine:
                raise Busy("Another process is building an edition.", "Wait until it is done, then try again.")
            return list(mend(settings, stores, progress))
    finally:
        folder.release()


def _clear(settings: Settings) -> None:
    """Remove the stores of vectors that Chroma could not open."""
    for store in [] if settings.chroma_url else list((settings.data / "vectors").glob("*")):
        if on_disk.store_fault(store):
            shutil.rmtree(store)


def mend(settings: Settings, stores: Stores, progress: Progress, sources: Sequence[Source] = ()) -> Iterator[Mended]:
    """Mend the edition served, then the others that can be; vectors are copied from `sources` where these have them."""
    served = stores.library.current()
    if served.embedder != stores.embedder.name:
        raise EmbedderMismatch(
            f"Edition {served.number} was built with {served.embedder!r}, not {stores.embedder.name!r}.",
            "Set CLUSTER_TALKS_EMBEDDER back.",
        )
    kept = sorted(stores.library.ready(served.embedder), key=lambda edition: edition.number != served.number)
    faults = {edition.number: _vectors_fault(settings, stores, edition) for edition in kept}
    for edition in kept:
        passages = list(stores.library.all_chunks(edition.number))
        if fault := faults[edition.number]:
            good = [other for other in kept if not faults[other.number]]
            vectors = stores.vectors.create(edition, vector_counts(passages))
            known = [*sources, *opened(stores, good)]
            embedded = fill(vectors, known, passages, stores.embedder, progress, shipped_with(stores))
            faults[edition.number] = ""
            yield Mended("vectors", edition.number, fault, embedded)
        if fault := _words_fault(stores, edition):
            build_lexical(stores.lexical_folder(edition.number), passages).close()
            yield Mended("words", edition.number, fault)


def _words_fault(stores: Stores, edition: Edition) -> str:
    folder = stores.lexical_folder(edition.number)
    if not folder.is_dir():
        return "has no BM25 index"
    if fault := on_disk.words_fault(folder, edition.chunks):
        return fault
    try:
        Lexical(folder).close()
    except Exception:  # whatever the index reports
        return "has a BM25 index that cannot be opened"
    return ""


def _vectors_fault(settings: Settings, stores: Stores, edition: Edition) -> str:
    """What is wrong with the vectors of an edition: first their files, then each of them."""
    passages = list(stores.library.all_chunks(edition.number))
    wanted = vector_counts(passages)
    store = stores.data / "vectors" / str(edition.number)
    if not settings.chroma_url and (fault := on_disk.vectors_fault(store, edition.number, wanted)):
        return fault
    try:
        vectors = stores.vectors.open(edition)
        return on_disk.too_few(vectors.counts(), wanted) or _read_fault(vectors, passages)
    except ClusterTalksError:
        return "has no vectors of its own"
    except BaseException as error:  # whatever Chroma reports, of which a panic is no Exception
        if settings.chroma_url or isinstance(error, KeyboardInterrupt | SystemExit):  # it may be away, not damaged
            raise
        return "has vectors that cannot be read"


def _read_fault(vectors: EditionVectors, passages: Passages) -> str:
    for start in range(0, len(passages), AT_ONCE):
        chunks = [chunk for chunk, _ in passages[start : start + AT_ONCE]]
        stored = vectors.stored(chunks)
        if len(stored) < len(chunks) or not all(map(_unit_long, stored.values())):
            return "has vectors that are not as they were stored"
        near = vectors.near("passages", stored[chunks[0].id].passage, 1, Filters())
        if not near or near[0].cosine < SAME:
            return "has vectors that are not found"
    return ""


def _unit_long(embedded: Embedded) -> bool:
    rows = np.asarray([vector for level in LEVELS for vector in embedded.level(level)], dtype=np.float32)
    return bool((np.abs(np.linalg.norm(rows, axis=1) - 1) < UNIT).all())
