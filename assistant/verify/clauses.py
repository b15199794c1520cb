"""What stands in another clause than in the sources: a name, a buyer or supplier, a figure beside another procedure.

A clause of the sentence is compared with every clause of the sources by its other words. Where one that names another
of the kind says them clearly better than each that names the same, the names were exchanged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from assistant.language import only_function_words
from assistant.verify.case import Case
from assistant.verify.concepts import Concept, concepts
from assistant.verify.cues import PARTIES
from assistant.verify.figures import Figure
from assistant.verify.names import same_name
from assistant.verify.text import NAME, Marked, Name, Span, Text

AND = (
    "and|but|while|whereas|or|und|aber|oder|während|et|mais|ou|tandis que|y|pero|o|e|mientras|ma|mentre"
    "|i|oraz|a|ale|lub|natomiast"
)
CUT = re.compile(rf"[;:,]\s+|\s(?:{AND})\s|\s[–-]\s|[()]")
LEAST = 2  # words of a clause that can be found again
NAME_GAP, PARTY_GAP = 0.4, 0.1  # of mean cosine, by which a clause with another one says the words better


@dataclass(frozen=True)
class Named:
    """Characters `start` to `end` of a text name something: a name, or a party."""

    what: Name | str
    start: int
    end: int


def clauses(text: str) -> list[Span]:
    """Characters of each clause."""
    cuts = [0, *(match.end() for match in CUT.finditer(text)), len(text)]
    return [(start, end) for start, end in pairwise(cuts) if end > start]


def clause_of(text: str, place: int) -> Span:
    """The clause that a character stands in."""
    return next(((start, end) for start, end in clauses(text) if start <= place < end), (0, len(text)))


def names_in_another_clause(case: Case) -> Iterator[str]:
    """Names in a clause that the sources say of another name."""
    for named in _misplaced(case, _names, NAME_GAP):
        yield f"name of another clause: {case.claim.marked.text[named.start : named.end]}"


def parties_in_another_clause(case: Case) -> Iterator[str]:
    """A buyer in a clause that the sources say of the supplier, or the other way round."""
    for named in _misplaced(case, _parties, PARTY_GAP):
        yield f"party of another clause: {named.what}"


def figures_in_another_clause(case: Case) -> Iterator[str]:
    """Figures beside a procedure, body or country, where each clause with the figure has another one of the kind."""
    text = case.claim.marked.text
    for figure in case.claim.marked.figures:
        mine = _concepts_beside(case.claim.marked, figure)
        beside = [
            _concepts_beside(unit.marked, there)
            for unit in case.units
            for there in unit.marked.figures
            if there.supports(figure)
        ]
        if mine and beside and all(any(_other(concept, theirs) for concept in mine) for theirs in beside):
            yield f"figure of another clause: {text[figure.start : figure.end].strip()}"


def _concepts_beside(marked: Marked, figure: Figure) -> list[Concept]:
    start, end = clause_of(marked.text, figure.start)
    return [concept for concept in concepts(marked.text, marked.language) if start <= concept.start < end]


def _other(concept: Concept, there: Sequence[Concept]) -> bool:
    """Whether there are others of a kind, but not this one."""
    names = {other.name for other in there if other.kind == concept.kind}
    return bool(names) and concept.name not in names


def _names(text: Text) -> list[Named]:
    """Names, and the first word, which may be one."""
    found = list(text.marked.names)
    begins = NAME.search(text.marked.text)
    small = begins and only_function_words(begins.group(), text.marked.language)
    if begins and not small and all(name.start != begins.start() for name in found):
        found.append(Name(begins.group(), *begins.span(), marked=False))
    return [Named(name, name.start, name.end) for name in found]


def _parties(text: Text) -> list[Named]:
    return [Named(cue.kind, cue.start, cue.end) for cue in text.marked.cues if cue.kind in PARTIES]


def _misplaced(case: Case, named: Callable[[Text], list[Named]], gap: float) -> Iterator[Named]:
    known = [there for unit in case.units for there in named(unit)]
    claimed = [here for here in named(case.claim) if any(_same(here, there) for there in known)]
    for clause in clauses(case.claim.marked.text):
        here = _within(claimed, clause)
        words = _words(case.claim, clause, here)
        said = list(_said(case, words, named)) if here and len(words) >= LEAST else []
        others = [alike for alike, there in said if there and not any(_same(a, b) for a in here for b in there)]
        for one in here:
            same = [alike for alike, there in said if any(_same(one, other) for other in there)]
            if same and others and max(others) - max(same) > gap:
                yield one


def _said(
    case: Case, words: Sequence[int], named: Callable[[Text], list[Named]]
) -> Iterator[tuple[float, list[Named]]]:
    """How well each clause of the sources says some words, and what it names."""
    for unit in case.units:
        found = named(unit)
        for clause in clauses(unit.marked.text):
            there = _within(found, clause)
            if theirs := _words(unit, clause, there, every=True):
                yield float((case.claim.vectors[words] @ unit.vectors[theirs].T).max(1).mean()), there


def _within(named: Sequence[Named], clause: Span) -> list[Named]:
    return [one for one in named if clause[0] <= one.start < clause[1]]


def _words(text: Text, clause: Span, named: Sequence[Named], *, every: bool = False) -> list[int]:
    """The words of a clause, content words unless `every`, without those that name something."""
    spans = text.marked.spans
    inside = [n for n in (range(len(spans)) if every else text.marked.content) if clause[0] <= spans[n][0] < clause[1]]
    return [n for n in inside if not any(one.start < spans[n][1] and one.end > spans[n][0] for one in named)]


def _same(one: Named, other: Named) -> bool:
    if isinstance(one.what, Name) and isinstance(other.what, Name):
        return same_name(one.what, other.what)
    return one.what == other.what
