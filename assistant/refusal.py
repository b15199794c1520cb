"""Whether the evidence answers at all: small detectors, each a logistic regression over a few signals.

One fires on questions whose best evidence is a section that records what is not known, which the refusal then quotes,
one on questions about something else, and, where a reader has read, one on questions that nothing answers. They are
kept as text in `refusal.json`, for each case, with the questions and the cross-validation of the last fit
(`tests/quality/fit_refusal.py`); `older` names those that are of one before.
"""

from __future__ import annotations

import json
import math
from collections.abc import Container, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.evidence import Quote
    from assistant.records import Hit
    from assistant.retrieve import Found

NO_GAPS = ", no gaps"
LEAST = 0.001  # probability; a reader is never surer


def read_signals(found: Found, ranked: Sequence[Quote]) -> dict[str, float]:
    """What the decision rests on; nearly all compare two things of the same edition, so that they hold for other
    documents too. `elsewhere`: how much nearer the question is to an everyday subject than to the best passage;
    `gap_margin` and `gap_reach`: how much better the best recorded gap is than the best statement, by score of a
    sentence within -1..1 and by cosine of what it says or answers, only where a gap was found; `agreement`: fused
    score of the first passage; and only where a reader has read and knows, `answers`: log odds that the best
    statement's passage answers."""
    gap, other = ([quote for quote in ranked if quote.hit.chunk.gap is side] for side in (True, False))
    read, read_gap = ([odds for q in part if (odds := _log_odds(q.hit)) is not None] for part in (other, gap))
    return {
        "elsewhere": found.elsewhere - max(hit.dense for hit in found.hits),
        **(_nearer(gap, other) if gap else {}),
        "agreement": found.hits[0].score,
        **({"answers": max(read, default=_odds(0.0))} if read or read_gap else {}),
    }


def _nearer(gap: Sequence[Quote], other: Sequence[Quote]) -> dict[str, float]:
    score = [max((quote.score for quote in part), default=-math.inf) for part in (gap, other)]
    reach = [max((quote.hit.asked for quote in part), default=0.0) for part in (gap, other)]
    return {
        "gap_margin": max(-1.0, min(1.0, score[0] - score[1])),
        "gap_reach": max(-0.2, min(0.2, reach[0] - reach[1])),
    }


def _log_odds(hit: Hit) -> float | None:
    """Log odds that a passage answers, None where it was not read by a reader that knows."""
    return None if hit.reading is None or hit.reading.answers is None else _odds(hit.reading.answers)


def _odds(chance: float) -> float:
    kept = min(max(chance, LEAST), 1 - LEAST)
    return math.log(kept / (1 - kept))


def judge(signals: dict[str, float]) -> str:
    """The detector ("gap", "out_of_scope", "unanswered") that fires most surely, otherwise "answer"."""
    over = margins(signals)
    surest = max(over, key=over.__getitem__)
    return surest if over[surest] > 0 else "answer"


def margins(signals: dict[str, float]) -> dict[str, float]:
    """How far each detector is over its threshold: a logistic regression, bias + sum of weight * signal."""
    return {
        name: detector["bias"]
        + sum(weight * signals[signal] for signal, weight in detector["weights"].items())
        - detector["threshold"]
        for name, detector in _detectors(case_of(signals)).items()
    }


def case_of(signals: Container[str]) -> str:
    """Which detectors judge: "read" or "unread", without that for gaps where what may be cited records none."""
    return ("read" if "answers" in signals else "unread") + ("" if "gap_margin" in signals else NO_GAPS)


@cache
def _detectors(case: str) -> dict[str, Any]:
    stored = json.loads(Path(__file__).with_name("refusal.json").read_text(encoding="utf-8"))
    return dict(stored[case]["detectors"])
