"""What the reader learns from: questions with a passage, and which sentence of it states the answer, if any.

Three sources: SQuAD-like files (`squad.py`; English, Spanish, Italian, with adversarial questions nothing answers),
the passages of our own corpus (`corpus.py`) with the questions listed for them, and questions written for those
passages, near misses among them. Some examples are made from others: the answer's sentence left out, a name or a year
exchanged, another passage that our own search finds near, question and passage of two languages. Topics and documents
that measure the result never enter (`squad.ASIDE`, and `part` of a corpus passage).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# How often an example comes in one epoch, by kind, or by kind and language.
TIMES = {
    "squad": 0.7,
    "squad en": 2.0,
    "squad it": 0.3,
    "adversarial": 2.0,
    "adversarial en": 3.0,
    "posed": 4.0,
    "translated": 2.0,
    "crossed": 0.2,
    "left out": 0.2,
    "mined": 0.15,
    "written": 3.0,
    "listed": 0.6,
    "near": 0.3,
    "near gap": 0.2,
    "exchanged": 0.4,
    "gap": 0.4,
}

Embed = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True, slots=True)
class Example:
    """A question and a passage. `answers`: the sentences that state the answer, () for none, None when one of them does
    and it is not known which; `span`: sentence and characters of the answer; `plausible`: the sentence that a careless
    reader would take; `relevant`: about the question's subject, None when that is not known."""

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
