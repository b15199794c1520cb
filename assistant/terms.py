"""The glossary's words in other languages: a Finnish or Greek term for pre-commercial procurement leads to the page
that has only the English one.

A section lists them on a line of its own: "In other languages: de Losteilung, Lose; fi osiin jakaminen; …". The same
list under "Also called:" names synonyms; both lines are searched and not quoted. Of what stands in brackets an
abbreviation counts as a term, such as DUME.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from assistant.names import fold
from assistant.records import Chunk

SYNONYMS = "Also called:"
TRANSLATIONS = "In other languages:"
WORD = re.compile(r"[^\W_]+")
ENTRY = re.compile(r"^([a-z]{2}) (.+)$")
BRACKETS = re.compile(r"\(([^()]*)\)")
MOST = 3  # terms that a question is widened by
STEM = 4  # letters that two forms of a word share at least, and this share of the longer one
ALIKE = 0.65


@dataclass(frozen=True)
class Terms:
    """The terms under the first letters of their first word: the words of each, and the heading it stands under."""

    entries: dict[str, tuple[tuple[tuple[str, ...], str], ...]]

    def of(self, question: str) -> tuple[str, ...]:
        """The headings whose terms stand in the question, the longest terms first."""
        words = [fold(word) for word in WORD.findall(question)]
        found: dict[str, int] = {}
        for start, word in enumerate(words):
            for term, heading in self.entries.get(word[:STEM], ()):
                if all(map(_same, term, words[start : start + len(term)])) and start + len(term) <= len(words):
                    found[heading] = max(found.get(heading, 0), sum(map(len, term)))
        return tuple(sorted(found, key=lambda heading: -found[heading]))[:MOST]


def collect_terms(chunks: Iterable[Chunk]) -> Terms:
    """The terms of an edition's glossary sections."""
    entries: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
    for chunk in chunks:
        lines = (chunk.unit_text(index) for index, unit in enumerate(chunk.units) if unit.kind == "terms")
        for line in (line for line in lines if line.startswith(TRANSLATIONS) and chunk.anchor.heading):
            for term in _terms(line):
                if term and len(term[0]) >= STEM:
                    entries[term[0][:STEM]].append((term, chunk.anchor.heading[-1]))
    return Terms({key: tuple(found) for key, found in entries.items()})


def _terms(line: str) -> Iterable[tuple[str, ...]]:
    listed = BRACKETS.sub(lambda found: f", {found[1]}" if found[1].isupper() else "", line.removeprefix(TRANSLATIONS))
    for part in listed.split(";"):
        if entry := ENTRY.match(part.strip(" .")):
            yield from (tuple(fold(word) for word in WORD.findall(term)) for term in entry.group(2).split(","))


def _same(one: str, other: str) -> bool:
    """Whether two words are forms of one, by their common beginning."""
    longest = max(len(one), len(other))
    shared = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return shared == longest or shared >= max(STEM, ALIKE * longest)
