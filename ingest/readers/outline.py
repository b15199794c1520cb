"""Pieces of a document in reading order → sections in the one text form of `records.Section`.

A reader walks its format and says what it comes upon; a new heading or a new place opens a new section:

    outline = Outline()
    outline.at(page=1)
    outline.heading(1, "Who may bid?")
    outline.paragraph("Any firm may.")
    outline.item("alone")
    outline.row(["Kind", "2026"], ["Works", "5 404 000"])
    outline.sections()
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from assistant.records import Anchor, Cue, Section, SourceMark

ITEM, ROW = "- ", "| "
BULLETS = "•‣◦●○▪■□▶►➢➤✓✔❖◆\uf0b7\uf0a7\uf0d8\uf0fc"
BULLET = re.compile(rf"[{BULLETS}]\s*(?=\S)")
LOWEST = 100  # level of a line that is a heading by its looks
# Of such a line: no sentence, and nothing that an answer would quote, such as a day, a sum or an address.
LOOKS = re.compile(r"(?:\d{1,2}[.)] )?([^\d@:]{2,79}[^\d@:.,!])")
SENTENCE = re.compile(r"[.!]\W")
WORDS = 10
NESTED = 3  # lines in bold, one right after the other, that are headings


@dataclass
class _Open:
    anchor: Anchor
    text: str = ""
    last: str = ""
    sources: list[SourceMark] = field(default_factory=list)
    cues: list[Cue] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    bold: tuple[str, ...] = ()  # the lines in bold, one right after the other, that it stands under

    def section(self) -> Section:
        return Section(
            self.text, self.anchor, sources=tuple(self.sources), cues=tuple(self.cues), asked=tuple(self.asked)
        )


class Outline:
    """The sections of one document while it is being read."""

    def __init__(self) -> None:
        self._done: list[_Open] = []
        self._path: list[tuple[int, str]] = []
        self._anchor = Anchor()
        self._open = _Open(self._anchor)

    def heading(self, level: int, text: str, fragment: str | None = None) -> None:
        """A heading, 1 the highest; it closes those of its level and below. An empty one is passed over."""
        if not (text := plain(text)):
            return
        self._path = [(depth, heading) for depth, heading in self._path if depth < level] + [(level, text)]
        self._begin(replace(self._anchor, heading=tuple(heading for _, heading in self._path), fragment=fragment))

    def bold(self, text: str) -> None:
        """A line in bold: where it looks like one a heading below all others and below a line in bold right before;
        but a paragraph where nothing follows."""
        above = () if self._open.text else self._open.bold
        if not looks_like_heading(text := plain(text)) or awaited(self._open.text) or len(above) == NESTED:
            self.paragraph(text)
            return
        if above:
            self._open.bold = ()
        self.heading(LOWEST + len(above), text, self._anchor.fragment)
        self._open.bold = (*above, text)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What is told in between stands in a frame: a line in bold leads what is in there, not what follows."""
        path, anchor = self._path, self._anchor
        yield
        if self._anchor != anchor and self._open.text:
            self._path = path
            self._begin(anchor)

    def top(self) -> None:
        """From here on the text stands under no heading."""
        self._path = []
        if self._anchor.heading or self._anchor.fragment:
            self._begin(replace(self._anchor, heading=(), fragment=None))

    def at(self, **place: Any) -> None:  # noqa: ANN401 - fields of Anchor
        """From here on the text stands at this page, slide, sheet, row, time or speaker. A line in bold right before
        led nothing, unless it has a number."""
        if (anchor := replace(self._anchor, **place)) != self._anchor:
            if not self._open.text and not any(line[0].isdigit() for line in self._open.bold):
                self._path = self._path[: len(self._path) - len(self._open.bold)]
            self._begin(replace(anchor, heading=tuple(heading for _, heading in self._path)))

    def paragraph(self, text: str, sources: Sequence[tuple[int, str]] = (), cues: Sequence[Cue] = ()) -> None:
        """A paragraph, or an item where its mark was typed; its white space made plain where neither `sources` nor
        `cues` count its characters.

        `sources`: (character, address) of what supports the text before it; `cues`: when its stretches were said.
        """
        if not cues and BULLET.match(text):
            self.item(text, sources)
        else:
            self._add("", text if sources or cues else plain(text), sources, cues)

    def item(self, text: str, sources: Sequence[tuple[int, str]] = ()) -> None:
        """An item of a list, without a mark that was typed."""
        start = mark.end() if (mark := BULLET.match(text)) else 0
        self._add(
            ITEM, text[start:] if sources else plain(text[start:]), [(max(0, at - start), url) for at, url in sources]
        )

    def row(self, header: Sequence[str], cells: Sequence[str]) -> None:
        """A row of a table, readable without its table: "Works; 2026: 5 404 000"."""
        self._add(ROW, row_text([plain(name) for name in header], [plain(cell) for cell in cells]))

    def asked(self, question: str) -> None:
        """A question, asked elsewhere, that the open section answers."""
        self._open.asked.append(question)

    def sections(self) -> tuple[Section, ...]:
        """What has been read, without sections that hold no text."""
        self._begin(self._anchor)
        return tuple(part.section() for part in self._done if part.text)

    def _begin(self, anchor: Anchor) -> None:
        if (lines := self._open.bold) and not self._open.text:
            del self._done[len(self._done) - len(lines) + 1 :]
            self._open = self._done.pop()
            for line in lines:
                self.paragraph(line)
        self._done.append(self._open)
        self._anchor = anchor
        self._open = _Open(anchor)

    def _add(self, prefix: str, line: str, sources: Sequence[tuple[int, str]] = (), cues: Sequence[Cue] = ()) -> None:
        if not line.strip():
            return
        part = self._open
        joint = "" if not part.text else "\n" if prefix and prefix == part.last else "\n\n"
        start = len(part.text) + len(joint) + len(prefix)
        part.text += joint + prefix + line
        part.last = prefix
        part.sources += [SourceMark(start + at, url) for at, url in sources]
        part.cues += [replace(cue, at=start + cue.at) for cue in cues]


def looks_like_heading(line: str) -> bool:
    """Whether a line in bold says what is below it: short, no sentence, no figures."""
    looks = LOOKS.fullmatch(line)
    return looks is not None and not SENTENCE.search(looks[1]) and len(line.split()) <= WORDS and not BULLET.match(line)


def awaited(text: str) -> bool:
    """Whether what comes after a text answers it or is what it announces."""
    return text.endswith((":", "?"))


def plain(text: str) -> str:
    """Text on one line, white space of any kind made one blank."""
    return " ".join(text.split())


def row_text(header: Sequence[str], cells: Sequence[str]) -> str:
    """A table row with the name of each column: "Works; 2022-2023: 5 382 000; 2024-2025: 5 538 000"."""
    named = list(header) + [""] * (len(cells) - len(header))
    rest = [f"{name}: {cell}" if name else cell for name, cell in zip(named[1:], cells[1:], strict=False) if cell]
    return "; ".join([*cells[:1], *rest]).strip("; ")
