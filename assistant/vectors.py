"""The vectors of an edition, in Chroma. The only file that imports chromadb.

An edition has one collection a level: passages, single sentences ("units"), and the questions that a section is said to
answer ("asked"), because a filter inside one collection costs the approximate search its recall. Chroma keeps vectors
and the few fields that filters need; text is in the library. Ids name content, so vectors of unchanged passages are
copied from the edition before.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")

import chromadb
import numpy as np
from chromadb.api import ClientAPI
from chromadb.api.models.Collection import Collection
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import NotFoundError
from numpy.typing import NDArray

from assistant.errors import EmbedderMismatch, NotReady
from assistant.records import LEVELS, Chunk, Document, Edition, Filters, Level
from assistant.settings import Settings

BATCH = 2000
Vector = Sequence[float]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Near:
    """A neighbour: id of the passage and cosine."""

    chunk: str
    cosine: float


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

    def __init__(self, client: ClientAPI, edition: Edition, create: bool = False) -> None:
        self.edition = edition
        settings = {"embedder": edition.embedder, "dimension": edition.dimension}
        try:
            self._levels: dict[Level, Collection] = {
                level: client.get_or_create_collection(
                    f"edition-{edition.number}-{level}",
                    metadata=settings,
                    embedding_function=None,
                    configuration={"hnsw": {"space": "cosine"}},
                )
                if create
                else client.get_collection(f"edition-{edition.number}-{level}", embedding_function=None)
                for level in LEVELS
            }
        except NotFoundError as error:
            raise NotReady(
                f"The vectors of edition {edition.number} are missing.", "Run `cluster-talks ingest` again."
            ) from error
        found = (self._levels["passages"].metadata or {}).get("embedder")
        if found != edition.embedder:
            raise EmbedderMismatch(
                f"Edition {edition.number} was built with {edition.embedder!r}, its vectors with {found!r}.",
                "Run `cluster-talks ingest` again.",
            )

    def add(self, rows: Sequence[Row]) -> None:
        """Store passages; the ids must be new to the edition."""
        for level, collection in self._levels.items():
            keys = [(row, key) for row in rows for key in _keys(row.chunk, level)]
            vectors = [vector for row in rows for vector in row.embedded.level(level)]
            for part in _batches(list(zip(keys, vectors, strict=True))):
                collection.add(
                    ids=[key for (_, key), _ in part],
                    embeddings=_matrix([vector for _, vector in part]),
                    metadatas=[_fields(row) for (row, _), _ in part],
                )

    def stored(self, chunks: Sequence[Chunk]) -> dict[str, Embedded]:
        """Vectors of those `chunks` that are here whole."""
        keys = {level: {chunk.id: _keys(chunk, level) for chunk in chunks} for level in LEVELS}
        there = {
            level: _get(self._levels[level], [key for part in keys[level].values() for key in part]) for level in LEVELS
        }
        found = {}
        for chunk in chunks:
            if all(key in there[level] for level in LEVELS for key in keys[level][chunk.id]):
                passage, units, asked = ([there[level][key] for key in keys[level][chunk.id]] for level in LEVELS)
                found[chunk.id] = Embedded(passage[0], units, asked)
        return found

    def near(self, level: Level, question: Vector, count: int, filters: Filters) -> list[Near]:
        """The passages that the nearest `count` vectors of a level belong to, best first, each once."""
        nearest: dict[str, float] = {}
        for id_, cosine in _query(self._levels[level], question, count, filters):
            nearest.setdefault(id_.partition(":")[0], cosine)
        return [Near(chunk, cosine) for chunk, cosine in nearest.items()]

    def cosines(self, question: Vector, chunks: Sequence[Chunk]) -> dict[str, dict[Level, list[float]]]:
        """Exact cosines of the question with every vector of each passage."""
        target = _unit(np.asarray(question, dtype=np.float32))
        return {
            id_: {
                level: [float(_unit(np.asarray(vector)) @ target) for vector in kept.level(level)] for level in LEVELS
            }
            for id_, kept in self.stored(chunks).items()
        }

    def count(self) -> int:
        """Number of passages."""
        return int(self._levels["passages"].count())


class Vectors:
    """The Chroma client: embedded in the data folder, or a server."""

    def __init__(self, client: ClientAPI) -> None:
        self._client = client

    def create(self, edition: Edition) -> EditionVectors:
        """Empty collections for a new edition, whatever a lost library left under its number."""
        self.drop(edition.number)
        return EditionVectors(self._client, edition, create=True)

    def open(self, edition: Edition) -> EditionVectors:
        """The collections of an edition. Raises NotReady when they are missing, EmbedderMismatch when they differ."""
        return EditionVectors(self._client, edition)

    def editions(self) -> set[int]:
        """Numbers of the editions that have collections."""
        return {int(collection.name.split("-")[1]) for collection in self._client.list_collections()}

    def drop(self, edition: int) -> None:
        """Remove an edition's collections, if they are there."""
        for collection in self._client.list_collections():
            if collection.name.startswith(f"edition-{edition}-"):
                self._client.delete_collection(collection.name)

    def healthy(self) -> bool:
        """Whether Chroma answers."""
        return self._client.heartbeat() > 0


def open_vectors(settings: Settings) -> Vectors:
    """A Chroma server by CHROMA_URL, otherwise the store in the data folder. Telemetry is off in both."""
    options = ChromaSettings(anonymized_telemetry=False)
    if settings.chroma_url:
        address = urlsplit(settings.chroma_url)
        client = chromadb.HttpClient(
            host=address.hostname or "localhost",
            port=address.port or 8000,
            ssl=address.scheme == "https",
            settings=options,
        )
        return Vectors(client)
    folder = Path(settings.data) / "vectors"
    folder.mkdir(parents=True, exist_ok=True)
    return Vectors(chromadb.PersistentClient(path=str(folder), settings=options))


def _keys(chunk: Chunk, level: Level) -> list[str]:
    """The ids of a passage's vectors on a level."""
    if level == "passages":
        return [chunk.id]
    return [f"{chunk.id}:{index}" for index in range(len(chunk.units if level == "units" else chunk.asked))]


def _fields(row: Row) -> dict[str, str]:
    return {"kind": row.document.kind, "source": row.document.id, "language": row.document.language}


def _where(filters: Filters) -> dict[str, Any] | None:
    wanted = {"kind": filters.kind, "source": filters.source, "language": filters.language}
    terms: list[dict[str, Any]] = [{field: {"$in": list(values)}} for field, values in wanted.items() if values]
    return {"$and": terms} if len(terms) > 1 else (terms[0] if terms else None)


def _query(collection: Collection, question: Vector, count: int, filters: Filters) -> list[tuple[str, float]]:
    found = collection.query(
        query_embeddings=_matrix([question]), n_results=count, where=_where(filters), include=["distances"]
    )
    distances = (found["distances"] or [[]])[0]
    return [(id_, 1.0 - float(distance)) for id_, distance in zip(found["ids"][0], distances, strict=True)]


def _get(collection: Collection, ids: Sequence[str]) -> dict[str, Vector]:
    found: dict[str, Vector] = {}
    for part in _batches(ids):
        rows = collection.get(ids=list(part), include=["embeddings"])
        found.update(zip(rows["ids"], cast(Sequence[Vector], rows["embeddings"]), strict=True))
    return found


def _batches(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[i : i + BATCH] for i in range(0, len(items), BATCH)]


def _matrix(vectors: Sequence[Vector]) -> NDArray[np.float32]:
    return np.asarray(vectors, dtype=np.float32)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
