"""Tables: rows of short cells that stand in the same columns, each made one line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import islice, takewhile
from statistics import mean, median

from ingest.readers.outline import BULLET, row_text
from ingest.readers.pdf.lines import Line, rows_of, strips_of
from ingest.readers.pdf.marks import joined

SHORT, NARROW = 22, 14  # characters: of a cell on average, or of most cells of one column
ROWS_AND_COLUMNS = 5  # at least, together
WRAP, FAR = 0.45, 2.5  # of the size: white between the lines of a cell, and between rows
FEW = 2  # rows, of which the first counts like the others
UNEVEN = 4.0  # points by which the cells of a column may miss a common edge or middle

_Stretch = tuple[float, float]


@dataclass
class _Table:
    """Rows of lines that fit one set of columns, each a stretch from left to right."""

    columns: list[_Stretch] = field(default_factory=list)
    rows: list[list[Line]] = field(default_factory=list)

    def takes(self, strip: Sequence[Line]) -> bool:
        """Add a row, or the further lines of its cells, if it fits; the names of columns may leave out the first."""
        columns = _merged([*self.columns, *((line.x0, line.x1) for line in strip)])
        more = len(columns) - len(self.columns)
        if len(columns) == 1 or any(line.row for line in strip) or more < 0 or (more > 0 and len(self.rows) > 1):
            return False
        white = min(line.y0 for line in self.rows[-1]) - max(line.y1 for line in strip) if self.rows else 0.0
        filled = sum(any(_within(line, column) for line in strip) for column in columns)
        whole, near = filled == len(columns), white < WRAP * strip[0].size
        if white > FAR * strip[0].size or (filled == 1 and not near):
            return False
        self.columns = columns
        if whole or not near or not self.rows:
            self.rows.append(list(strip))
        else:
            self.rows[-1] += strip
        return True

    def holds(self) -> bool:
        """Whether these are rows of a table, not columns of text or words far apart."""
        texts = [[_text(row, column) for column in self.columns] for row in self.rows]
        full = sum(all(row) for row in texts)
        lengths = [[len(row[at]) for row in texts] for at in range(len(self.columns))]
        short = mean(mean(column) for column in lengths) <= SHORT or min(median(column) for column in lengths) <= NARROW
        listed = any(BULLET.match(line.text) for row in self.rows for line in row)
        large = full > 1 and full + len(self.columns) >= ROWS_AND_COLUMNS
        return large and short and not listed and all(map(self._even, self.columns))

    def _even(self, column: _Stretch) -> bool:
        """Whether the cells of a column share an edge or their middle; its name need not."""
        cells = [[line for line in row if _within(line, column)] for row in self.rows[len(self.rows) > FEW :]]
        lefts = [min(line.x0 for line in cell) for cell in cells if cell]
        rights = [max(line.x1 for line in cell) for cell in cells if cell]
        middles = [(left + right) / 2 for left, right in zip(lefts, rights, strict=True)]
        return any(max(places) - min(places) <= UNEVEN for places in (lefts, rights, middles) if places)

    def told(self) -> list[Line]:
        """One line a row; a first row in bold names the columns."""
        bold = [all(line.bold for line in row) for row in self.rows]
        named = bold[0] and not all(bold)
        header = [_text(self.rows[0], column) for column in self.columns] if named else []
        return [self._line(header, row) for row in self.rows[named:]]

    def _line(self, header: Sequence[str], row: Sequence[Line]) -> Line:
        text = row_text(header, [_text(row, column) for column in self.columns])
        bottom, top = min(line.y0 for line in row), max(line.y1 for line in row)
        return Line(text, self.columns[0][0], bottom, self.columns[-1][1], top, row[0].size, row=True)


def _merged(stretches: Iterable[_Stretch]) -> list[_Stretch]:
    """Stretches that overlap made one, from left to right."""
    merged: list[_Stretch] = []
    for start, end in sorted(stretches):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _within(line: Line, column: _Stretch) -> bool:
    return line.x0 < column[1] and line.x1 > column[0]


def _text(row: Sequence[Line], column: _Stretch) -> str:
    cell = [line for line in row if _within(line, column)]
    return reduce(joined, (line.text for part in rows_of(cell) for line in part)) if cell else ""


def folded(lines: Sequence[Line]) -> list[Line]:
    """The lines, those of a table made rows."""
    strips, done, at = list(strips_of(lines)), [], 0
    while at < len(strips):
        table = _Table()
        length = sum(1 for _ in takewhile(table.takes, islice(strips, at, None))) or 1
        found = [line for strip in strips[at : at + length] for line in strip]
        done += table.told() if len(table.rows) > 1 and table.holds() else found
        at += length
    return done
