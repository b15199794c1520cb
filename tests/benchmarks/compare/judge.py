"""The same judge for all: that of `cluster-talks evaluate`, over what a system showed.

Systems that never refuse get a threshold on their score that makes most outcomes right, fitted on one half of the
questions and used on the other, both ways. That is generous: nobody who sets one up has such questions.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assistant.evaluate import Case, Outcome, Result, has_all, is_right, normal

DEPTH = 4


@dataclass(frozen=True)
class Reply:
    """What a system answered; as `adapters/exchange.py` tells."""

    text: str
    sources: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    score: float | None = None
    refused: bool = False
    ms: float = 0.0


def as_reply(line: dict[str, Any]) -> Reply:
    """The reply of a line of answers."""
    return Reply(**{**line, "sources": tuple(line["sources"]), "passages": tuple(line["passages"])})


def judge(cases: Sequence[Case], replies: Sequence[Reply], length: int | None = None) -> Result:
    """The outcome of each case; with `length` only so many characters of what was shown count."""
    return Result(tuple(_outcome(case, reply, length) for case, reply in zip(cases, replies, strict=True)))


def _outcome(case: Case, reply: Reply, length: int | None) -> Outcome:
    text = reply.text[:length]
    return Outcome(
        case=case,
        right=is_right(case, text, reply.refused),
        abstained=reply.refused,
        reason=None,
        answer=text,
        milliseconds=reply.ms,
        source_right=not reply.refused and reply.sources[:1] == (case.document,) if case.document else None,
        found_at=None if case.abstain else _found_at(case, reply),
    )


def _found_at(case: Case, reply: Reply) -> int:
    """DEPTH when so many passages together hold every key fact, else 0."""
    together = normal(" ".join(reply.passages[:DEPTH]))
    return DEPTH if has_all(together, case.must_include) else 0


def shown(replies: Iterable[Reply]) -> float:
    """Characters of an answer, on average; refusals do not count."""
    return statistics.fmean(len(reply.text) for reply in replies if not reply.refused)


def with_threshold(cases: Sequence[Case], replies: Sequence[Reply]) -> list[Reply]:
    """The replies as a fitted threshold on the score would have it."""
    cuts = [_best_cut([*zip(cases, replies, strict=True)][other::2]) for other in (1, 0)]
    return [_from(reply, cuts[number % 2]) for number, reply in enumerate(replies)]


def _from(reply: Reply, cut: float) -> Reply:
    return replace(reply, refused=True, text="") if _score(reply) < cut else reply


def _best_cut(fitted: Sequence[tuple[Case, Reply]]) -> float:
    """The least score to answer from; the lowest of those that make most outcomes right."""

    def right(cut: float) -> int:
        cut_off = ((case, _from(reply, cut)) for case, reply in fitted)
        return sum(is_right(case, reply.text, reply.refused) for case, reply in cut_off)

    return max(sorted({-math.inf, *(_score(reply) for _, reply in fitted)}), key=right)


def _score(reply: Reply) -> float:
    return reply.score or 0.0


def separation(cases: Sequence[Case], replies: Sequence[Reply]) -> float:
    """How often a question that is to be answered has a higher score than one that is to be refused (AUROC)."""
    both = [(case.abstain, _score(reply)) for case, reply in zip(cases, replies, strict=True)]
    high, low = ([score for abstain, score in both if abstain is to_refuse] for to_refuse in (False, True))
    won = sum((a > b) + (a == b) / 2 for a in high for b in low)
    return won / (len(high) * len(low)) if high and low else float("nan")


def figures(cases: Sequence[Case], replies: Sequence[Reply], judges: bool, length: int) -> dict[str, float]:
    """All figures of a system on a set: as it is, cut to `length`, and where it does not judge itself with a fitted
    threshold."""
    result, cut = judge(cases, replies), judge(cases, replies, length)
    fitted = result if judges else judge(cases, with_threshold(cases, replies))
    return {
        **result.figures(),
        "right_unrefused": float("nan") if judges else result.share("right"),
        "answers_right": result.part(abstain=False).share("right"),
        "answers_right_cut": cut.part(abstain=False).share("right"),
        "found_in_4": result.recall(DEPTH),
        "characters": shown(replies),
        "separation": float("nan") if judges else separation(cases, replies),
        **{f"fitted_{name}": value for name, value in fitted.figures().items()},
        "fitted_right": fitted.share("right"),
    }
