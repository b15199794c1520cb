"""The order in which the lines of a page are read: columns one after the other, tables row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise

from ingest.readers.pdf.lines import Line, rows_of, strips_of, united
from ingest.readers.pdf.tables import folded

GUTTER, COLUMN = 8.0, 60.0  # points: white that parts two columns, and the width of one
CLOSER = 0.6  # a line belongs to the next one if the white below it is less than this share of the white above


def ordered(lines: Sequence[Line]) -> list[Line]:
    """Lines as they are read."""
    lines = folded(lines)
    if middle := _gutter(lines):
        left = [line for line in lines if line.x1 <= middle]
        return ordered(left) + ordered([line for line in lines if line.x1 > middle])
    bands = _bands(lines)
    if len(bands) == 1:
        return [reduce(united, row) for row in rows_of(lines)]
    return [line for band in bands for line in ordered(band)]


@dataclass
class _Band:
    """Lines one below the other, and the stretches from left to right that none of them covers."""

    free: list[tuple[float, float]]
    lines: list[Line] = field(default_factory=list)

    def joined(self, lines: Sequence[Line]) -> _Band:
        free = self.free
        for line in lines:
            free = [part for stretch in free for part in _uncovered(stretch, line)]
        return _Band(free, [*self.lines, *lines])

    def gutter(self) -> float | None:
        """The middle of the widest free stretch that has lines on both sides."""
        first, last = min(line.x1 for line in self.lines), max(line.x0 for line in self.lines)
        inner = [(end - start, (start + end) / 2) for start, end in self.free if first <= start and end <= last]
        return max(inner)[1] if inner else None


def _uncovered(stretch: tuple[float, float], line: Line) -> Iterator[tuple[float, float]]:
    start, end = stretch
    parts = (
        ((start, min(end, line.x0)), (max(start, line.x1), end)) if line.x0 < end and line.x1 > start else (stretch,)
    )
    return (part for part in parts if part[1] - part[0] >= GUTTER)


def _empty(lines: Sequence[Line]) -> _Band:
    return _Band([(min(line.x0 for line in lines), max(line.x1 for line in lines))] if lines else [])


def _gutter(lines: Sequence[Line]) -> float | None:
    """Where two columns part: at least two lines on either side, not too narrow, some of them side by side."""
    middle = _empty(lines).joined(lines).gutter() if lines else None
    if middle is None:
        return None
    sides = [line for line in lines if line.x1 <= middle], [line for line in lines if line.x1 > middle]
    widths = [max(line.x1 for line in side) - min(line.x0 for line in side) for side in sides]
    beside = any(
        min(line.x1 for line in strip) <= middle < max(line.x1 for line in strip) for strip in strips_of(lines)
    )
    return middle if min(map(len, sides)) > 1 and min(widths) >= COLUMN and beside else None


def _bands(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines cut where one crosses the gutter of those above it."""
    bands: list[_Band] = []
    for clump in _clumps(lines):
        longer = bands[-1].joined(clump) if bands else None
        if longer and longer.gutter() is not None:
            bands[-1] = longer
        else:
            bands.append(_empty(lines).joined(clump))
    return [band.lines for band in bands]


def _clumps(lines: Sequence[Line]) -> list[list[Line]]:
    """Strips with white above and below; one that is much closer to the next goes with it, as a heading does."""
    strips = list(strips_of(lines))
    gaps = [min(line.y0 for line in a) - max(line.y1 for line in b) for a, b in pairwise(strips)]
    clumps: list[list[Line]] = []
    joins = False
    for strip, above, below in zip(strips, [0.0, *gaps], [*gaps, 0.0], strict=False):
        if joins:
            clumps[-1] += strip
        else:
            clumps.append(list(strip))
        joins = below < CLOSER * above
    return clumps
