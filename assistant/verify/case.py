"""A sentence beside its sources: which unit says what each part of it says, and how alike two places are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from assistant.verify.figures import Figure
from assistant.verify.names import stands_in
from assistant.verify.text import Floats, Span, Text

# A clause may begin here; at the words for "while" it does.
WHILE = "while|whereas|während|wohingegen|tandis que|alors que|mientras(?: que)?|mentre|podczas gdy|natomiast"
PART = re.compile(rf"(?P<strong>[;:]\s|,?\s(?=(?:{WHILE})\b))|,\s+(?=\w)|\s[–-]\s")
LEAST, LEAST_AFTER_COMMA = 2, 4  # content words and figures of a part
FIGURE = 0.8  # what a figure that a unit has counts, beside words of at most 1
COVERED = 0.5  # of a word's cosine with the nearest word of a unit, from which on the unit has it
ELSEWHERE = 0.6
NEARLY = 0.9  # of the best unit's sum, from which on another one says the same
NEAR, AROUND = 5, 7  # words on each side, of a place in the sentence, and of one in a source


@dataclass(frozen=True, slots=True)
class Part:
    """Characters `start` to `end` of the sentence, the content words in it, and the units that say it, best first."""

    start: int
    end: int
    words: tuple[int, ...]
    units: tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """`alike`: cosine of every word of the sentence with the nearest word of each unit, [units, words]; `over`: with
    the nearest word of what stands above the units, [words]."""

    claim: Text
    units: tuple[Text, ...]
    headings: tuple[Text, ...]
    alike: Floats
    over: Floats
    parts: tuple[Part, ...]

    @property
    def support(self) -> tuple[int, ...]:
        """The units that say a part of the sentence, in the order of the parts."""
        return tuple(dict.fromkeys(unit for part in self.parts for unit in part.units))

    @property
    def same_language(self) -> bool:
        """Whether the units that say it are in the language of the sentence."""
        return all(self.units[unit].marked.language == self.claim.marked.language for unit in self.support)

    def part_of(self, start: int) -> Part:
        """The part that a character of the sentence stands in."""
        return next(part for part in self.parts if start < part.end)


def compare(claim: Text, units: Sequence[Text], headings: Sequence[Text]) -> Case:
    """The sentence beside its units, of which there is at least one."""
    alike = np.array([_nearest(claim, unit) for unit in units])
    for name in claim.marked.names:
        for number, unit in enumerate(units):
            if stands_in(name, unit.marked.text):
                alike[number, claim.marked.words_in(name.start, name.end)] = 1
    over = np.array(
        [_nearest(claim, heading) for heading in headings] or [np.zeros(len(claim.vectors), np.float32)]
    ).max(0)
    parts = tuple(_parts(claim, units, alike, over))
    return Case(claim, tuple(units), tuple(headings), alike, over, parts)


def around(claim: Text, place: Span, unit: Text, there: Span) -> float:
    """How alike the words around two places are, -1..1; 0 where there are none."""
    a, b = claim.marked.around(*place, NEAR), unit.marked.around(*there, AROUND)
    return float((claim.vectors[a] @ unit.vectors[b].T).max(1).mean()) if a and b else 0.0


def _nearest(claim: Text, other: Text) -> Floats:
    if not len(other.vectors):
        return np.full(len(claim.vectors), -1, np.float32)
    nearest: Floats = (claim.vectors @ other.vectors.T).max(1)
    return nearest


def _parts(claim: Text, units: Sequence[Text], alike: Floats, over: Floats) -> Iterator[Part]:
    text = claim.marked.text
    start = 0
    cuts = [(match.end(), LEAST if match["strong"] else LEAST_AFTER_COMMA) for match in PART.finditer(text)]
    for cut, least in [*cuts, (len(text), 0)]:
        words = tuple(n for n in claim.marked.content if start <= claim.marked.spans[n][0] < cut)
        stated = [figure for figure in claim.marked.figures if start <= figure.start < cut]
        if len(words) + len(stated) >= least:
            yield Part(start, cut, words, _units_of(words, stated, units, alike, over))
            start = cut


def _units_of(
    words: Sequence[int], stated: Sequence[Figure], units: Sequence[Text], alike: Floats, over: Floats
) -> tuple[int, ...]:
    """The unit that says most of these words and figures, and those that say what it does not."""
    has = [[any(there.supports(figure) for there in unit.marked.figures) for figure in stated] for unit in units]
    said = [np.maximum(alike[n], over)[list(words)].sum() + FIGURE * sum(has[n]) for n in range(len(units))]
    best = int(np.argmax(said))
    found = [int(n) for n in np.argsort(said)[::-1] if said[n] >= NEARLY * said[best]]
    for word in words:
        if max(alike[best][word], over[word]) < COVERED and alike[:, word].max() > ELSEWHERE:
            found.append(int(alike[:, word].argmax()))
    for number, _ in enumerate(stated):
        others = [n for n in np.argsort(said)[::-1] if has[n][number]]
        if others and not any(has[n][number] for n in found):
            found.append(int(others[0]))
    return tuple(dict.fromkeys(found))
