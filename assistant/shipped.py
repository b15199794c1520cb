"""Vectors that come with a corpus: its texts were embedded once; a first edition, or a repair, need not wait for it.

`vectors.npz` in the corpus folder is of one embedder and tells nothing but which text has which vector; a text that has
changed since is not in it, and is embedded. It is written from the edition that is served:

    .venv/bin/cluster-talks ingest && .venv/bin/python -m assistant.shipped
"""

from __future__ import annotations

import logging
import sys
import zlib
from contextlib import closing
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from assistant.errors import ClusterTalksError
from assistant.fill import Passages, Said, known_texts, texts_of
from assistant.settings import SHIPPED, load_settings
from assistant.vectors import Vector
from assistant.wiring import Stores, stores_of

STEPS = 127  # from 0 to the largest component: the cosine with the vector as it was is .9999

log = logging.getLogger(__name__)


class Shipped:
    """The vectors of a file, which is read when they are first asked for; none where there is no such file."""

    def __init__(self, file: Path, embedder: str) -> None:
        self._file, self._embedder = file, embedder

    def texts(self, passages: Passages) -> dict[str, Vector]:
        """The vectors, at length 1, of those texts of the passages that the file has."""
        if not self._rows:
            return {}
        keys = {text: _key(text) for passage in passages for text in texts_of(*passage)}
        there = [text for text, key in keys.items() if key in self._rows]
        if not there:
            return {}
        rows = np.array([self._rows[keys[text]] for text in there], np.float32)
        return dict(zip(there, rows / np.linalg.norm(rows, axis=1, keepdims=True), strict=True))

    @cached_property
    def _rows(self) -> dict[int, NDArray[np.int8]]:
        if not self._file.is_file():
            return {}
        try:
            with np.load(self._file, allow_pickle=False) as held:
                if str(held["embedder"]) != self._embedder:
                    return {}
                return dict(zip(held["texts"].tolist(), held["vectors"], strict=True))
        except (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error) as error:
            log.warning("%s cannot be read (%s): what it has is embedded anew.", self._file, error)
            return {}


def shipped_with(stores: Stores) -> list[Said]:
    """What came with the corpus of these stores, if anything did."""
    return [Shipped(stores.shipped, stores.embedder.name)] if stores.shipped else []


def ship(stores: Stores, file: Path) -> int:
    """Write the vectors of the served edition to a file; how many. Raises NotReady where nothing is served."""
    edition = stores.library.current()
    passages = list(stores.library.all_chunks(edition.number))
    known = {_key(text): vector for text, vector in known_texts(stores.vectors.open(edition), passages).items()}
    texts = np.array(sorted(known), np.uint64)
    rows = np.array([known[key] for key in texts.tolist()], np.float32)
    vectors = np.round(rows * (STEPS / np.abs(rows).max(1, keepdims=True))).astype(np.int8)
    part = file.with_name(f".{file.name}")
    with part.open("wb") as out:
        np.savez_compressed(out, embedder=np.array(edition.embedder), texts=texts, vectors=vectors)
    part.replace(file)
    return len(texts)


def _key(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def main() -> None:
    """Write the file of the corpus folder."""
    settings = load_settings()
    stores, file = stores_of(settings), settings.corpus / SHIPPED
    with closing(stores.library), closing(stores.vectors):
        try:
            print(f"{ship(stores, file)} vectors written to {file}.")  # noqa: T201
        except ClusterTalksError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
