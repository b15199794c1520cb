"""How well a sentence is borne out by its sources where no single fault was found: a logistic regression over cosines.

It is kept as text in `score.json`, with and without what the reader says, with a threshold for sources in the
sentence's language and one for others, and with the figures of the fit (`tests/quality/measure_verifier.py --write`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from assistant.verify.case import Case

ABOVE = 0.9  # what a word in a heading counts, beside one in a unit
ALIKE = 0.45  # cosine from which on two words are a pair
MODEL = Path(__file__).with_name("score.json")


def signals(case: Case, cosines: Sequence[float], read: float | None) -> dict[str, float]:
    """What the score rests on. Cosine of the sentence with the units that say a part of it: `support`, mean, and
    `furthest`. Cosine of its content words with the nearest word there: `words`, mean, `least` and `second`, the two
    lowest; `paired`: mean where no two share a word; `turned`: share of these pairs that stand in the other order.
    `read`: the reader's logit of the best unit, within -6..6, only where it has read."""
    words, support = list(case.claim.marked.content), list(case.support)
    alike = np.sort(np.maximum(case.alike[support].max(0), case.over)[words] if words else np.ones(1))
    paired, turned = _paired(case, words)
    found = {
        "support": float(np.mean([cosines[unit] for unit in support])),
        "furthest": min(cosines[unit] for unit in support),
        "words": float(alike.mean()),
        "least": float(alike[0]),
        "second": float(alike[min(1, len(alike) - 1)]),
        "paired": paired,
        "turned": turned,
    }
    return found if read is None else found | {"read": max(-6.0, min(6.0, read))}


def _paired(case: Case, words: Sequence[int]) -> tuple[float, float]:
    """How alike the words are where each has a word of the support for itself, and how many pairs are turned."""
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

    places = [(unit, word) for unit in case.support for word in case.units[unit].marked.content]
    if not places or not words:
        return 0.0, 0.0
    alike = case.claim.vectors[words] @ np.array([case.units[unit].vectors[word] for unit, word in places]).T
    mine, theirs = linear_sum_assignment(-alike)
    best = np.maximum(np.zeros(len(words)), case.over[words] * ABOVE)
    best[mine] = np.maximum(best[mine], alike[mine, theirs])
    pairs = [places[there] for here, there in zip(mine, theirs, strict=True) if alike[here, there] > ALIKE]
    turned = [one[1] > other[1] for one, other in combinations(pairs, 2) if one[0] == other[0]]
    return float(best.mean()), sum(turned) / max(len(turned), 1)


def margin(found: dict[str, float], *, same_language: bool) -> float:
    """How far the score is over the threshold from which on a sentence counts as supported."""
    model = _models()["read" if "read" in found else "unread"]
    weighed = sum(weight * found[signal] for signal, weight in model["weights"].items())
    return float(model["bias"] + weighed - model["thresholds"]["same" if same_language else "other"])


@cache
def _models() -> dict[str, Any]:
    return dict(json.loads(MODEL.read_text(encoding="utf-8")))


def forget() -> None:
    """Read the file anew the next time."""
    _models.cache_clear()
