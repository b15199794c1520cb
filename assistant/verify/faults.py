"""What can be wrong with a sentence although its words are those of its sources.

Each look at a case is a line of LOOKS and gives what it found wrong, in a few words each; to add one, write a function
from a case to such words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from assistant.verify.addresses import addresses
from assistant.verify.case import Case
from assistant.verify.clauses import figures_in_another_clause, names_in_another_clause, parties_in_another_clause
from assistant.verify.cues import KEPT, LICENCE, PARTIES, Cue
from assistant.verify.elsewhere import apart, figures_elsewhere, names_elsewhere, names_exchanged
from assistant.verify.kinds import acted_upon, concepts_exchanged, nothing_of_a_clause, order_exchanged
from assistant.verify.names import stands_in
from assistant.verify.roles import denied, figures_exchanged, unchanged, voice
from assistant.verify.text import Text

# Cosine of the words around a cue of a source, from which on the sentence speaks of the same; the second for some cues.
COVERED = 0.4
COVERED_BY = {
    "only": 0.55,
    "must": 0.6,
    "negation": 0.5,
    "may_not": 0.55,
    "at_least": 0.45,
    "may": 0.45,
    "planned": 0.45,
}
REACH = 5  # words on each side of a cue
SAME = 0.45  # of two words' cosine, from which on they may be one
TRANSLATED = 0.15  # of a capitalised word's cosine, from which on it may be a translation


def wrong_figures(case: Case) -> Iterator[str]:
    """Numbers, dates, amounts, articles that stand nowhere in the sources."""
    known = [figure for place in (*case.units, *case.headings) for figure in place.marked.figures]
    for figure in case.claim.marked.figures:
        if not any(there.supports(figure) for there in known):
            yield f"figure: {case.claim.marked.text[figure.start : figure.end].strip()}"


def wrong_names(case: Case) -> Iterator[str]:
    """Names that stand neither in the support nor above it."""
    places = [case.units[unit] for unit in case.support] + list(case.headings)
    for name in case.claim.marked.names:
        if any(stands_in(name, place.marked.text) for place in places):
            continue
        words = case.claim.marked.words_in(name.start, name.end)
        units = list(case.part_of(name.start).units)
        nearest = max(max(float(case.alike[units, word].max()), float(case.over[word])) for word in words)
        foreign = any(case.units[unit].marked.language != case.claim.marked.language for unit in units)
        if name.marked or not foreign or nearest < TRANSLATED:
            yield f"name: {name.word}"


def unlicensed_cues(case: Case) -> Iterator[str]:
    """A "must", "only", "at least" that no unit that says this part has."""
    for cue in case.claim.marked.cues:
        there = _kinds(case, case.part_of(cue.start).units)
        if cue.kind in LICENCE and not there & set(LICENCE[cue.kind]):
            yield f"{cue.kind}: {case.claim.marked.text[cue.start : cue.end]}"


def left_out_cues(case: Case) -> Iterator[str]:
    """A "not", "only", "planned" that a source has about the same words, and the sentence lacks."""
    said = {cue.kind for cue in case.claim.marked.cues}
    for unit in case.support:
        marked = case.units[unit].marked
        for cue in marked.cues:
            if cue.kind in KEPT and not said & set(KEPT[cue.kind]):
                words = marked.around(cue.start, cue.end, REACH)
                near = float((case.units[unit].vectors[words] @ case.claim.vectors.T).max(1).mean()) if words else 0.0
                if near > COVERED_BY.get(cue.kind, COVERED):
                    yield f"without {cue.kind}: {marked.text[cue.start : cue.end]}"


def made_optional(case: Case) -> Iterator[str]:
    """A "may" where the units say "must" or "may not"."""
    for cue in case.claim.marked.cues:
        there = _kinds(case, case.part_of(cue.start).units)
        if cue.kind == "may" and there & {"must", "may_not"} and not there & {"may", "planned"}:
            yield f"may: {case.claim.marked.text[cue.start : cue.end]}"


def included(case: Case) -> Iterator[str]:
    """Said to include what a source leaves out."""
    said = {cue.kind for cue in case.claim.marked.cues}
    if "including" in said and "without" in _kinds(case, case.support) - said:
        yield "included"


def taken_in(case: Case) -> Iterator[str]:
    """Spoken of without "without", where the nearest word of the sources is what one of them is without."""
    if {"without", "negation"} & {cue.kind for cue in case.claim.marked.cues}:
        return
    excluded = {(unit, word) for unit, text in enumerate(case.units) for word in _after_without(text)}
    for word in case.claim.marked.content if excluded else ():
        alike = [text.vectors @ case.claim.vectors[word] for text in case.units]
        unit = max(range(len(alike)), key=lambda unit: alike[unit].max(initial=-1))
        if alike[unit].max(initial=-1) > SAME and (unit, int(alike[unit].argmax())) in excluded:
            yield f"without: {case.claim.marked.text[slice(*case.claim.marked.spans[word])]}"


def _after_without(text: Text) -> Iterator[int]:
    """The words that a text says "without" of."""
    for cue in (cue for cue in text.marked.cues if cue.kind == "without"):
        yield from (n for n in text.marked.content if cue.end <= text.marked.spans[n][0] <= cue.end + 1)


def exchanged_parties(case: Case) -> Iterator[str]:
    """Buyer and supplier in the other order than in every unit that names both, without a change of voice."""
    mine = _parties(case.claim.marked.cues)
    theirs = [_parties(case.units[unit].marked.cues) for unit in case.support]
    both = [order for order in theirs if set(order) >= set(PARTIES)]
    if set(mine) >= set(PARTIES) and both and not any(map(partial(_same_roles, mine), both)):
        yield "parties exchanged"


def _kinds(case: Case, units: Iterable[int]) -> set[str]:
    return {cue.kind for unit in units for cue in case.units[unit].marked.cues}


def _parties(cues: Iterable[Cue]) -> list[str]:
    """Buyers, suppliers, and "by" after the first of them, in order."""
    kinds = [cue.kind for cue in cues if cue.kind in (*PARTIES, "agent")]
    return kinds[next((n for n, kind in enumerate(kinds) if kind in PARTIES), len(kinds)) :]


def _same_roles(mine: list[str], theirs: list[str]) -> bool:
    return (mine[0] == theirs[0]) == (_turned(mine) == _turned(theirs))


def _turned(order: list[str]) -> bool:
    """Whether a "by" stands between the first party and the other one."""
    other = next(n for n, kind in enumerate(order) if kind in PARTIES and kind != order[0])
    return "agent" in order[:other]


LOOKS: tuple[Callable[[Case], Iterator[str]], ...] = (
    addresses,
    wrong_figures,
    wrong_names,
    unlicensed_cues,
    left_out_cues,
    made_optional,
    included,
    taken_in,
    exchanged_parties,
    figures_elsewhere,
    names_elsewhere,
    names_exchanged,
    apart,
    denied,
    unchanged,
    voice,
    figures_exchanged,
    concepts_exchanged,
    order_exchanged,
    acted_upon,
    nothing_of_a_clause,
    names_in_another_clause,
    parties_in_another_clause,
    figures_in_another_clause,
)
