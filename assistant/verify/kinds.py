"""One of a kind in place of another: the restricted procedure for the open one, a ministry for a city.

The kinds are those of `concepts.json`, and buyers and suppliers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from assistant.language import only_function_words
from assistant.names import fold
from assistant.verify.case import Case
from assistant.verify.clauses import clause_of, clauses
from assistant.verify.concepts import Concept, concepts
from assistant.verify.cues import PARTIES
from assistant.verify.text import LETTERS, Marked, Name, Span, Text

COMPARED = ("size",)  # kinds that a sentence may use of anything, unless the sources say the other one
CLOSE = 3  # characters between "by" and a name
STEM, ENDING = 5, 3
UNITS = 3  # of those that say a part, best first


def concepts_exchanged(case: Case) -> Iterator[str]:
    """What the sources do not name, or name only above a unit that names another of the kind. A concept that is the
    only one of its kind, such as "abroad", may stand in any unit."""
    said, over = _names(case.units[unit] for unit in case.support), _names(case.headings)
    anywhere = _names(case.units)
    for concept in _of(case.claim.marked):
        there = (anywhere if concept.kind == concept.name else said)[concept.kind]
        above = concept.name in over[concept.kind] and not there
        if concept.name not in there and not above and (there or concept.kind not in COMPARED):
            yield f"other {concept.kind}: {case.claim.marked.text[concept.start : concept.end]}"


def order_exchanged(case: Case) -> Iterator[str]:
    """Two of a kind in the other order than in every unit that names both, without a change of voice."""
    mine = _actors(case.claim.marked)
    for one, other in combinations(mine, 2):
        part = case.part_of(one.start)
        if one.kind == other.kind and one.name != other.name and _once(mine, one, other):
            turned = [_turned(case, (one, other), case.units[unit]) for unit in part.units[:UNITS]]
            if True in turned and False not in turned:
                yield f"order exchanged: {one.name}, {other.name}"


def acted_upon(case: Case) -> Iterator[str]:
    """A name right after a word such as a verb, where the unit that says this begins with the name."""
    marked = case.claim.marked
    for name in marked.names:
        before = marked.words_in(name.start, name.end)[0] - 1
        if before >= 0 and _takes_object(marked, name, marked.spans[before]):
            unit = case.units[case.part_of(name.start).units[0]] if case.part_of(name.start).units else None
            if unit and unit.marked.text[: len(name.word)].casefold() == name.word.casefold():
                yield f"acted upon: {name.word}"


def nothing_of_a_clause(case: Case) -> Iterator[str]:
    """A clause of which no word stands in sources of its language."""
    claim = case.claim.marked
    places = [*case.units, *case.headings]
    if any(place.marked.language != claim.language for place in places):
        return
    known = {_stem(word) for place in places for word in LETTERS.findall(place.marked.text)}
    for start, end in clauses(claim.text):
        words = [claim.text[a:b] for a, b in (claim.spans[n] for n in claim.content) if start <= a < end]
        if len(words) > 1 and not any(_stem(part) in known for word in words for part in LETTERS.findall(word)):
            yield f"clause: {claim.text[start:end].strip()}"


def _of(marked: Marked) -> tuple[Concept, ...]:
    return concepts(marked.text, marked.language)


def _names(texts: Iterator[Text] | Sequence[Text]) -> dict[str, set[str]]:
    """The concepts of some texts: kind -> names."""
    found: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        for concept in _of(text.marked):
            found[concept.kind].add(concept.name)
    return found


def _actors(marked: Marked) -> list[Concept]:
    """Concepts, and buyers and suppliers where they are none, in order."""
    found = list(_of(marked))
    taken = {concept.start for concept in found}
    parties = [Concept("body", cue.kind, cue.start, cue.end) for cue in marked.cues if cue.kind in PARTIES]
    return sorted((*found, *(party for party in parties if party.start not in taken)), key=lambda one: one.start)


def _once(actors: Sequence[Concept], *wanted: Concept) -> bool:
    keys = [(actor.kind, actor.name) for actor in actors]
    return all(keys.count((one.kind, one.name)) == 1 for one in wanted)


def _turned(case: Case, pair: tuple[Concept, Concept], unit: Text) -> bool | None:
    """Whether a unit has two in the other order, and neither or both with "by"; None where it lacks one."""
    theirs = _actors(unit.marked)
    places = [next((t for t in theirs if (t.kind, t.name) == (one.kind, one.name)), None) for one in pair]
    one, other = places
    if not one or not other:
        return None
    first, last = sorted((one.start, other.start))
    by = _by(case.claim.marked, pair[0].start, pair[1].start) != _by(unit.marked, first, last)
    return (one.start > other.start) != by


def _by(marked: Marked, start: int, end: int) -> bool:
    return any(cue.kind == "agent" and start <= cue.start < end for cue in marked.cues)


def _takes_object(marked: Marked, name: Name, before: Span) -> bool:
    """Whether the word before a name, in the same clause, is neither a small word, nor a name or figure, nor "by"."""
    word = marked.text[before[0] : before[1]]
    if name.start <= clause_of(marked.text, name.start)[0] + 1 or not word[-1].isalnum() or word[0].isupper():
        return False
    figure = any(f.start < before[1] and f.end > before[0] for f in marked.figures)
    by = any(cue.kind == "agent" and 0 <= name.start - cue.end <= CLOSE for cue in marked.cues)
    return not figure and not by and not only_function_words(word, marked.language)


def _stem(word: str) -> str:
    plain = fold(word)
    return plain[: max(STEM - 1, len(plain) - ENDING)] if len(plain) > STEM else plain
