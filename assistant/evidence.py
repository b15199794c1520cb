"""The sentences that answer, and whether they answer at all.

Every sentence of the best passages gets a score from its cosine, the question's words it covers and the rank of its
passage. Two small calibrated detectors decide to refuse: one for questions whose best evidence is a section that
records what is not known, which the refusal then quotes, and one for questions about something else. They are kept as
text in `refusal.json`, with the questions and the cross-validation they came from (`tests/quality/fit_refusal.py`).

A reader model that sees question and passage together would enter here, as one more signal and one more score.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.records import Hit, Reason
from assistant.retrieve import Found, coverage, passage_words

if TYPE_CHECKING:
    from assistant.lexical import Lexical

PASSAGES = 6
SHARPNESS = 4.0  # what one unit of cosine counts; the cosines of e5 lie within about 0.15 of each other
COVERAGE = 0.5
RANK = 0.5
ANSWER_CHARACTERS = 600
QUOTES = 5
NEAR_THE_BEST = 0.6
AT_HOME = 0.2
REPEATED = 0.8
CLOSEST = 3  # quotes of a refusal
SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class Quote:
    """One unit of a passage, to be shown."""

    hit: Hit
    unit: int
    score: float = 0.0
    stems: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        """The unit, verbatim."""
        return self.hit.chunk.unit_text(self.unit)


@dataclass(frozen=True, slots=True)
class Finding:
    """What to show and whether it answers: `reason` is None for an answer. `gap`: the quotes say what is not known."""

    quotes: tuple[Quote, ...] = ()
    reason: Reason | None = None
    gap: bool = False
    suggestions: tuple[str, ...] = ()


def find_evidence(question: str, found: Found, lexical: Lexical) -> Finding:
    """The units that answer `question`, or why none does."""
    if not any(char.isalnum() for char in question) or not found.hits:
        return Finding(reason=Reason.UNCLEAR if found.hits else Reason.NOT_IN_CORPUS)
    ranked = rank(question, found, lexical)
    signals = read_signals(question, found, lexical, ranked)
    match judge(signals):
        case "gap":
            quotes, reason = choose([quote for quote in ranked if quote.hit.chunk.gap], CLOSEST), Reason.NOT_IN_CORPUS
            return Finding(quotes, reason, True, _suggestions(question, found, quotes))
        case "out_of_scope" if signals["elsewhere"] > 0:
            return Finding(reason=Reason.OUT_OF_SCOPE, suggestions=_suggestions(question, found, ()))
        case "out_of_scope":
            quotes = choose(ranked, CLOSEST)
            return Finding(quotes, Reason.NOT_IN_CORPUS, suggestions=_suggestions(question, found, quotes))
    quotes = choose(ranked)
    return Finding(quotes, suggestions=_suggestions(question, found, quotes))


def rank(question: str, found: Found, lexical: Lexical) -> list[Quote]:
    """Every unit of the best passages, best first."""
    quotes = []
    for hit in found.hits[:PASSAGES]:
        heading = " ".join((hit.document.title, *hit.chunk.anchor.heading))
        kinds = [unit.kind for unit in hit.chunk.units]
        terms = max((cosine for kind, cosine in zip(kinds, hit.units, strict=True) if kind == "terms"), default=0.0)
        for unit, cosine in enumerate(hit.units):
            if kinds[unit] == "terms":
                continue
            words = f"{heading} {hit.chunk.unit_text(unit)}"
            score = SHARPNESS * max(cosine, terms) + RANK * hit.score
            score += COVERAGE * coverage(lexical, question, words, hit.document.language)
            quotes.append(Quote(hit, unit, score, lexical.stems(hit.chunk.unit_text(unit), hit.document.language)))
    return sorted(quotes, key=lambda quote: -quote.score)


def choose(ranked: Sequence[Quote], count: int = QUOTES) -> tuple[Quote, ...]:
    """The quotes to show, passage by passage in reading order, at least one and within ANSWER_CHARACTERS.

    A list counts as one quote and is shown whole with its lead-in. Sentences of the best passage come a little first,
    so that an answer holds together; others join when they are nearly as good and say something new.
    """
    if not ranked:
        return ()
    best = ranked[0]
    preferred = sorted(ranked, key=lambda quote: -(quote.score + AT_HOME * (quote.hit is best.hit)))
    chosen: dict[tuple[str, int], Quote] = {}
    said: set[str] = set()
    room, taken = ANSWER_CHARACTERS, 0
    for quote in preferred:
        group = [part for part in _group(quote) if (part.hit.chunk.id, part.unit) not in chosen]
        size = sum(len(part.text) for part in group)
        far = quote.hit is not best.hit and quote.score < best.score - NEAR_THE_BEST
        if not group or far or taken >= count or (chosen and size > room) or _is_said(quote, said):
            continue
        said |= quote.stems
        chosen |= {(part.hit.chunk.id, part.unit): part for part in group}
        room, taken = room - size, taken + 1
    order = {id_: place for place, id_ in enumerate(dict.fromkeys(chunk for chunk, _ in chosen))}
    return tuple(sorted(chosen.values(), key=lambda quote: (order[quote.hit.chunk.id], quote.unit)))


def _is_said(quote: Quote, said: set[str]) -> bool:
    """Whether most words of a unit stand in the quotes before it."""
    return bool(said and quote.stems) and len(quote.stems & said) >= REPEATED * len(quote.stems)


def _group(quote: Quote) -> list[Quote]:
    """What must be shown together with a unit: an item or a lead-in brings its whole list, a table row its lead-in."""
    kinds = [unit.kind for unit in quote.hit.chunk.units]
    if kinds[quote.unit] in ("sentence", "terms"):
        return [quote]
    start = quote.unit
    while start > 0 and kinds[start] in ("item", "row"):
        start -= 1
    end = start + 1
    while end < len(kinds) and kinds[end] in ("item", "row"):
        end += 1
    lead = [start] if kinds[start] == "lead" else []
    members = (
        [quote.unit] if kinds[quote.unit] == "row" else [u for u in range(start, end) if kinds[u] in ("item", "row")]
    )
    return [replace(quote, unit=unit) for unit in (*lead, *members)]


def read_signals(question: str, found: Found, lexical: Lexical, ranked: Sequence[Quote]) -> dict[str, float]:
    """What the decision rests on. `elsewhere`: how much nearer the question is to an everyday subject than to the best
    passage; `gap_margin`: how much better the best recorded gap is than the best statement, within -1..1; `coverage`:
    share of the question's words in one passage; `agreement`: fused score of the first passage."""
    covered = (
        coverage(lexical, question, passage_words(hit.chunk, hit.document), hit.document.language)
        for hit in found.hits[:4]
    )
    gap = max((quote.score for quote in ranked if quote.hit.chunk.gap), default=-math.inf)
    other = max((quote.score for quote in ranked if not quote.hit.chunk.gap), default=-math.inf)
    return {
        "elsewhere": found.elsewhere - max(hit.dense for hit in found.hits),
        "gap_margin": max(-1.0, min(1.0, gap - other)),
        "coverage": max(covered),
        "agreement": found.hits[0].score,
    }


