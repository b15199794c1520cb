"""Lines of a word processor, with their notes, into an outline: what DOCX and ODT have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from lxml import etree

from ingest.readers.outline import Outline, looks_like_heading, plain

ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"]+")


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote or endnote; `link` is where its first hyperlink leads."""

    text: str
    link: str | None = None

    @property
    def address(self) -> str | None:
        """The web address that it gives."""
        if self.link and self.link.startswith(("https://", "http://")):
            return self.link
        if not (found := ADDRESS.search(self.text)):
            return None
        url = found.group().rstrip(".,;:" if "(" in found.group() else ".,;:)")
        return url if url.startswith("http") else f"https://{url}"

    @property
    def bare(self) -> bool:
        """Whether it says nothing but an address."""
        return not ADDRESS.sub("", self.text).strip(" <>().,;:")


@dataclass
class Line:
    """A paragraph's text while it is put together, the notes it refers to, the text boxes that hang on it, and whether
    all of it is in bold."""

    pieces: list[str] = field(default_factory=list)
    notes: list[tuple[int, Note]] = field(default_factory=list)
    boxes: list[etree._Element] = field(default_factory=list)
    bold: bool = False

    @property
    def text(self) -> str:
        """What it says, on one line."""
        return plain("".join(self.pieces))

    def refer(self, note: Note) -> None:
        """A reference to the note stands here."""
        self.notes.append((len(self.text), note))

    def sources(self) -> list[tuple[int, str]]:
        """The addresses of the notes, by character."""
        return [(at, url) for at, note in self.notes if (url := note.address)]


def first_title(titles: Iterable[Line], headings: Iterable[Line], lines: Iterable[Line]) -> str | None:
    """The first line that is set as title, else the first heading, else the first of all if it is in bold."""
    said = islice((line for line in lines if line.text), 1)
    bold = (line for line in said if line.bold and looks_like_heading(line.text))
    return next((line.text for line in chain(titles, headings, bold) if line.text), None)


class Flow:
    """Lines → an outline, each followed by the notes that say more than an address. The title is no heading."""

    def __init__(self, title: str | None) -> None:
        self.outline = Outline()
        self._title = title

    def heading(self, level: int, line: Line) -> None:
        """A heading, or at level 0 a line set as title. One that repeats the title only closes those before it."""
        if line.text == self._title:
            self.outline.top()
        elif level:
            self.outline.heading(level, line.text)
        else:
            self.outline.paragraph(line.text, line.sources())
        self._notes([line])

    def paragraph(self, line: Line, listed: bool = False) -> None:
        """A paragraph, an item of a list, or a line in bold."""
        if listed:
            self.outline.item(line.text, line.sources())
        elif line.bold and line.text == self._title:
            self.outline.top()
        elif line.bold and not line.notes:
            self.outline.bold(line.text)
        else:
            self.outline.paragraph(line.text, line.sources())
        self._notes([line])

    def table(self, rows: Sequence[Sequence[Sequence[Line]]]) -> None:
        """Rows of cells of lines, the first row their header. One row or one column is but a frame around text."""
        lines = [line for row in rows for cell in row for line in cell]
        if len(rows) == 1 or all(len(row) == 1 for row in rows):
            with self.outline.apart():
                for line in lines:
                    self.paragraph(line)
            return
        header, *body = [[" ".join(line.text for line in cell) for cell in row] for row in rows]
        for row in body:
            self.outline.row(header, row)
        self._notes(lines)

    def _notes(self, lines: Sequence[Line]) -> None:
        for note in (note for line in lines for _, note in line.notes if not note.bare):
            self.outline.paragraph(note.text)
