"""How well a sentence is borne out by its sources where no single fault was found: a logistic regression over cosines.

It is kept as text in `score.json`, with and without what the reader says, and with the figures of the fit
(`tests/quality/measure_verifier.py --write`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from assistant.verify.case import Case

MODEL = Path(__file__).with_name("score.json")


def signals(case: Case, cosines: Sequence[float], read: float | None) -> dict[str, float]:
    """What the score rests on. `nearest`: cosine of the sentence with the nearest unit; `furthest`: with the furthest
    of the units that say a part of it; `words` and `least`: cosine of its content words with the nearest word there,
    mean and least; `read`: the reader's logit of the best unit, within -6..6, only where it has read."""
    words = list(case.claim.marked.content)
    support = list(case.support)
    alike = np.maximum(case.alike[support].max(0), case.over)[words] if words else np.ones(1)
    found = {
        "nearest": max(cosines),
        "furthest": min(cosines[unit] for unit in support),
        "words": float(alike.mean()),
        "least": float(alike.min()),
    }
    return found if read is None else found | {"read": max(-6.0, min(6.0, read))}


def margin(found: dict[str, float]) -> float:
    """How far the score is over the threshold from which on a sentence counts as supported."""
    model = _models()["read" if "read" in found else "unread"]
    weighed = sum(weight * found[signal] for signal, weight in model["weights"].items())
    return float(model["bias"] + weighed - model["threshold"])


@cache
def _models() -> dict[str, Any]:
    return dict(json.loads(MODEL.read_text(encoding="utf-8")))


def forget() -> None:
    """Read the file anew the next time."""
    _models.cache_clear()
