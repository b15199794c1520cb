"""Spreadsheets and CSV: each row is a section of its own, readable with the names of its columns.

The names are those of the first row of words above others; a lone cell above it is the caption of the table.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time
from io import BytesIO, StringIO
from typing import Any

import openpyxl
from openpyxl.cell.read_only import ReadOnlyCell

from assistant.errors import UnreadableDocument
from ingest.readers.archive import open_archive
from ingest.readers.outline import Outline, plain
from ingest.readers.reading import FrontMatter, Reading, decode, own_title

MAX_ROWS, MAX_COLUMNS = 20_000, 500
LAST_ROW = 1_048_576  # that a sheet can have
HEADER_WITHIN = 20  # rows in which the names of the columns are looked for, and rows that may be as full as theirs
DELIMITERS, SAMPLE = ",;\t|", 20_000
TOO_LONG = f"Only the first {MAX_ROWS:,} rows were read: split the file into smaller ones."
TOO_WIDE = f"Only the first {MAX_COLUMNS} columns of {{}} were read."
UNSTORED = "{} formula{} no stored value: open and save the file in a spreadsheet program."
YEAR = re.compile(r"(?:19|20)\d\d")
UNQUOTED_PERCENT = re.compile(r"(?:\.([0#?]+))?\s*%")


@dataclass(frozen=True, slots=True)
class _Row:
    """A row, by its number in the sheet; `words`: which of its cells hold words."""

    number: int
    cells: tuple[str, ...]
    words: tuple[bool, ...]

    @property
    def filled(self) -> int:
        return sum(map(bool, self.cells))


def read_xlsx(data: bytes) -> Reading:
    """The rows of all sheets that are shown, with the values that their formulas had when the file was saved."""
    open_archive(data)
    try:
        return _read_book(data)
    except Exception as error:  # whatever openpyxl's parsers raise on a damaged file
        raise UnreadableDocument(
            "the workbook is damaged or is none.", "Open it in a spreadsheet program and save it as .xlsx."
        ) from error


def read_csv(data: bytes) -> Reading:
    """The rows of a CSV file, whatever parts its cells."""
    text = decode(data)
    told = re.match(r"sep=(.)\n", text)  # Excel's own first line, which it does not show
    delimiter = told.group(1) if told else _delimiter(text[:SAMPLE])
    lines = csv.reader(StringIO(text[told.end() if told else 0 :]), delimiter=delimiter, skipinitialspace=True)
    sheet, outline = _Sheet(MAX_ROWS), Outline()
    try:
        sheet.fill((cells, [any(map(str.isalpha, cell)) for cell in cells]) for cells in lines)
    except csv.Error as error:
        raise UnreadableDocument(f"line {lines.line_num}: {error}.", "Save the table as CSV or .xlsx anew.") from error
    sheet.tell(outline)
    return Reading(outline.sections(), notes=tuple(sheet.notes("it")))


def _delimiter(sample: str) -> str:
    try:
        return csv.Sniffer().sniff(sample, DELIMITERS).delimiter
    except csv.Error:
        return Counter(DELIMITERS[:1] + "".join(sign for sign in sample if sign in DELIMITERS)).most_common(1)[0][0]


@dataclass
class _Sheet:
    """The rows of one sheet that hold something, `room` of them at most."""

    room: int
    rows: list[_Row] = field(default_factory=list)
    cut: bool = False
    narrowed: bool = False

    def fill(self, lines: Iterable[tuple[Sequence[str], Sequence[bool]]]) -> None:
        for number, (cells, words) in enumerate(lines, 1):
            row = _Row(number, tuple(map(plain, cells[:MAX_COLUMNS])), tuple(words[:MAX_COLUMNS]))
            if row.filled and len(self.rows) == self.room:
                self.cut = True
                return
            self.rows += [row] if row.filled else []
            self.narrowed |= len(cells) > MAX_COLUMNS

    def notes(self, name: str) -> list[str]:
        """What of the sheet was left out."""
        return [TOO_WIDE.format(name)] * self.narrowed + [TOO_LONG] * self.cut

    def tell(self, outline: Outline, name: str | None = None) -> None:
        """Say the rows to an outline, below their caption or the sheet's name."""
        at = next((at for at in range(min(HEADER_WITHIN, len(self.rows))) if self.is_header(at)), None)
        above = self.rows[: at or 0]
        caption = next((row for row in above if row.filled == 1), None)
        outline.at(sheet=name, row=None)
        outline.heading(1, "".join(caption.cells) if caption else name or "")
        header = () if at is None else self.rows[at].cells
        start = next((column for column, cell in enumerate(header) if cell), 0)
        for row in self.rows:
            first = 0 if any(row.cells[:start]) else start
            outline.at(row=row.number)
            if row is not caption and row.cells is not header:
                outline.row([] if row in above else header[first:], row.cells[first:])

    def is_header(self, at: int) -> bool:
        """Whether a row holds names only, and one as full comes after it. A year over no year is a name."""
        row, below = self.rows[at], self.rows[at + 1 : at + 1 + HEADER_WITHIN]
        if row.filled <= 1 or not any(other.filled >= row.filled for other in below) or not any(row.words):
            return False
        under = below[0].cells + ("",) * len(row.cells)
        cells = zip(row.cells, row.words, under, strict=False)
        return all(word or (YEAR.fullmatch(cell) and not YEAR.fullmatch(low)) for cell, word, low in cells if cell)


