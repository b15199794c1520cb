"""The vectors of an edition, in Chroma. The only file that imports chromadb.

An edition has two collections, one of passages and one of single sentences ("units"), because a filter inside one
collection costs the approximate search its recall. Chroma keeps vectors and the few fields that filters need; text is
in the library. Ids name content, so vectors of unchanged passages are copied from the edition before.
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
from assistant.records import Chunk, Document, Edition, Filters
from assistant.settings import Settings

BATCH = 2000
Vector = Sequence[float]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Near:
    """A neighbour: id of the passage, number of the unit (None for the whole passage), cosine."""

    chunk: str
    unit: int | None
    cosine: float


@dataclass(frozen=True, slots=True)
class Row:
    """One passage to store: its vector and one vector a unit."""

    chunk: Chunk
    document: Document
    passage: Vector
    units: Sequence[Vector]


class EditionVectors:
    """Search and storage of one edition's vectors."""

    def __init__(self, client: ClientAPI, edition: Edition, create: bool = False) -> None:
        self.edition = edition
        names = {level: f"edition-{edition.number}-{level}" for level in ("passages", "units")}
        settings = {"embedder": edition.embedder, "dimension": edition.dimension}
        try:
            self._passages, self._units = (
                client.get_or_create_collection(
                    name, metadata=settings, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
                )
                if create
                else client.get_collection(name, embedding_function=None)
                for name in names.values()
            )
        except NotFoundError as error:
            raise NotReady(
                f"The vectors of edition {edition.number} are missing.", "Run `cluster-talks ingest` again."
            ) from error
        found = (self._passages.metadata or {}).get("embedder")
        if found != edition.embedder:
            raise EmbedderMismatch(
                f"Edition {edition.number} was built with {edition.embedder!r}, its vectors with {found!r}.",
                "Run `cluster-talks ingest` again.",
            )

    def add(self, rows: Sequence[Row]) -> None:
        """Store passages; the ids must be new to the edition."""
        for part in _batches(rows):
            self._passages.add(
                ids=[row.chunk.id for row in part],
                embeddings=_matrix([row.passage for row in part]),
                metadatas=[_fields(row) for row in part],
            )
        units = [(row, index, vector) for row in rows for index, vector in enumerate(row.units)]
        for batch in _batches(units):
            self._units.add(
                ids=[f"{row.chunk.id}:{index}" for row, index, _ in batch],
                embeddings=_matrix([vector for _, _, vector in batch]),
                metadatas=[_fields(row) for row, _, _ in batch],
            )

    def stored(self, chunks: Sequence[Chunk]) -> dict[str, tuple[Vector, list[Vector]]]:
        """Vectors of those `chunks` that are here with all their units."""
        passages = _get(self._passages, [chunk.id for chunk in chunks])
        units = _get(self._units, [f"{chunk.id}:{i}" for chunk in chunks for i in range(len(chunk.units))])
        found = {}
        for chunk in chunks:
            keys = [f"{chunk.id}:{i}" for i in range(len(chunk.units))]
            if chunk.id in passages and all(key in units for key in keys):
                found[chunk.id] = (passages[chunk.id], [units[key] for key in keys])
        return found

    def near_passages(self, question: Vector, count: int, filters: Filters) -> list[Near]:
        """The nearest passages, best first."""
        return [Near(id_, None, cosine) for id_, cosine in _query(self._passages, question, count, filters)]

    def near_units(self, question: Vector, count: int, filters: Filters) -> list[Near]:
        """The nearest single units, best first."""
        found = [(id_.rsplit(":", 1), cosine) for id_, cosine in _query(self._units, question, count, filters)]
        return [Near(chunk, int(unit), cosine) for (chunk, unit), cosine in found]

    def cosines(self, question: Vector, chunks: Sequence[Chunk]) -> dict[str, tuple[float, list[float]]]:
        """Exact cosine of the question with each passage and each of its units."""
        target = _unit(np.asarray(question, dtype=np.float32))
        return {
            id_: (float(_unit(np.asarray(passage)) @ target), _cosines(units, target))
            for id_, (passage, units) in self.stored(chunks).items()
        }

    def count(self) -> int:
        """Number of passages."""
        return int(self._passages.count())


class Vectors:
    """The Chroma client: embedded in the data folder, or a server."""

    def __init__(self, client: ClientAPI) -> None:
        self._client = client

    def create(self, edition: Edition) -> EditionVectors:
        """Empty collections for a new edition."""
        return EditionVectors(self._client, edition, create=True)

    def open(self, edition: Edition) -> EditionVectors:
        """The collections of an edition. Raises NotReady when they are missing, EmbedderMismatch when they differ."""
        return EditionVectors(self._client, edition)

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


def _cosines(units: Sequence[Vector], target: NDArray[np.float32]) -> list[float]:
    return [float(_unit(np.asarray(unit)) @ target) for unit in units]
