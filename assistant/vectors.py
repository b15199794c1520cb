"""The vectors of an edition, in Chroma. The only file that imports chromadb.

An edition has one collection a level: passages, single sentences ("units"), and the questions that a section is said to
answer ("asked"), because a filter inside one collection costs the approximate search its recall. Chroma keeps vectors
and the few fields that filters need; text is in the library. Ids name content, so vectors of unchanged passages are
copied from the edition before.

In the data folder each edition is a Chroma store of its own: one process can write an edition while another searches
those before, and what an edition takes in memory and on disk goes with it. An edition that differs little from one
before begins as a copy of its store.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import urlsplit

os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")

import chromadb
import numpy as np
from chromadb.api import ClientAPI
from chromadb.api.client import Client
from chromadb.api.collection_configuration import CreateHNSWConfiguration, UpdateHNSWConfiguration
from chromadb.api.models.Collection import Collection
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError, NotFoundError
from numpy.typing import NDArray

from assistant.chroma_session import PATIENCE, Session
from assistant.errors import EmbedderMismatch, NotReady
from assistant.records import LEVELS, Chunk, Document, Edition, Filters, Level, Near
from assistant.settings import Settings
from assistant.split import STORE, copy_store, split

BATCH = 2000
# Candidates of a search: Chroma's 100 let the order in which an index was built decide about the last neighbours.
REACH = 500
# Candidates while an index is built: with Chroma's 100 it takes twice as long, and of 33,404 sentences 40 candidates
# find as many of the nearest 40 (.991 and .990).
CARE = 40
# Vectors that wait in Chroma's queue until they are written to the index: never all of an edition's. While an index has
# none, whoever opens it writes it anew, and a process that is killed meanwhile leaves half of it.
LATE, AT_ONCE, FEWEST = 1000, 100, 2
Vector = Sequence[float]
Sizes = Mapping[Level, int]
NO_SIZES: Sizes = {}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of one passage: its own, one for each unit, one for each question that it answers."""

    passage: Vector
    units: Sequence[Vector] = ()
    asked: Sequence[Vector] = ()

    def level(self, level: Level) -> Sequence[Vector]:
        """The vectors of one level, in order."""
        return {"passages": [self.passage], "units": self.units, "asked": self.asked}[level]


@dataclass(frozen=True, slots=True)
class Row:
    """One passage to store."""

    chunk: Chunk
    document: Document
    embedded: Embedded


