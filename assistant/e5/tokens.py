"""XLM-RoBERTa's tokenizer: the most probable way to write a text in pieces of the vocabulary (SentencePiece unigram).

In Python because a vocabulary of 250 000 takes the `tokenizers` package over two seconds to build.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from assistant.e5.vocabulary import Vocabulary
from assistant.e5.weights import Weights

SPACE = "▁"
UNKNOWN_PENALTY = 10.0
REMEMBERED = 50_000
SURROGATES, NO_CHARACTER = range(0xD800, 0xE000), "\uffff"
WORD = re.compile(f"{SPACE}[^{SPACE}]*")
SPACES = re.compile(" {2,}")


class Tokenizer:
    """Text to piece numbers, without the begin and end marks."""

    def __init__(self, weights: Weights, folder: Path | None = None) -> None:
        # The vocabulary has no piece for NUL, and nothing written after one may be lost. Half a character is unknown.
        self._normal = {**weights.normal, 0: " ", **dict.fromkeys(SURROGATES, NO_CHARACTER)}
        self._vocabulary = Vocabulary(weights, folder)
        self._unknown = weights.unknown
        self._unknown_score = float(weights.scores.min()) - UNKNOWN_PENALTY
        # No piece has a space but at its start, so words are independent of each other.
        self._short_word = lru_cache(REMEMBERED)(self._word)

    def __call__(self, text: str) -> list[int]:
        """Piece numbers of a text."""
        plain = SPACES.sub(" ", text.translate(self._normal)).replace(" ", SPACE)
        words = WORD.findall(plain if plain.startswith(SPACE) else SPACE + plain)
        encode, short, limit = self._word, self._short_word, 2 * self._vocabulary.longest
        return [number for word in words for number in (short(word) if len(word) <= limit else encode(word))]

    def _word(self, word: str) -> tuple[int, ...]:
        """The pieces of one word whose scores have the highest sum (Viterbi)."""
        size = len(word)
        best = [0.0] + [float("-inf")] * size  # the best sum up to each character,
        came = [0] * (size + 1)  # where its last piece starts,
        last = [self._unknown] * (size + 1)  # and which piece that is
        for start in range(size):
            for length, number, piece in self._vocabulary.prefixes(word[start : start + self._vocabulary.longest]):
                stop, score = start + length, best[start] + piece
                if score > best[stop] and number != self._unknown:
                    best[stop], came[stop], last[stop] = score, start, number
            if (score := best[start] + self._unknown_score) > best[start + 1]:
                best[start + 1], came[start + 1], last[start + 1] = score, start, self._unknown
        pieces = []
        while size:
            pieces.append(last[size])
            size = came[size]
        return tuple(reversed(pieces))
