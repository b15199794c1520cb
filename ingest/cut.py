"""Sections → a snapshot text and the passages cut from it: whole sentences, headings kept, exact characters.

A passage is a slice of the snapshot, so `snapshot[chunk.start:chunk.end] == chunk.text` always, and a unit is a slice
of the passage. Passages never cross a heading: a section is one idea.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sentencex import segment

from assistant.places import clock, cues_between, said_at
from assistant.records import Anchor, Chunk, Document, Section, SourceMark, Unit, UnitKind
from assistant.terms import SYNONYMS, TRANSLATIONS

MAX_WORDS = 180
# Ends of a "sentence" that are abbreviations in legal text, where the splitter must not stop.
ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:Arts?|Art|Abs|gem|Nos?|No|pp?|cf|approx|incl|excl|vs|Reg|Dir|ca|bzw|ggf|max|min)\.\s*$"
)
MARKER = re.compile(r"^(- |\| )")
TERMS = (SYNONYMS, TRANSLATIONS)
KINDS: dict[str, UnitKind] = {"- ": "item", "| ": "row"}


@dataclass(frozen=True, slots=True)
class Cut:
    """The text of a document as it will be shown, and its passages."""

    text: str
    chunks: tuple[Chunk, ...]


def cut(document: Document, sections: Sequence[Section]) -> Cut:
    """Lay the sections out as one snapshot and cut it into passages."""
    text, chunks, seen = f"# {document.title}\n", [], set()
    shown: tuple[str, ...] = ()
    place = ""
    for section in sections:
        for depth, heading in enumerate(section.anchor.heading):
            if shown[: depth + 1] != section.anchor.heading[: depth + 1]:
                text += f"\n{'#' * (depth + 2)} {heading}\n"
        shown = section.anchor.heading
        if (here := _place(section.anchor)) != place:
            text += f"\n{here}\n" if here else ""
            place = here
        text += "\n"
        for chunk in _passages(document, section, len(text)):
            if chunk.id not in seen:
                seen.add(chunk.id)
                chunks.append(chunk)
        text += section.text + "\n"
    return Cut(text, tuple(chunks))


def _place(anchor: Anchor) -> str:
    """The line that shows where the text below it stands: "[p. 3]", "[slide 2]", "[1:15 Ana Pop]"."""
    if anchor.start is not None:
        return f"[{' '.join(filter(None, (clock(anchor.start), anchor.speaker)))}]"
    if anchor.page is not None:
        return f"[p. {anchor.label or anchor.page}]"
    return f"[slide {anchor.slide}]" if anchor.slide is not None else ""


def units(text: str, language: str) -> list[Unit]:
    """The quotable pieces of a section's text, without the markers of list items and table rows."""
    found: list[Unit] = []
    for start, line in _lines(text):
        if marker := MARKER.match(line):
            found.append(Unit(start + 2, start + len(line), KINDS[marker.group()]))
            continue
        if line.startswith(TERMS):
            found.append(Unit(start, start + len(line), "terms"))
            continue
        found += [Unit(start + a, start + b) for a, b in _sentences(line, language)]
    for index, unit in enumerate(found[:-1]):
        if unit.kind == "sentence" and found[index + 1].kind in ("item", "row"):
            found[index] = replace(unit, kind="lead")
    return [replace(unit, kind="question") if _asks(unit, text) else unit for unit in found]


def _asks(unit: Unit, text: str) -> bool:
    """Whether a sentence only asks: it helps to find what follows it, and is no answer itself."""
    words = text[unit.start : unit.end].rstrip("\"'”»)")
    return unit.kind == "sentence" and words.endswith("?") and ":" not in words


def _lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in text.split("\n"):
        if line.strip():
            yield start, line
        start += len(line) + 1


def _sentences(line: str, language: str) -> Iterator[tuple[int, int]]:
    start = end = 0
    for piece in segment(language, line):
        end += len(piece)
        if ABBREVIATION.search(line[start:end]) and end < len(line):
            continue
        if stripped := line[start:end].strip():
            begin = start + line[start:end].index(stripped)
            yield begin, begin + len(stripped)
        start = end


def _passages(document: Document, section: Section, offset: int) -> Iterator[Chunk]:
    group: list[Unit] = []
    for block in _blocks(section.text, units(section.text, document.language)):
        if group and _words(section.text, group) + _words(section.text, block) > MAX_WORDS:
            said = _answered(group)
            if said:
                yield _chunk(document, section, group[:said], offset)
            group = group[said:]
        group += block
    if said := _answered(group):
        yield _chunk(document, section, group[:said], offset)


def _answered(group: Sequence[Unit]) -> int:
    """How many units there are before the questions at the end: those belong to what answers them."""
    return max((number for number, unit in enumerate(group, 1) if unit.kind != "question"), default=0)


def _blocks(text: str, found: Sequence[Unit]) -> Iterator[list[Unit]]:
    """Units that belong together: the sentences of a paragraph, a list with its lead-in; split where over the size."""
    block: list[Unit] = []
    for unit in found:
        gap = "\n\n" in text[block[-1].end : unit.start] if block else False
        opens = gap and not (block[-1].kind == "lead" or (unit.kind == block[-1].kind != "sentence"))
        if block and (opens or _words(text, [*block, unit]) > MAX_WORDS):
            yield block
            block = []
        block.append(unit)
    if block:
        yield block


def _words(text: str, group: Sequence[Unit]) -> int:
    return len(text[group[0].start : group[-1].end].split())


def _chunk(document: Document, section: Section, group: Sequence[Unit], offset: int) -> Chunk:
    start, end = group[0].start, group[-1].end
    text = section.text[start:end]
    period = section.period if section.period.bounded else document.period
    cues = cues_between(section.cues, start, end)
    name = "\0".join(
        (
            *(document.root, document.uri, document.title, *section.anchor.path),
            *(text, str(period), str(section.gap), *section.asked),
            *(f"{unit.start - start}-{unit.end - start}" for unit in group),
        )
    )
    return Chunk(
        id=hashlib.sha256(name.encode()).hexdigest()[:24],
        document=document.id,
        text=text,
        start=offset + start,
        end=offset + end,
        anchor=said_at(section.anchor, cues),
        period=period,
        gap=section.gap,
        units=tuple(replace(unit, start=unit.start - start, end=unit.end - start) for unit in group),
        sources=tuple(SourceMark(mark.at - start, mark.url) for mark in section.sources if start < mark.at <= end),
        asked=section.asked,
        cues=cues,
    )
