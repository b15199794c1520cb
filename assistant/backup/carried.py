"""The vectors in a backup: one matrix with a row a vector, and how many rows each passage has, in the same order.

The rows of a passage are its own, one a unit, one a question.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeInt, TypeAdapter

from assistant.backup.archive import ANOTHER
from assistant.backup.manifest import BadBackup
from assistant.fill import Source, opened
from assistant.progress import Progress
from assistant.records import LEVELS, Chunk
from assistant.vectors import Embedded
from assistant.wiring import Stores

MATRIX, CHUNKS = "vectors.npy", "chunks.json"
AT_ONCE = 500
READING = "Reading the vectors"
NONE = slice(0, 0)
_COUNTS = TypeAdapter(dict[str, NonNegativeInt])


def write_vectors(stores: Stores, folder: Path, progress: Progress) -> None:
    """Write the vectors of the editions that can be served into a folder; those that are not whole are left out."""
    editions = stores.library.ready(stores.embedder.name)
    chunks = {chunk.id: chunk for edition in editions for chunk, _ in stores.library.all_chunks(edition.number)}
    rows = sum(map(_count, chunks.values()))
    shape = (rows, stores.embedder.dimension)
    matrix = np.lib.format.open_memmap(folder / MATRIX, mode="w+", dtype=np.float32, shape=shape)
    counts: dict[str, int] = {}
    at = 0
    for id_, embedded in _found(opened(stores, editions), chunks):
        found = [vector for level in LEVELS for vector in embedded.level(level)]
        matrix[at : at + len(found)] = found
        counts[id_] = len(found)
        progress(READING, at, rows)
        at += len(found)
    progress(READING, rows, rows)
    matrix.flush()
    (folder / CHUNKS).write_text(json.dumps(counts), encoding="utf-8")


def _found(sources: Sequence[Source], chunks: Mapping[str, Chunk]) -> Iterator[tuple[str, Embedded]]:
    """The vectors of each passage, from the first source that has them."""
    left = dict(chunks)
    for source in sources:
        for part in _parts(list(left.values())):
            for id_, embedded in source.stored(part).items():
                del left[id_]
                yield id_, embedded


class Carried:
    """The vectors that a backup brought, as a source to fill editions from. Raises BadBackup."""

    def __init__(self, folder: Path) -> None:
        try:
            counts = _COUNTS.validate_json((folder / CHUNKS).read_bytes())
            self._matrix: NDArray[np.float32] = np.load(folder / MATRIX, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise BadBackup("Its vectors cannot be read.", ANOTHER) from error
        if self._matrix.dtype != np.float32 or sum(counts.values()) > len(self._matrix):
            raise BadBackup("Its vectors are not as many as it says.", ANOTHER)
        starts = accumulate(counts.values(), initial=0)
        self._rows = {id_: slice(start, start + counts[id_]) for id_, start in zip(counts, starts, strict=False)}

    def stored(self, chunks: Sequence[Chunk]) -> dict[str, Embedded]:
        """Vectors of those `chunks` that are here."""
        rows = {chunk.id: self._matrix[self._rows.get(chunk.id, NONE)] for chunk in chunks}
        return {chunk.id: _parted(chunk, rows[chunk.id]) for chunk in chunks if len(rows[chunk.id]) == _count(chunk)}


def _parted(chunk: Chunk, rows: NDArray[np.float32]) -> Embedded:
    asked = 1 + len(chunk.units)
    return Embedded(rows[0], list(rows[1:asked]), list(rows[asked:]))


def _count(chunk: Chunk) -> int:
    return 1 + len(chunk.units) + len(chunk.asked)


def _parts(chunks: Sequence[Chunk]) -> Iterator[Sequence[Chunk]]:
    return (chunks[start : start + AT_ONCE] for start in range(0, len(chunks), AT_ONCE))
