"""The characters of a page → lines of text with their place and size. Nothing drawn is kept, no image is decoded."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pdfminer.converter import PDFLayoutAnalyzer
from pdfminer.layout import LAParams, LTChar, LTPage, LTTextLine
from pdfminer.pdffont import PDFFont, PDFSimpleFont
from pdfminer.pdfinterp import PDFResourceManager
from pdfminer.utils import apply_matrix_pt

from ingest.readers.outline import plain
from ingest.readers.pdf.marks import LEADER, LONE_MARK

LAYOUT = LAParams(char_margin=1.5)
WORD_GAP, LINE_GAP, MARK_GAP = 0.1, 0.8, 4.0  # of the size: what parts words, pieces of a line, a bullet and its text
SLANT = 0.1  # text that rises more is a watermark or turned
DOT, DOT_STROKES = (1.5, 8.0), 20  # points across, and strokes, of a bullet that is drawn
ALSO_BULLETS = frozenset({127, 129, 141, 143, 144, 157})  # codes without a character in WinAnsiEncoding
LIGATURES = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}
CONTROLS = dict.fromkeys([*range(9), *range(14, 32), *range(127, 160), 0x200B, 0xFEFF, 0xFFFE, 0xFFFF], "")
CLEAN: dict[int, str] = {**CONTROLS, **LIGATURES}
SOFT_HYPHEN, HYPHEN = "\xad", "\u2010"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, or a row of a table, at its place in points from the lower left."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool = False
    row: bool = False

    def gap(self, below: Line) -> float:
        """White space between this line and one below."""
        return self.y0 - below.y1

    def beside(self, other: Line) -> bool:
        """Whether two lines stand at one height."""
        shared = min(self.y1, other.y1) - max(self.y0, other.y0)
        return shared > min(self.y1 - self.y0, other.y1 - other.y0) / 2


class PageText(PDFLayoutAnalyzer):
    """Takes the characters of a page, those of its forms too, and its bullets; counts its pictures."""

    def __init__(self, resources: PDFResourceManager) -> None:
        super().__init__(resources)
        self.pictures = 0
        self.dots: list[Line] = []
        self.page: LTPage | None = None

    def begin_page(self, page: Any, ctm: Any) -> None:  # noqa: D102, ANN401
        self.pictures, self.dots, self.page = 0, [], None
        super().begin_page(page, ctm)

    def begin_figure(self, name: str, bbox: Any, matrix: Any) -> None:  # noqa: D102, ANN401
        pass

    def end_figure(self, _: str) -> None:  # noqa: D102
        pass

    def render_image(self, name: str, stream: Any) -> None:  # noqa: D102, ANN401
        self.pictures += 1

    def paint_path(self, gstate: Any, stroke: bool, fill: bool, evenodd: bool, path: Any) -> None:  # noqa: D102, ANN401
        if fill and len(path) <= DOT_STROKES and any(step[0] == "c" for step in path):
            self._dot([apply_matrix_pt(self.ctm, step[-2:]) for step in path if step[0] != "h"])

    def _dot(self, points: Sequence[tuple[float, float]]) -> None:
        """Browsers draw the bullets of a list."""
        (x0, x1), (y0, y1) = ((min(values), max(values)) for values in zip(*points, strict=True))
        if DOT[0] <= min(x1 - x0, y1 - y0) and max(x1 - x0, y1 - y0) <= DOT[1]:
            self.dots.append(Line("•", x0, y0, x1, y1, y1 - y0))

    def handle_undefined_char(self, font: PDFFont, cid: int) -> str:  # noqa: D102
        return "•" if cid in ALSO_BULLETS and isinstance(font, PDFSimpleFont) else ""

    def receive_layout(self, ltpage: LTPage) -> None:  # noqa: D102
        self.page = ltpage

    def lines(self) -> list[Line]:
        """The lines of the page last read, from top to bottom."""
        chars = _level([char for char in self.page or () if isinstance(char, LTChar) and char.get_text()])
        if not (chars and self.page):
            return []
        found = (_line(line) for line in self.page.group_objects(LAYOUT, chars))
        lines = _whole([*self.dots, *(line for line in found if line)])
        return [line for line in lines if line not in self.dots]


def _level(chars: list[LTChar]) -> list[LTChar]:
    """Characters that stand upright; where most are turned by a quarter, those, turned back."""
    turned = [char for char in chars if abs(char.matrix[0]) < SLANT * abs(char.matrix[1])]
    if 2 * len(turned) <= len(chars):
        return [char for char in chars if abs(char.matrix[1]) < SLANT * abs(char.matrix[0])]
    for char in turned:
        x0, y0, x1, y1 = char.bbox
        char.size = x1 - x0
        char.set_bbox((y0, -x1, y1, -x0) if char.matrix[1] > 0 else (-y1, x0, -y0, x1))
    return turned


def _line(found: LTTextLine) -> Line | None:
    text = plain("".join(part.get_text() for part in found).translate(CLEAN))
    inked = [char for char in found if isinstance(char, LTChar) and not char.get_text().isspace()]
    if not (text and inked):
        return None
    size, _ = Counter(round(char.size * 2) / 2 for char in inked).most_common(1)[0]
    bold = all("bold" in char.fontname.lower() for char in inked)
    top, bottom = max(char.y1 for char in inked), min(char.y0 for char in inked)
    return Line(
        LEADER.sub(" … ", _soft(text)).strip(),
        min(c.x0 for c in inked),
        bottom,
        max(c.x1 for c in inked),
        top,
        size,
        bold,
    )


def _soft(text: str) -> str:
    """Soft hyphens are seen only at the end of a line."""
    return text.rstrip(SOFT_HYPHEN).replace(SOFT_HYPHEN, "") + (HYPHEN if text.endswith(SOFT_HYPHEN) else "")


def rows_of(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Lines that stand side by side, from left to right; the rows from top to bottom."""
    row: list[Line] = []
    for line in sorted(lines, key=lambda line: -(line.y0 + line.y1)):
        if row and not row[0].beside(line):
            yield sorted(row, key=lambda line: line.x0)
            row = []
        row.append(line)
    yield from [sorted(row, key=lambda line: line.x0)] if row else []


