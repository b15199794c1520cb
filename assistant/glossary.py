"""The glossary of an edition, for showing what a word in an answer means.

A section of a document of kind "glossary" explains its heading; "Also called:" and "In other languages:" list other
names of it (`terms.py` reads the same lines for searching).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from assistant.citations import reading_link
from assistant.records import Chunk, Document, Edition
from assistant.terms import ENTRY, SYNONYMS, TRANSLATIONS

KIND = "glossary"
SHORT = re.compile(r"^(.*?)(?:(?<!\s)\s+)?\(([^()]+)\)$")  # Pre-commercial procurement (PCP)
ACRONYM = re.compile(r"^[^\W\d_A-Z]*[A-Z][^\W\d_A-Z]*[A-Z][\w-]*$")
NOTE = re.compile(r"(?:(?<!\s)\s+)?\([^()]*\)\s*\.?$")  # (our translation).
FEWEST = 2  # words of a synonym that explains itself: "buyer" alone means many things


@dataclass(frozen=True, slots=True)
class Entry:
    """A word of the glossary: what it is called, in which other languages how, and what it means (text in `language`);
    `link` opens the place."""

    names: tuple[str, ...]
    meaning: str
    language: str
    translations: dict[str, str]
    link: str


@dataclass(frozen=True, slots=True)
class Defined:
    """Characters `start` to `end` of a text are a name of `entry`."""

    start: int
    end: int
    entry: Entry


class Glossary:
    """Finds the words of a glossary in a text."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        named = [(name, entry) for entry in entries for name in entry.names]
        self._entries = {_key(name): entry for name, entry in reversed(named)}
        longest_first = sorted((name for name, _ in named), key=len, reverse=True)
        self._names = re.compile("|".join(map(_pattern, longest_first))) if named else None

    def find(self, text: str) -> Iterator[Defined]:
        """Every name in the text, each of several that overlap only as the longest of them."""
        for found in self._names.finditer(text) if self._names else ():
            name = found.group()
            if entry := self._entries.get(_key(name)) or self._entries.get(_key(name.removesuffix("s"))):
                yield Defined(found.start(), found.end(), entry)


def collect_glossary(passages: Iterable[tuple[Chunk, Document]], edition: Edition) -> Glossary:
    """The glossary of an edition, from its passages."""
    return Glossary(
        entry
        for chunk, document in passages
        if document.kind == KIND and chunk.anchor.heading
        if (entry := _entry(chunk, document, edition)) is not None
    )


def _entry(chunk: Chunk, document: Document, edition: Edition) -> Entry | None:
    units = [(unit.kind, chunk.unit_text(index)) for index, unit in enumerate(chunk.units)]
    meaning = next((text for kind, text in units if kind in ("sentence", "lead")), None)
    lists = [text for kind, text in units if kind == "terms"]
    if meaning is None or not lists:  # an introduction explains no word
        return None
    first = chunk.units[[text for _, text in units].index(meaning)]
    span = (chunk.start + first.start, chunk.start + first.end)
    return Entry(
        tuple(dict.fromkeys(names(chunk.anchor.heading[-1], lists))),
        meaning,
        document.language,
        dict(translations(lists)),
        reading_link(document.id, edition.number, span),
    )


def names(heading: str, lists: Iterable[str]) -> Iterator[str]:
    """What a section's heading and lists call it in English, without words that mean many things."""
    if short := SHORT.match(heading):
        yield from short.groups()
    else:
        yield heading
    for line in lists:
        if line.startswith(SYNONYMS):
            listed = (name.strip(" .") for name in line.removeprefix(SYNONYMS).split(","))
            yield from (name for name in listed if ACRONYM.match(name) or len(name.split()) >= FEWEST)


def translations(lists: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The first word of each language that the lists have, with the language."""
    for line in lists:
        if line.startswith(TRANSLATIONS):
            for part in NOTE.sub("", line.removeprefix(TRANSLATIONS)).split(";"):
                if entry := ENTRY.match(part.strip(" .")):
                    yield entry.group(1), entry.group(2).split(",")[0].strip()


def _key(name: str) -> str:
    return name if ACRONYM.match(name) else name.casefold()


def _pattern(name: str) -> str:
    """An acronym only as it is written, other names in either case; both also with a plural s."""
    written = re.escape(name) if ACRONYM.match(name) else f"(?i:{re.escape(name)})"
    return rf"(?<![\w-]){written}s?(?![\w-])"
