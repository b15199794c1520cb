"""How well sentences that answer are told from others: the figures that training and measuring share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]


class Labelled(Protocol):
    """What is known of an example, see `examples.Example`."""

    @property
    def answers(self) -> tuple[int, ...] | None:
        """Sentences that state the answer."""
        ...

    @property
    def plausible(self) -> int | None:
        """The sentence that a careless reader would take."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """The same without its texts."""

    answers: tuple[int, ...] | None
    plausible: int | None


def figures_of(examples: Sequence[Labelled], logits: Sequence[np.ndarray]) -> dict[str, float]:
    """AUROC of the sentence that answers against the plausible sentence of a question that nothing answers ("near"),
    and against the other sentences of its passage ("other"); of whole passages ("passage"). Share of the answerable
    questions for which a sentence that answers comes first ("first")."""
    rows = list(zip(examples, logits, strict=True))
    right = [float(row[e.answers[0]]) for e, row in rows if e.answers]
    plausible = [float(row[e.plausible]) for e, row in rows if e.answers == () and e.plausible is not None]
    other = [float(v) for e, row in rows if e.answers for n, v in enumerate(row) if n not in e.answers]
    first = [int(row.argmax()) in e.answers for e, row in rows if e.answers]
    top = [(bool(e.answers), float(row.max())) for e, row in rows if e.answers is not None]
    return {
        "near": _auroc(right, plausible),
        "other": _auroc(right, other),
        "passage": _auroc([v for answers, v in top if answers], [v for answers, v in top if not answers]),
        "first": sum(first) / len(first) if first else float("nan"),
    }


def _auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    if not positive or not negative:
        return float("nan")
    return float(roc_auc_score([1] * len(positive) + [0] * len(negative), [*positive, *negative]))
