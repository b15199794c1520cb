"""Names and figures in another role than in the sources: denied there and stated here, acting there and acted upon
here, or exchanged with another one of the kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

from assistant.verify.case import Case
from assistant.verify.figures import Figure
from assistant.verify.names import same_name
from assistant.verify.text import Name, Text

Anchor = Name | Figure

DENIED = 4  # words at most between a "not" and what it denies
BY = 2  # between "by" and who acts
BREAK = re.compile(r"[,;:.]\s")
NEAR = 3  # words on each side of a figure
EXCHANGED = 0.1  # how much more alike the words around two figures are, when the figures are exchanged
FAR_EXCHANGED = 0.5  # the same, where they stand in two units


def denied(case: Case) -> Iterator[str]:
    """What every source denies and the sentence states, or the other way round."""
    if any(cue.kind == "same" for cue in case.claim.marked.cues):  # "stayed the same" says "did not change"
        return
    anchors: tuple[Anchor, ...] = (*case.claim.marked.names, *case.claim.marked.figures)
    for anchor in anchors:
        there = [_is_denied(unit, place) for unit in _support(case) for place in _places(unit, anchor)]
        if there and _is_denied(case.claim, anchor) not in there:
            yield f"denied or not: {case.claim.marked.text[anchor.start : anchor.end]}"


def unchanged(case: Case) -> Iterator[str]:
    """ "Did not stay the same" where the sources say "did not change"."""
    mine = [cue.kind for cue in case.claim.marked.cues]
    theirs = {cue.kind for unit in _support(case) for cue in unit.marked.cues}
    if {"same", "negation"} <= set(mine) and "negation" in theirs and "same" not in theirs:
        yield "unchanged or not"


def voice(case: Case) -> Iterator[str]:
    """Two names in the same order, one of them after "by" on one side only."""
    for one, other in combinations(case.claim.marked.names, 2):
        for unit in case.units:
            here, there = _places(unit, one), _places(unit, other)
            if len(here) == len(there) == 1 and here[0].start < there[0].start:
                mine, theirs = _acts(case.claim, one, other), _acts(unit, here[0], there[0])
                if not same_name(one, other) and mine != theirs:
                    yield f"done by: {other.word}"


def figures_exchanged(case: Case) -> Iterator[str]:
    """Two numbers of a kind, each beside the other's words: in one unit in the other order, or in two units."""
    numbers = [figure for figure in case.claim.marked.figures if figure.kind == "number"]
    for one, other in combinations(numbers, 2):
        if one.unit == other.unit and one.value != other.value and _exchanged(case, one, other):
            yield f"figures exchanged: {case.claim.marked.text[one.start : one.end].strip()}"


def _exchanged(case: Case, one: Figure, other: Figure) -> bool:
    for unit in case.units:
        here, there = _numbers(unit, one), _numbers(unit, other)
        if here and there and here[0].start > there[-1].start and _fits([unit], case, one, other) > EXCHANGED:
            return True
    return _fits(case.units, case, one, other) > FAR_EXCHANGED


def _support(case: Case) -> list[Text]:
    return [case.units[unit] for unit in case.support]


def _places(unit: Text, anchor: Anchor) -> Sequence[Anchor]:
    """Where an anchor stands in a unit."""
    if isinstance(anchor, Name):
        return [name for name in unit.marked.names if same_name(anchor, name)]
    return [figure for figure in unit.marked.figures if figure.supports(anchor)]


def _numbers(unit: Text, figure: Figure) -> list[Figure]:
    return [there for there in unit.marked.figures if there.kind == "number" and there.supports(figure)]


def _is_denied(text: Text, anchor: Anchor) -> bool:
    """Whether a "not" stands shortly before an anchor."""
    nots = [cue for cue in text.marked.cues if cue.kind == "negation" and cue.end <= anchor.start]
    between = [text.marked.text[cue.end : anchor.start] for cue in nots]
    return any(len(words.split()) <= DENIED and not BREAK.search(words) for words in between)


def _acts(text: Text, one: Anchor, other: Anchor) -> bool:
    """Whether a "by" between two anchors makes the second the one that acts."""
    marks = [cue for cue in text.marked.cues if cue.kind == "agent" and one.end <= cue.start and cue.end <= other.start]
    return any(len(text.marked.text[cue.end : other.start].split()) <= BY for cue in marks)


def _fits(units: Sequence[Text], case: Case, one: Figure, other: Figure) -> float:
    """How much better the words around two figures fit each other's places in the units than their own."""

    def near(here: Figure, there: Figure) -> float:
        return max(_near(case, unit, here, there) for unit in units)

    return near(one, other) + near(other, one) - near(one, one) - near(other, other)


def _near(case: Case, unit: Text, here: Figure, there: Figure) -> float:
    """How alike the words around a figure and around the places of another one in a unit are, at best."""
    mine = case.claim.marked.around(here.start, here.end, NEAR)
    theirs = [unit.marked.around(place.start, place.end, NEAR) for place in _numbers(unit, there)]
    alike = [(case.claim.vectors[mine] @ unit.vectors[words].T).max(1).mean() for words in theirs if mine and words]
    return float(max(alike, default=0.0))