def judge(signals: dict[str, float]) -> str:
    """The first detector of `refusal.json` ("gap", "out_of_scope") that fires, otherwise "answer".

    A detector is a logistic regression: it fires when bias + sum of weight * signal exceeds its threshold.
    """
    for name, detector in _detectors().items():
        logit = detector["bias"] + sum(weight * signals[signal] for signal, weight in detector["weights"].items())
        if logit > detector["threshold"]:
            return name
    return "answer"


@cache
def _detectors() -> dict[str, Any]:
    stored = json.loads(Path(__file__).with_name("refusal.json").read_text(encoding="utf-8"))
    return dict(stored["detectors"])


def _suggestions(question: str, found: Found, quotes: Iterable[Quote]) -> tuple[str, ...]:
    """Questions that nearby passages answer: their headings, where these are questions."""
    shown = {quote.hit.chunk.anchor.heading for quote in quotes}
    headings = (
        hit.chunk.anchor.heading[-1]
        for hit in found.hits
        if hit.chunk.anchor.heading and not hit.chunk.gap and hit.chunk.anchor.heading not in shown
    )
    asked = question.casefold().strip(" ?")
    fresh = (heading for heading in headings if heading.endswith("?") and heading.casefold().strip(" ?") != asked)
    return tuple(dict.fromkeys(fresh))[:SUGGESTIONS]
