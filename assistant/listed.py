"""The questions that sections are said to answer, known by their words: their vectors hardly tell "What does it stand
for?" from "What is it?". A heading counts as one of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from math import log
from sys import intern

from assistant.names import WORD, fold
from assistant.records import Chunk

KEPT = 4096  # questions whose words stay at hand, some 2 MB


class Listed:
    """Those of an edition."""

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self._passages: dict[str, list[str]] = defaultdict(list)
        self._having: Counter[str] = Counter()
        self._count = 0
        for chunk in chunks:
            asked = dict.fromkeys(map(words_of, chunk.asked))
            for words in asked:
                self._passages[words].append(chunk.id)
            for words in {*asked, *map(words_of, chunk.anchor.heading[-1:])}:
                self._having.update(set(map(intern, words.split())))
                self._count += 1

    def passages(self, question: str) -> Sequence[str]:
        """The passages that list just this question, however it is written."""
        return self._passages.get(words_of(question), ())

    def alike(self, question: str, chunks: Iterable[Chunk]) -> Mapping[str, float]:
        """For each passage the words that the question shares with the nearest one that it is said to answer: their
        share of all words of the two, each weighted by its rarity, 0..1."""
        asked = {word: self._rarity(word) for word in _words(question)}
        total = sum(asked.values())

        def share(there: tuple[str, ...]) -> float:
            shared = sum(asked[word] for word in there if word in asked)
            return shared / (total + sum(map(self._rarity, there)) - shared) if shared else 0.0

        return {chunk.id: max(map(share, _questions(chunk)), default=0.0) for chunk in chunks}

    def _rarity(self, word: str) -> float:
        return log(1 + self._count / (1 + self._having[word]))


def words_of(question: str) -> str:
    """The words of a question, by which it is known again however it is written."""
    return " ".join(WORD.findall(fold(question)))


@lru_cache(KEPT)
def _words(question: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(intern, words_of(question).split())))


def _questions(chunk: Chunk) -> Iterator[tuple[str, ...]]:
    return map(_words, dict.fromkeys((*chunk.asked, *chunk.anchor.heading[-1:])))
