"""The pieces that e5 knows, as a trie: what of them a text begins with, in 5 MB where a dictionary takes 50.

Made from the weights the first time and kept in a folder like the models (`cache.py`): a number of 4 bytes, the length
of the longest piece; the number of each piece in the trie's order, 4 bytes each; the trie.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from marisa_trie import Trie

from assistant.e5.cache import digest, kept
from assistant.e5.weights import Weights

FORMAT = 1  # raise it when the file changes


class Vocabulary:
    """All pieces, each with its number and score; `longest`: characters of the longest."""

    def __init__(self, weights: Weights, folder: Path | None = None) -> None:
        made = kept(folder, "pieces", digest(*weights.vocabulary, str(FORMAT).encode()), lambda: _made(weights))
        head = np.frombuffer(made, "<u4", 1 + len(weights.scores))
        self.longest = int(head[0])
        self._numbers = array("I", head[1:].tobytes())
        self._scores = array("f", weights.scores[head[1:]].tobytes())
        self._trie = Trie().frombytes(made[head.nbytes :])

    def prefixes(self, text: str) -> Iterator[tuple[int, int, float]]:
        """Of each piece that the text begins with, its length, its number and its score."""
        for piece, place in self._trie.iter_prefixes_with_ids(text):
            yield len(piece), self._numbers[place], self._scores[place]


def _made(weights: Weights) -> bytes:
    pieces = weights.pieces
    trie = Trie(pieces)
    numbers = np.empty(len(pieces), "<u4")
    numbers[[trie[piece] for piece in pieces]] = np.arange(len(pieces))
    longest = np.array([max(map(len, pieces))], "<u4")
    return b"".join((longest.tobytes(), numbers.tobytes(), trie.tobytes()))
