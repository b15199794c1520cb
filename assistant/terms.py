"""The glossary's words in other languages: a Finnish or Greek term for pre-commercial procurement leads to the page
that has only the English one.

A section lists them on a line of its own: "In other languages: de Losteilung, Lose; fi osiin jakaminen; …". The same
list under "Also called:" names synonyms; both lines are searched and not quoted. Of what stands in brackets an
abbreviation counts as a term, such as DUME. Who asks no more than what a term, a synonym or the heading means ("Was ist
eine Losteilung?", with a beginning of `definitions.json`), or types nothing but that, asks for that section.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

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
ENDINGS = {True: 2, False: 1}  # letters in which the word that is asked for may differ, in translations and in English
DEFINITIONS = Path(__file__).with_name("definitions.json")


@dataclass(frozen=True, slots=True)
class Term:
    """The words of a term, folded, the heading that it stands under, and that passage; whether it is a translation."""

    words: tuple[str, ...]
    heading: str
    chunk: str
    translated: bool

    def stands_in(self, words: Sequence[str]) -> bool:
        """Whether these words are forms of those of the term."""
        return len(words) == len(self.words) and all(map(_same, self.words, words))

    def is_meant(self, words: Sequence[str]) -> bool:
        """Whether they are hardly another form: a "contractor" is not a "contract"."""
        ending = ENDINGS[self.translated]
        return self.stands_in(words) and all(
            max(map(len, pair)) - _shared(*pair) <= ending for pair in zip(self.words, words, strict=True)
        )


@dataclass(frozen=True)
class Terms:
    """The terms of an edition, under the first letters of their first word."""

    entries: dict[str, tuple[Term, ...]]

    def of(self, question: str) -> tuple[str, ...]:
        """The headings whose terms stand in the question, the longest terms first."""
        words = _words(question)
        found: dict[str, int] = {}
        for start, word in enumerate(words):
            for term in self.entries.get(word[:STEM], ()) if len(word) >= STEM else ():
                if term.translated and term.stands_in(words[start : start + len(term.words)]):
                    found[term.heading] = max(found.get(term.heading, 0), sum(map(len, term.words)))
        return tuple(sorted(found, key=lambda heading: -found[heading]))[:MOST]

    def defined(self, question: str) -> tuple[str, ...]:
        """The passages that explain what the question asks the meaning of, if that is all it asks."""
        for words in _meant(_words(question)):
            terms = [term for term in self.entries.get(words[0][:STEM], ()) if term.is_meant(words)]
            if found := [term for term in terms if term.words == tuple(words)] or terms:
                return tuple(dict.fromkeys(term.chunk for term in found))
        return ()


def collect_terms(chunks: Iterable[Chunk]) -> Terms:
    """The terms of an edition's glossary sections."""
    entries: dict[str, list[Term]] = defaultdict(list)
    for chunk in (chunk for chunk in chunks if chunk.anchor.heading):
        heading = chunk.anchor.heading[-1]
        lines = [chunk.unit_text(index) for index, unit in enumerate(chunk.units) if unit.kind == "terms"]
        for line in lines:
            translated = line.startswith(TRANSLATIONS)
            for words in filter(None, _translations(line) if translated else _names(line, heading)):
                entries[words[0][:STEM]].append(Term(words, heading, chunk.id, translated))
    return Terms({key: tuple(found) for key, found in entries.items()})


def _words(text: str) -> list[str]:
    return [fold(word) for word in WORD.findall(text)]


def _meant(question: list[str]) -> Iterator[list[str]]:
    """What a question asks the meaning of, if that is what it asks, with its article and without."""
    openers, articles = _asking()
    words = openers.sub("", " ".join(question)).split()
    yield from (part for part in (words, words[1:] if words and words[0] in articles else []) if part)


@cache
def _asking() -> tuple[re.Pattern[str], frozenset[str]]:
    """How such questions begin, and articles, in all languages: two or three words do not tell which one it is."""
    listed = json.loads(DEFINITIONS.read_text(encoding="utf-8")).values()
    openers, articles = (
        {" ".join(_words(part)) for words in listed for part in words.get(kind, ())} for kind in ("openers", "articles")
    )
    return re.compile(rf"^(?:{'|'.join(sorted(openers, key=len, reverse=True))}) "), frozenset(articles)


def _translations(line: str) -> Iterator[tuple[str, ...]]:
    for part in _without_notes(line.removeprefix(TRANSLATIONS)).split(";"):
        if entry := ENTRY.match(part.strip(" .")):
            yield from (tuple(_words(term)) for term in entry.group(2).split(","))


def _names(line: str, heading: str) -> Iterator[tuple[str, ...]]:
    listed = _without_notes(f"{line.removeprefix(SYNONYMS)}, {heading}")
    yield from (tuple(_words(name)) for name in listed.split(","))


def _without_notes(listed: str) -> str:
    """Terms without what stands in brackets; an abbreviation there is one more."""
    return BRACKETS.sub(lambda found: f", {found[1]}" if found[1].isupper() else "", listed)


def _same(one: str, other: str) -> bool:
    """Whether two words are forms of one, by their common beginning."""
    longest, shared = max(len(one), len(other)), _shared(one, other)
    return shared == longest or shared >= max(STEM, ALIKE * longest)


def _shared(one: str, other: str) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