# --- workbooks


def _read_book(data: bytes) -> Reading:
    book = _opened(data, data_only=True)
    if not book.sheetnames:
        raise ValueError("no sheet")
    outline, room, empty = Outline(), MAX_ROWS, 0
    notes: list[str] = []
    for place, source in enumerate(book.worksheets):
        name = plain(source.title)
        if source.sheet_state != "visible":
            notes.append(f"Sheet {name} is hidden and was not read.")
            continue
        blanks: set[tuple[int, int]] = set()
        sheet = _Sheet(room)
        sheet.fill(_lines(source, blanks))
        sheet.tell(outline, name)
        room -= len(sheet.rows)
        empty += _formulas(_opened(data, data_only=False).worksheets[place], blanks) if blanks else 0
        notes += sheet.notes(name)
        if sheet.cut:
            break
    notes += [UNSTORED.format(empty, " has" if empty == 1 else "s have")] if empty else []
    return Reading(outline.sections(), FrontMatter(title=own_title(book.properties.title)), tuple(notes))


def _opened(data: bytes, *, data_only: bool) -> Any:  # noqa: ANN401 - untyped
    return openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=data_only, keep_links=False)


def _cells(sheet: Any) -> Iterator[Sequence[Any]]:  # noqa: ANN401 - untyped
    sheet.reset_dimensions()  # as told in the file, where they may be wrong
    return iter(sheet.iter_rows(max_row=LAST_ROW))


def _lines(sheet: Any, blanks: set[tuple[int, int]]) -> Iterator[tuple[list[str], list[bool]]]:  # noqa: ANN401
    """The cells of a sheet as they are shown; `blanks` becomes the places of those that have no value."""
    for cells in _cells(sheet):
        near = cells[: MAX_COLUMNS + 1]
        blanks.update((cell.row, cell.column) for cell in near if isinstance(cell, ReadOnlyCell) and cell.value is None)
        yield (
            ["" if _is_struck_out(cell) else _shown(cell) for cell in near],
            [isinstance(cell.value, str) for cell in near],
        )


def _formulas(sheet: Any, places: set[tuple[int, int]]) -> int:  # noqa: ANN401 - untyped
    """How many cells at these places hold a formula."""
    formulas = (cell for cells in _cells(sheet) for cell in cells[:MAX_COLUMNS] if cell.data_type == "f")
    return sum((cell.row, cell.column) in places for cell in formulas)


def _is_struck_out(cell: Any) -> bool:  # noqa: ANN401 - untyped
    with suppress(IndexError):  # a style may name a font that the file has not
        return isinstance(cell, ReadOnlyCell) and bool(cell.font.strike)
    return False


def _shown(cell: Any) -> str:  # noqa: ANN401 - untyped
    """The value of a cell as text."""
    match cell.value:
        case bool(value):
            return "yes" if value else "no"
        case int(value) | float(value):
            return _number(value, re.sub(r'"[^"]*"|\\.', "", cell.number_format or ""))
        case datetime() as moment if moment.time() != time():
            return moment.isoformat(" ", "minutes")
        case date() as day:
            return f"{day:%Y-%m-%d}"
        case time() as hour:
            return hour.isoformat("minutes")
        case value:
            return "" if value is None or cell.data_type == "e" else str(value)


def _number(value: float, shape: str) -> str:
    if percent := UNQUOTED_PERCENT.search(shape):
        return f"{value * 100:.{len(percent.group(1) or '')}f}%"
    return f"{value:.0f}" if value == int(value) else f"{value:.15g}"