class EditionVectors:
    """Search and storage of one edition's vectors."""

    def __init__(
        self, client: ClientAPI, edition: Edition, create: Sizes | None = None, kept: _Store | None = None
    ) -> None:
        self.edition, self._kept = edition, kept
        settings = {"embedder": edition.embedder, "dimension": edition.dimension}
        try:
            self._levels: dict[Level, Collection] = {
                level: client.get_or_create_collection(
                    _name(edition, level),
                    metadata=settings,
                    embedding_function=None,
                    configuration={"hnsw": _index(create.get(level, LATE))},
                )
                if create is not None
                else client.get_collection(_name(edition, level), embedding_function=None)
                for level in LEVELS
            }
        except NotFoundError as error:
            raise _missing(edition) from error
        found = (self._levels["passages"].metadata or {}).get("embedder")
        if found != edition.embedder:
            raise EmbedderMismatch(
                f"Edition {edition.number} was built with {edition.embedder!r}, its vectors with {found!r}.",
                "Run `cluster-talks ingest` again.",
            )

    def add(self, rows: Sequence[Row]) -> None:
        """Store passages; the ids must be new to the edition."""
        for level in LEVELS:
            collection = self._of(level)
            keys = [(row, key) for row in rows for key in _keys(row.chunk, level)]
            vectors = [vector for row in rows for vector in row.embedded.level(level)]
            for part in _batches(list(zip(keys, vectors, strict=True))):
                collection.add(
                    ids=[key for (_, key), _ in part],
                    embeddings=_matrix([vector for _, vector in part]),
                    metadatas=[_fields(row.document) for (row, _), _ in part],
                )

    def keep(self, passages: Iterable[tuple[Chunk, Document]]) -> set[str]:
        """Remove all vectors but those of the `passages` that are here whole and as they are now; the ids of these."""
        there = {level: set(self._of(level).get(include=[])["ids"]) for level in LEVELS}
        found = self._of("passages").get(include=["metadatas"])
        fields = dict(zip(found["ids"], found["metadatas"] or [], strict=True))
        whole = [
            chunk
            for chunk, document in passages
            if fields.get(chunk.id) == _fields(document)
            and all(key in there[level] for level in LEVELS for key in _keys(chunk, level))
        ]
        for level in LEVELS:
            gone = there[level] - {key for chunk in whole for key in _keys(chunk, level)}
            for part in _batches(sorted(gone)):
                self._of(level).delete(ids=list(part))
        return {chunk.id for chunk in whole}

    def stored(self, chunks: Sequence[Chunk]) -> dict[str, Embedded]:
        """Vectors of those `chunks` that are here whole."""
        keys = {level: {chunk.id: _keys(chunk, level) for chunk in chunks} for level in LEVELS}
        there = {
            level: _get(self._of(level), [key for part in keys[level].values() for key in part]) for level in LEVELS
        }
        found = {}
        for chunk in chunks:
            if all(key in there[level] for level in LEVELS for key in keys[level][chunk.id]):
                passage, units, asked = ([there[level][key] for key in keys[level][chunk.id]] for level in LEVELS)
                found[chunk.id] = Embedded(passage[0], units, asked)
        return found

    def near(self, level: Level, question: Vector | NDArray[np.float32], count: int, filters: Filters) -> list[Near]:
        """The passages that the nearest `count` vectors of a level belong to, best first, each once."""
        nearest: dict[str, float] = {}
        for id_, cosine in _query(self._of(level), question, count, filters):
            nearest.setdefault(id_.partition(":")[0], cosine)
        return [Near(chunk, cosine) for chunk, cosine in nearest.items()]

    def rows(self, chunks: Sequence[Chunk]) -> dict[str, NDArray[np.float32]]:
        """The unit vectors of those `chunks` that are here whole: of the passage, its units, then its questions."""
        return {id_: _units([kept.passage, *kept.units, *kept.asked]) for id_, kept in self.stored(chunks).items()}

    def count(self) -> int:
        """Number of passages."""
        return int(self._of("passages").count())

    def counts(self) -> dict[Level, int]:
        """Number of vectors of each level."""
        return {level: int(self._of(level).count()) for level in LEVELS}

    def _of(self, level: Level) -> Collection:
        """The collection of a level. Raises NotReady where the edition was dropped meanwhile."""
        if self._kept and not self._kept.close.alive:
            raise _missing(self.edition)
        return self._levels[level]


class Unopened(NotReady):
    """The vectors of an edition are there, and their store cannot be opened."""

    title = "The vectors cannot be opened"


