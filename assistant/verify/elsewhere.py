"""What stands in the sources, but not where the sentence puts it: the figure of another unit, the name of another
subject, or two names exchanged.

A figure or name is an anchor. The words around it in the sentence tell which unit it should stand in: where a unit
without it says them clearly better than every unit with it, it was taken from elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from assistant.verify.case import Case
from assistant.verify.figures import Figure
from assistant.verify.names import same_name, stands_in
from assistant.verify.text import Name, Text

WINDOW = 6  # words on each side of an anchor, within its part of the sentence
FIGURE_GAP, NUMBER_GAP = 0.07, 0.0  # of mean cosine; a number is taken from elsewhere more easily than a date
NAME_GAP = 0.3
NAMES_REACH, FIGURE_REACH = 12, 7  # words between two anchors that are said of each other
FEW = 12
TURNED_PAIRS = 2
CLOSE = 4  # words between two names that belong together


def figures_elsewhere(case: Case) -> Iterator[str]:
    """Figures beside words that a unit says of another figure of the kind."""
    for figure in case.claim.marked.figures:
        gap = _gap(case, figure, lambda unit, f=figure: _has(unit, f), lambda unit, f=figure: _rivals(case, unit, f))  # type: ignore[misc]
        lead = _lead(case, figure)
        if lead < 0 or (not lead and gap > (NUMBER_GAP if figure.kind == "number" else FIGURE_GAP)):
            yield f"figure of something else: {case.claim.marked.text[figure.start : figure.end].strip()}"


def names_elsewhere(case: Case) -> Iterator[str]:
    """Names beside words that a unit says without the name."""
    for name in case.claim.marked.names:
        if _gap(case, name, lambda unit, n=name: stands_in(n, unit.marked.text), lambda _: True) > NAME_GAP:  # type: ignore[misc]
            yield f"name of something else: {name.word}"


def apart(case: Case) -> Iterator[str]:
    """Two marked names, or one and a figure, of one part that no unit has together."""
    marked = case.claim.marked
    anchors = [name for name in marked.names if name.marked] + [f for f in marked.figures if not _is_count(f)]
    for place, one in enumerate(anchors):
        for other in anchors[place + 1 :]:
            if _together(case, one, other) and not _same_anchor(one, other):
                found = [[_stands(unit, anchor) for unit in case.units] for anchor in (one, other)]
                if all(map(any, found)) and not any(map(all, zip(*found, strict=True))):
                    yield f"apart: {marked.text[one.start : one.end]}, {marked.text[other.start : other.end]}"


def _is_count(figure: Figure) -> bool:
    """Whether a figure is a small number such as in "two of them"."""
    return isinstance(figure.value, float) and not figure.unit and figure.value <= FEW


def _together(case: Case, one: Name | Figure, other: Name | Figure) -> bool:
    """Whether two anchors stand close enough, within a part, to be said of each other; two figures never do."""
    reach = {2: NAMES_REACH, 1: FIGURE_REACH, 0: 0}[isinstance(one, Name) + isinstance(other, Name)]
    first, last = sorted((one, other), key=lambda anchor: anchor.start)
    close = len(case.claim.marked.words_in(first.end, last.start + 1)) <= reach
    return close and case.part_of(first.start) == case.part_of(last.start)


def _same_anchor(one: Name | Figure, other: Name | Figure) -> bool:
    return isinstance(one, Name) and isinstance(other, Name) and same_name(one, other)


def _stands(unit: Text, anchor: Name | Figure) -> bool:
    return stands_in(anchor, unit.marked.text) if isinstance(anchor, Name) else _has(unit, anchor)


def names_exchanged(case: Case) -> Iterator[str]:
    """Names close together, in a unit of the same language in another order; two pairs of them, as a change of wording
    may turn one."""
    for unit in case.units:
        if unit.marked.language == case.claim.marked.language:
            turned = [pair for pair in _close(case.claim, case.claim.marked.names) if _turned(unit, *pair)]
            if len(turned) >= TURNED_PAIRS:
                yield f"names exchanged: {turned[0][0].word}, {turned[0][1].word}"


def _turned(unit: Text, one: Name, other: Name) -> bool:
    there = [_only(unit, one), _only(unit, other)]
    return bool(there[0] and there[1]) and 0 < _words_between(unit, there[1], there[0]) <= CLOSE  # type: ignore[arg-type]


def _gap(case: Case, anchor: Figure | Name, has: Callable[[Text], bool], rivals: Callable[[Text], bool]) -> float:
    """How much better the best unit with a rival instead of the anchor says the words around it than those with it."""
    part, here = case.part_of(anchor.start), case.claim.marked.words_in(anchor.start, anchor.end)
    words = [word for word in part.words if word not in here and abs(word - here[0]) <= WINDOW] if here else []
    with_it = [n for n, unit in enumerate(case.units) if has(unit)]
    without = [n for n, unit in enumerate(case.units) if n not in with_it and rivals(unit)]
    if not words or not with_it or not without:
        return -1.0
    said = case.alike[:, words].mean(1)
    return float(said[without].max() - said[with_it].max())


def _lead(case: Case, figure: Figure) -> int:
    """How many more of the other names and figures of its part stand beside a figure than beside a rival."""
    marked, part = case.claim.marked, case.part_of(figure.start)
    anchors: tuple[Name | Figure, ...] = (*marked.names, *marked.figures)
    others = [one for one in anchors if one is not figure and part.start <= one.start < part.end]
    with_it = [sum(_stands(unit, one) for one in others) for unit in case.units if _has(unit, figure)]
    without = [
        sum(_stands(unit, one) for one in others)
        for unit in case.units
        if not _has(unit, figure) and _rivals(case, unit, figure)
    ]
    return max(with_it) - max(without) if with_it and without else 0


def _has(unit: Text, figure: Figure) -> bool:
    return any(there.supports(figure) for there in unit.marked.figures)


def _rivals(case: Case, unit: Text, figure: Figure) -> bool:
    """Whether a unit states a figure of the kind that the sentence does not."""
    stated = case.claim.marked.figures
    alike = [there for there in unit.marked.figures if (there.kind, there.unit) == (figure.kind, figure.unit)]
    return any(not any(there.supports(mine) for mine in stated) for there in alike)


def _close(text: Text, names: tuple[Name, ...]) -> Iterator[tuple[Name, Name]]:
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            if not same_name(one, other) and _words_between(text, one, other) <= CLOSE:
                yield one, other


def _only(unit: Text, name: Name) -> Name | None:
    """The one place of a name in a unit, None where it stands more often or not at all."""
    found = [there for there in unit.marked.names if same_name(name, there)]
    return found[0] if len(found) == 1 else None


def _words_between(text: Text, one: Name, other: Name) -> int:
    return text.marked.words_in(other.start, other.end)[0] - text.marked.words_in(one.start, one.end)[0]
