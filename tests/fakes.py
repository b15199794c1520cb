"""A quick embedder for tests of the flows; what the real ones do is held by tests/contract/test_embedders.py."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from assistant.embedders import Embedder

DIMENSION = 64


@cache
def _direction(word: str) -> npt.NDArray[np.float64]:
    return np.random.default_rng(zlib.crc32(word.encode())).standard_normal(DIMENSION)


class WordEmbedder(Embedder):
    """A text is the sum of its words, each a fixed random direction: near texts share words."""

    name = "words"
    dimension = DIMENSION

    def __init__(self) -> None:
        self.embedded = 0

    def embed_query(self, text: str) -> list[float]:
        return self._vector(text)

    def embed_documents(self, texts: Sequence[str]) -> list[list[float]]:
        self.embedded += len(texts)
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        words = [word.strip(".,:;?!") for word in text.lower().split()] or [""]
        total = sum(map(_direction, words))
        return list(map(float, total / max(float(np.linalg.norm(total)), 1e-9)))
