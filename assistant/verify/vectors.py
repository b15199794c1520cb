"""Vectors of the words of a text: from the first layers of the bundled e5, which the reader uses too, or, where there
is another embedder, of each word alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from assistant.embedders import Embedder
from assistant.verify.text import Floats, Span, WordVectors

KEPT = 2048
PREFIX = "passage:"


class FirstLayers:
    """Words where they stand: the mean of the states of their pieces after the first layers, where words of two
    languages are most alike. The folder `models` keeps what it runs."""

    def __init__(self, models: Path) -> None:
        from assistant.e5.model import first_layers

        self._first = first_layers(models, 1)
        self._words = self._first.words
        self._kept = lru_cache(KEPT)(self._vectors)

    def __call__(self, text: str, spans: tuple[Span, ...]) -> Floats:
        """Vectors of the words, [words, dimension]; words beyond the model's positions have none (zeros)."""
        return self._kept(text, spans)

    def _vectors(self, text: str, spans: tuple[Span, ...]) -> Floats:
        begin, end = self._words.marks
        pieces, places = [begin, *self._words.tokens(PREFIX)], []
        for start, stop in spans:
            found = self._words.tokens(text[start:stop])
            places.append((len(pieces), len(pieces) + len(found)))
            pieces += found
        pieces = [*pieces[: len(self._words.positions) - 1], end]
        states: Floats = self._first.states(np.array([pieces]))[0]
        means = [states[a:b].mean(0) if a < b <= len(states) else np.zeros(states.shape[1]) for a, b in places]
        return np.array(means, dtype=np.float32)


def words_alone(embedder: Embedder) -> WordVectors:
    """Word vectors from an embedder that gives one vector a text."""
    kept: Callable[[str], list[float]] = lru_cache(KEPT)(lambda word: embedder.embed_documents([word])[0])

    def vectors(text: str, spans: tuple[Span, ...]) -> Floats:
        return np.array([kept(text[a:b].strip(".,;:()").lower()) for a, b in spans], dtype=np.float32)

    return vectors