def strips_of(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Lines with white above and below, from top to bottom."""
    strip: list[Line] = []
    bottom = 0.0
    for line in sorted(lines, key=lambda line: -line.y1):
        slack = (line.y1 - line.y0) / 10
        if strip and line.y1 - slack <= bottom:
            yield strip
            strip = []
        bottom = min(bottom, line.y0 + slack) if strip else line.y0 + slack
        strip.append(line)
    yield from [strip] if strip else []


def _whole(pieces: Sequence[Line]) -> list[Line]:
    """Pieces that were drawn one by one, made the lines that they form; a bullet belongs to the text on its right."""
    lines: list[Line] = []
    for row in rows_of(pieces):
        last = len(lines)
        for piece in row:
            if len(lines) > last and _adjoins(lines[-1], piece):
                lines[-1] = united(lines[-1], piece)
            else:
                lines.append(piece)
    return lines


def _adjoins(left: Line, right: Line) -> bool:
    reach = MARK_GAP if LONE_MARK.fullmatch(left.text) else LINE_GAP
    return right.x0 - left.x1 < reach * max(left.size, right.size)


def united(left: Line, right: Line) -> Line:
    """Two pieces of one line made one."""
    longer = max(left, right, key=lambda line: len(line.text))
    space = " " if right.x0 - left.x1 > WORD_GAP * longer.size or LONE_MARK.fullmatch(left.text) else ""
    bottom, top = min(left.y0, right.y0), max(left.y1, right.y1)
    return replace(longer, text=left.text + space + right.text, x0=left.x0, x1=right.x1, y0=bottom, y1=top)