class Vectors(Protocol):
    """The vectors of all editions."""

    def create(self, edition: Edition, sizes: Sizes = NO_SIZES) -> EditionVectors:
        """Empty collections for a new edition of so many vectors, whatever a lost library left under its number."""
        ...

    def copied(
        self, earlier: Edition, edition: Edition, sizes: Sizes, sound: Callable[[Path], bool]
    ) -> EditionVectors | None:
        """Collections for a new edition, of so many vectors in the end, with all that an earlier one has, whatever is
        left under its number; None where that cannot be copied, or its folder, or the copy, is not `sound`."""
        ...

    def open(self, edition: Edition) -> EditionVectors:
        """The collections of an edition. Raises NotReady when they are missing, Unopened when their store cannot be
        opened, EmbedderMismatch when they are of another model."""
        ...

    def editions(self) -> set[int]:
        """Numbers of the editions that have collections."""
        ...

    def drop(self, edition: int) -> None:
        """Remove an edition's collections, if they are there; what is under way in them ends."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


class FolderVectors:
    """A store for each edition in `folder`, open while somebody has its vectors."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[int, weakref.WeakSet[_Store]] = defaultdict(weakref.WeakSet)

    def create(self, edition: Edition, sizes: Sizes = NO_SIZES) -> EditionVectors:
        """As Vectors says."""
        self.drop(edition.number)
        return self._opened(edition, sizes)

    def copied(
        self, earlier: Edition, edition: Edition, sizes: Sizes, sound: Callable[[Path], bool]
    ) -> EditionVectors | None:
        """As Vectors says."""
        old, new = (self._folder / str(number) for number in (earlier.number, edition.number))
        self.drop(edition.number)
        try:
            if sound(old):
                copy_store(old, new)
                if sound(new):
                    return self._taken_over(earlier, edition, sizes)
        except (OSError, sqlite3.Error, ChromaError, NotReady, EmbedderMismatch):
            pass  # what is wrong there is for `doctor` to say; the vectors are stored anew
        self.drop(edition.number)
        return None

    def _taken_over(self, earlier: Edition, edition: Edition, sizes: Sizes) -> EditionVectors:
        """The collections of a copied store, as if they had been created for the edition."""
        store = self._store(edition)
        for level in LEVELS:
            collection = store.client.get_collection(_name(earlier, level), embedding_function=None)
            collection.modify(name=_name(edition, level), configuration={"hnsw": _changed(sizes[level])})
        mine = {_name(edition, level) for level in LEVELS}
        for other in store.client.list_collections():
            if other.name not in mine:  # of the editions that one store had in older versions
                store.client.delete_collection(other.name)
        return EditionVectors(store.client, edition, kept=store)

    def open(self, edition: Edition) -> EditionVectors:
        """As Vectors says."""
        if not (self._folder / str(edition.number) / STORE).exists():
            raise _missing(edition)
        return self._opened(edition)

    def _opened(self, edition: Edition, create: Sizes | None = None) -> EditionVectors:
        store = self._store(edition)
        return EditionVectors(store.client, edition, create, kept=store)

    def _store(self, edition: Edition) -> _Store:
        try:
            store = _Store(self._folder / str(edition.number))
        except ChromaError as error:
            detail = f"The vectors of edition {edition.number} cannot be opened: {error}."
            raise Unopened(
                detail, "Make room if the disk is full; `cluster-talks doctor` tells what to mend."
            ) from error
        self._open[edition.number].add(store)
        return store

    def editions(self) -> set[int]:
        """As Vectors says."""
        return {int(store.name) for store in self._folder.iterdir() if store.name.isdigit()}

    def drop(self, edition: int) -> None:
        """As Vectors says."""
        for store in list(self._open.pop(edition, ())):
            store.close()
        shutil.rmtree(self._folder / str(edition), ignore_errors=True)

    def close(self) -> None:
        """As Vectors says."""
        for stores in list(self._open.values()):
            for store in list(stores):
                store.close()


class _Store:
    """An open store, closed when nobody has it any more. Chroma shares one among all who open the same folder, and does
    not lock that."""

    _turn = threading.RLock()  # a store can be let go wherever memory is

    def __init__(self, folder: Path) -> None:
        with self._turn:
            try:
                self.client = chromadb.PersistentClient(path=str(folder), settings=_options())
            except ChromaError:
                SharedSystemClient._identifier_to_system.pop(str(folder), None)  # it would keep what did not start
                raise
        self.close = weakref.finalize(self, _close, self.client, self._turn)
        self.close.atexit = False


def _close(client: ClientAPI, turn: threading.RLock) -> None:
    with turn:
        cast(Client, client).close()


class ServerVectors:
    """Collections on a Chroma server."""

    def __init__(self, client: ClientAPI) -> None:
        self._client = client

    def create(self, edition: Edition, sizes: Sizes = NO_SIZES) -> EditionVectors:
        """As Vectors says."""
        self.drop(edition.number)
        return EditionVectors(self._client, edition, sizes)

    def copied(
        self, earlier: Edition, edition: Edition, sizes: Sizes, sound: Callable[[Path], bool]
    ) -> EditionVectors | None:
        """As Vectors says: a server copies no collections."""

    def open(self, edition: Edition) -> EditionVectors:
        """As Vectors says."""
        return EditionVectors(self._client, edition)

    def editions(self) -> set[int]:
        """As Vectors says."""
        return {int(collection.name.split("-")[1]) for collection in self._client.list_collections()}

    def drop(self, edition: int) -> None:
        """As Vectors says."""
        for collection in self._client.list_collections():
            if collection.name.startswith(f"edition-{edition}-"):
                with suppress(NotFoundError):  # another process was first
                    self._client.delete_collection(collection.name)

    def close(self) -> None:
        """As Vectors says."""
        cast(Client, self._client).close()


