"""An HNSW index of Chroma, looked at as files. Chroma itself does not look before it follows a link, and ends the whole
process where one leads nowhere.

header.bin tells how many vectors there are, for how many there is room, and how a row of data_level0.bin is made: the
number of its links, a mark where it was removed, the links, the vector, of length 1 where nearness is the cosine, and a
label; there can be more rows than are used. link_lists.bin has the links above.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
BLOCK = 10_000  # rows
MARK = 2  # the byte of a row whose lowest bit tells that its vector was removed
UNIT = 1e-3  # by how much the length of a vector may differ from 1


@dataclass(frozen=True, slots=True)
class Header:
    """How an index is made: `label` and `vector` are places in a row of `size` bytes, `most` its room for links; there
    is `room` for so many rows, of which `count` are used."""

    room: int
    count: int
    size: int
    label: int
    vector: int
    entry: int
    most: int


@dataclass(frozen=True, slots=True)
class Written:
    """What an index has: vectors, and removed ones, which keep their rows."""

    vectors: int = 0
    removed: int = 0


def written(index: Path) -> Written | None:
    """What an index has, nothing where it has not been written yet; None where it is damaged."""
    if not (index / "header.bin").exists():
        return Written()
    try:
        header = _header((index / "header.bin").read_bytes())
        if header.count == 0:
            return Written()
        return _counted(index, header) if _whole(index, header) else None
    except (OSError, ValueError, struct.error):
        return None


def _header(text: bytes) -> Header:
    _, _, room, count, size, label, vector, _, entry, _, most = struct.unpack_from("<I6QiIQQ", text)
    return Header(room, count, size, label, vector, entry, most)


def _whole(index: Path, header: Header) -> bool:
    size = (index / "data_level0.bin").stat().st_size
    rows = size // header.size
    if size % header.size or (index / "length.bin").stat().st_size != 4 * rows:
        return False
    if not header.entry < header.count <= rows <= header.room:
        return False
    if not (index / "index_metadata.pickle").read_bytes().endswith(b"."):  # the last byte of a pickle
        return False
    links = (index / "link_lists.bin").read_bytes()
    return _linked(links, header) and all(_sound(r, header) for r in _blocks(_used(index, header)))


def _counted(index: Path, header: Header) -> Written:
    removed = int((_used(index, header)[:, MARK] & 1).sum())
    return Written(header.count - removed, removed)


def _used(index: Path, header: Header) -> Bytes:
    used: Bytes = np.memmap(index / "data_level0.bin", np.uint8, "r", shape=(header.count, header.size))
    return used


def _blocks(rows: Bytes) -> Iterator[Bytes]:
    return (np.ascontiguousarray(rows[start : start + BLOCK]) for start in range(0, len(rows), BLOCK))


def _sound(rows: Bytes, header: Header) -> bool:
    """Whether the links of some rows lead somewhere, and their vectors have length 1."""
    counts = rows[:, :2].copy().view("<u2")
    links = rows[:, 4 : 4 + 4 * header.most].copy().view("<u4")
    used = np.arange(header.most) < counts
    with np.errstate(all="ignore"):  # what is damaged can be any number
        lengths = np.linalg.norm(rows[:, header.vector : header.label].copy().view("<f4"), axis=1)
    leading = bool((counts <= header.most).all() and (links[used] < header.count).all())
    return leading and bool((np.abs(lengths - 1) < UNIT).all())


def _linked(text: bytes, header: Header) -> bool:
    """Whether the lists of links above the lowest level are as many as there are vectors and lead somewhere. A list is
    its size in bytes, then for each level the number of links and room for half as many as below."""
    at, room = 0, 4 + 2 * header.most
    for _ in range(header.count):
        (size,) = struct.unpack_from("<I", text, at)
        for level in range(at + 4, at + 4 + size, room):
            (count,) = struct.unpack_from("<H", text, level)
            links = struct.unpack_from(f"<{min(count, header.most)}I", text, level + 4)
            if count > header.most // 2 or any(link >= header.count for link in links):
                return False
        at += 4 + size
    return at == len(text)
