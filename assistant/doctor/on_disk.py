"""What derives from the library, looked at as files: nothing is opened that has one owner, and nothing is written.

Each function returns what is wrong as words that follow "Edition 3 …", "" where nothing is. The formats are those of
tantivy (segment files that end in a footer with their CRC-32) and of Chroma (a store an edition: its own SQLite tables,
and an HNSW index a collection, which is behind by what still waits in its queue).
"""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from assistant.doctor.hnsw import Written, written
from assistant.records import LEVELS, Level
from assistant.split import STORE, reading

SEGMENT_FILES = ("fast", "fieldnorm", "idx", "pos", "store", "term")
FOOTER_MARK = 1337
BLOCK = 1 << 20
NOTHING = Written()
NAMES: dict[Level, str] = {"passages": "passages", "units": "sentences", "asked": "questions"}

KEPT = """SELECT vectors.id,
    (SELECT count(*) FROM embeddings JOIN segments ON segments.id = embeddings.segment_id
        WHERE segments.collection = collections.id),
    (SELECT coalesce(sum(queue.operation <> 3), 0) FROM embeddings_queue AS queue
        WHERE substr(queue.topic, -36) = collections.id AND queue.seq_id > coalesce(max_seq_id.seq_id, 0)),
    (SELECT coalesce(sum(queue.operation = 3), 0) FROM embeddings_queue AS queue
        WHERE substr(queue.topic, -36) = collections.id AND queue.seq_id > coalesce(max_seq_id.seq_id, 0))
    FROM collections JOIN segments AS vectors ON vectors.collection = collections.id AND vectors.scope = 'VECTOR'
    LEFT JOIN max_seq_id ON max_seq_id.segment_id = vectors.id WHERE collections.name = ?"""


@dataclass(frozen=True, slots=True)
class Held:
    """The vectors of one level: how many there are by the SQLite file, how many wait to be added to the index and how
    many to be removed from it, and what is written there, None where it is damaged."""

    vectors: int = 0
    added: int = 0
    removed: int = 0
    index: Written | None = NOTHING

    @property
    def whole(self) -> bool:
        """Whether the index is sound and has the vectors that there are."""
        return self.index is not None and self.index.vectors + self.added - self.removed == self.vectors

    @property
    def worn(self) -> float:
        """The share of removed vectors, which keep their rows, among all of the index."""
        gone = self.removed + (self.index.removed if self.index else 0)
        return gone / max(1, gone + self.vectors)


def too_few(there: Mapping[Level, int], wanted: Mapping[Level, int]) -> str:
    """Which level has another number of vectors than it should."""
    for level in LEVELS:
        if there[level] != wanted[level]:
            return f"has {wanted[level]} {NAMES[level]} and {there[level]} vectors"
    return ""


# --- BM25


def words_fault(folder: Path, passages: int) -> str:
    """What is wrong with the BM25 index of an edition of so many passages."""
    try:
        segments = json.loads((folder / "meta.json").read_text(encoding="utf-8"))["segments"]
        files = [folder / f"{one['segment_id'].replace('-', '')}.{end}" for one in segments for end in SEGMENT_FILES]
        if damaged := [file.name for file in files if not _sealed(file)]:
            return f"has a damaged BM25 index ({damaged[0]})"
        held = sum(one["max_doc"] for one in segments)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error):
        return "has a damaged BM25 index"
    return "" if held == passages else f"has {passages} passages and {held} in its BM25 index"


def _sealed(file: Path) -> bool:
    """Whether a file of a segment is as it was written."""
    with file.open("rb") as reading:
        end = reading.seek(0, 2) - 8
        reading.seek(end)
        size, mark = struct.unpack("<II", reading.read(8))
        if mark != FOOTER_MARK:
            return False
        reading.seek(end - size)
        told = json.loads(reading.read(size))["crc"]
        reading.seek(0)
        return bool(told == _crc(reading.read, end - size))


def _crc(read: Callable[[int], bytes], left: int) -> int:
    found = 0
    while left > 0 and (block := read(min(BLOCK, left))):
        found = zlib.crc32(block, found)
        left -= len(block)
    return found


# --- vectors


def store_fault(store: Path) -> str:
    """What is wrong with the SQLite file of an edition's store."""
    file = store / STORE
    if not file.exists():
        return ""
    try:
        with closing(reading(file)) as db:
            (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
            db.execute(KEPT, ("",)).fetchone()
    except sqlite3.OperationalError as error:
        return "" if "locked" in str(error) or "busy" in str(error) else f"has a damaged store of vectors: {error}"
    except sqlite3.DatabaseError as error:
        return f"has a damaged store of vectors: {error}"
    return "" if said == "ok" else f"has a damaged store of vectors: {said}"


def vectors_fault(store: Path, edition: int, wanted: Mapping[Level, int]) -> str:
    """What is wrong with the vectors of an edition in its store."""
    held = vectors_held(store, edition)
    if few := too_few({level: held[level].vectors for level in LEVELS}, wanted):
        return few
    damaged = [NAMES[level] for level in LEVELS if not held[level].whole]
    return f"has a damaged index of its {damaged[0]}" if damaged else ""


def vectors_held(store: Path, edition: int) -> dict[Level, Held]:
    """What the store of an edition holds of each level."""
    if not (store / STORE).exists():
        return dict.fromkeys(LEVELS, Held())
    with closing(reading(store / STORE)) as db:
        found = {level: db.execute(KEPT, (f"edition-{edition}-{level}",)).fetchone() for level in LEVELS}
    return {
        level: Held(row[1], row[2], row[3], written(store / row[0])) if row else Held() for level, row in found.items()
    }
