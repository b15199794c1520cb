"""What the reader learns from: questions with a passage, and which sentence of it states the answer, if any.

Four sources: SQuAD-like files (`squad.py`; English, Spanish, Italian, with adversarial questions nothing answers) and
questions written for them; the passages of our own corpus and invented ones of public organisations (`corpus.py`) with
questions listed or written for them, near misses among them; and claims instead of questions (`claims.py`), which are
"answered" by what supports them. Some examples are made from others: the answer's sentence left out, a name or a year
exchanged, another passage that our own search finds near, question and passage of two languages. Topics and documents
that measure the result never enter (`squad.ASIDE`, and `part` of a corpus passage).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

# How often an example comes in one epoch, by kind, or by kind and language.
TIMES = {
    "squad": 0.7,
    "squad en": 2.0,
    "squad it": 0.3,
    "adversarial": 2.0,
    "adversarial en": 3.0,
    "posed": 2.5,
    "translated": 2.0,
    "crossed": 0.2,
    "left out": 0.2,
    "mined": 0.15,
    "written": 3.0,
    "twin": 1.5,
    "listed": 0.6,
    "near": 0.3,
    "near gap": 0.2,
    "exchanged": 0.4,
    "swapped": 0.3,
    "claim": 3.0,
    "fever": 0.5,
    "neighbour": 0.5,
    "gap": 0.4,
}

Embed = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True, slots=True)
class Example:
    """A question and a passage. `answers`: the sentences that state the answer, () for none, None when one of them does
    and it is not known which; `span`: sentence and characters of the answer; `plausible`: the sentence that a careless
    reader would take; `relevant`: about the question's subject, None when that is not known; `unlabelled`: teachers say
    what answers."""

    question: str
    language: str
    heading: str
    sentences: tuple[str, ...]
    answers: tuple[int, ...] | None
    span: tuple[int, int, int] | None = None
    plausible: int | None = None
    relevant: bool | None = True
    weight: float = 1.0
    kind: str = ""
    unlabelled: bool = False


def times(example: Example) -> float:
    """How often the example comes in one epoch."""
    return TIMES.get(f"{example.kind} {example.language}", TIMES[example.kind])


def nearest(questions: np.ndarray, passages: np.ndarray, count: int) -> np.ndarray:
    """Numbers of the nearest passages of each question, [questions, count]."""
    return np.concatenate(
        [
            np.argsort(-(questions[at : at + 512] @ passages.T), axis=1)[:, :count]
            for at in range(0, len(questions), 512)
        ]
    )


def near(examples: Sequence[Example], embed: Embed, count: int) -> Iterator[tuple[Example, list[Example]]]:
    """The examples, each with those whose passages the search finds near its question and that are not its own: as many
    as there are among the first `count`."""
    passages = list({example.sentences: example for example in examples}.values())
    vectors = embed([" ".join((passage.heading, *passage.sentences)) for passage in passages])
    ranks = nearest(embed([example.question for example in examples]), vectors, count)
    for example, ranked in zip(examples, ranks, strict=True):
        own = set(example.sentences)
        yield example, [passages[rank] for rank in ranked if not own & set(passages[rank].sentences)]


def of_another(example: Example, other: Example, **more: Any) -> Example:  # noqa: ANN401
    """The question of one example with the passage of another."""
    return replace(example, heading=other.heading, sentences=other.sentences, span=None, plausible=None, **more)


def neighbours(examples: Sequence[Example], embed: Embed, count: int = 2) -> list[Example]:
    """The questions with passages near them: only teachers can say whether one answers."""
    return [
        of_another(example, other, answers=None, relevant=None, kind="neighbour", unlabelled=True)
        for example, others in near(examples, embed, count + 4)
        for other in others[:count]
    ]


def exchange(question: str, here: Sequence[str], fresh: Sequence[str], chance: random.Random) -> str | None:
    """The question with one of the names here exchanged for a fresh one; None where there is none of either."""
    return question.replace(chance.choice(here), chance.choice(fresh)) if here and fresh else None


def answers_of(row: Mapping[str, Any]) -> tuple[int, ...]:
    """The sentences that a written question names: "sentence" is a number, several, or null."""
    found = row["sentence"]
    return () if found is None else tuple(found) if isinstance(found, list) else (int(found),)