def open_vectors(settings: Settings) -> Vectors:
    """A Chroma server by CHROMA_URL, otherwise the stores in the data folder. Raises Away when the server does not
    answer."""
    if settings.chroma_url:
        return ServerVectors(_served(settings.chroma_url))
    folder = Path(settings.data) / "vectors"
    folder.mkdir(parents=True, exist_ok=True)
    split(folder)
    return FolderVectors(folder)


def _name(edition: Edition, level: Level) -> str:
    return f"edition-{edition.number}-{level}"


def _index(size: int) -> CreateHNSWConfiguration:
    """How an index of so many vectors is built and searched."""
    late = max(FEWEST, min(LATE, size))
    return {
        "space": "cosine",
        "ef_search": REACH,
        "ef_construction": CARE,
        "sync_threshold": late,
        "batch_size": min(AT_ONCE, late),
    }


def _changed(size: int) -> UpdateHNSWConfiguration:
    """The same for an index that is there: how it was built so far stays."""
    new = _index(size)
    return {
        "ef_search": new["ef_search"],
        "sync_threshold": new["sync_threshold"],
        "batch_size": new["batch_size"],
    }


def _options() -> ChromaSettings:
    return ChromaSettings(anonymized_telemetry=False)


def _missing(edition: Edition) -> NotReady:
    return NotReady(f"The vectors of edition {edition.number} are missing.", "Run `cluster-talks doctor --repair`.")


def _served(url: str) -> ClientAPI:
    """The client of a Chroma server. Its own session waits without end."""
    address = urlsplit(url)
    host, port = address.hostname or "localhost", address.port or 8000
    with Session(timeout=PATIENCE) as probe:
        probe.request("get", f"{address.scheme}://{host}:{port}/api/v2/heartbeat")
    client = chromadb.HttpClient(host=host, port=port, ssl=address.scheme == "https", settings=_options())
    server = cast(Any, client)._server
    server._session = Session(timeout=PATIENCE, headers=server._session.headers)
    return client


def _keys(chunk: Chunk, level: Level) -> list[str]:
    """The ids of a passage's vectors on a level."""
    if level == "passages":
        return [chunk.id]
    return [f"{chunk.id}:{index}" for index in range(len(chunk.units if level == "units" else chunk.asked))]


def _fields(document: Document) -> dict[str, str]:
    return {"kind": document.kind, "source": document.id, "language": document.language}


def _where(filters: Filters) -> dict[str, Any] | None:
    wanted = {"kind": filters.kind, "source": filters.source, "language": filters.language}
    terms: list[dict[str, Any]] = [{field: {"$in": list(values)}} for field, values in wanted.items() if values]
    return {"$and": terms} if len(terms) > 1 else (terms[0] if terms else None)


def _query(
    collection: Collection, question: Vector | NDArray[np.float32], count: int, filters: Filters
) -> list[tuple[str, float]]:
    found = collection.query(
        query_embeddings=np.asarray([question], np.float32),
        n_results=count,
        where=_where(filters),
        include=["distances"],
    )
    distances = (found["distances"] or [[]])[0]
    return [(id_, 1.0 - float(distance)) for id_, distance in zip(found["ids"][0], distances, strict=True)]


def _get(collection: Collection, ids: Sequence[str]) -> dict[str, Vector]:
    found: dict[str, Vector] = {}
    for part in _batches(ids):
        rows = collection.get(ids=list(part), include=["embeddings"])
        found.update(zip(rows["ids"], _matrix(cast(Sequence[Vector], rows["embeddings"])), strict=True))
    return found


def _batches(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[i : i + BATCH] for i in range(0, len(items), BATCH)]


def _matrix(vectors: Sequence[Vector]) -> NDArray[np.float32]:
    return np.asarray(vectors, dtype=np.float32)


def _units(vectors: Sequence[Vector]) -> NDArray[np.float32]:
    rows = _matrix(vectors)
    units: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return units
