"""Charts as SVG markup: pure functions, every text escaped, colours by class from staff.css.

Coordinates across are percentages and those up and down pixels, so a chart takes the width that it gets and its text
keeps its size. Each chart has a title and a description for those who do not see it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

LEFT, RIGHT = 11.0, 99.0  # where the plot begins and ends, in percent
TOP, BOTTOM = 14, 166  # in pixels
HEIGHT = 212
Place = Callable[[float], tuple[float, float]]
LABELS = 5  # names below the plot that have room on a phone


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows: a value a label; `below`, if any, goes down from zero, and `names` tells what goes up
    and what down. `across` names the labels, `unit` follows the numbers ("%"), `id` is unique on its page."""

    id: str
    title: str
    labels: Sequence[str]
    values: Sequence[float]
    below: Sequence[float] = ()
    names: tuple[str, str] = ("", "")
    across: str = ""
    unit: str = ""


def columns(chart: Chart) -> Markup:
    """One column a label, upwards from zero, and downwards for `below`."""
    top, low = _round_up(max(chart.values, default=0)), _round_up(max(chart.below, default=0), least=0)
    zero = TOP + (BOTTOM - TOP) * top / (top + low)
    pixels = (BOTTOM - TOP) / (top + low)
    ticks = [(top, TOP), (0, zero), *([(low, BOTTOM)] if low else [])]
    bars = [
        *_bars(chart, chart.values, "above", lambda value: (zero - value * pixels, value * pixels)),
        *_bars(chart, chart.below, "below", lambda value: (zero, value * pixels)),
    ]
    return _drawn(chart, [*_grid(chart, ticks), *bars, *_names(chart)])


def line(chart: Chart, top: float) -> Markup:
    """One dot a label, joined in order; values go from 0 to `top`."""
    across = _centres(len(chart.labels))
    up = [BOTTOM - (BOTTOM - TOP) * min(value, top) / top for value in chart.values]
    points = list(zip(across, up, strict=True))
    joints = [
        Markup('<line class="joint" x1="{}%" y1="{}" x2="{}%" y2="{}"/>').format(_n(x1), _n(y1), _n(x2), _n(y2))
        for (x1, y1), (x2, y2) in pairwise(points)
    ]
    dots = [
        Markup('<circle class="dot" cx="{}%" cy="{}" r="5"><title>{}</title></circle>').format(_n(x), _n(y), told)
        for (x, y), told in zip(points, _told(chart), strict=True)
    ]
    ticks = [(top * part, BOTTOM - (BOTTOM - TOP) * part) for part in (0, 0.5, 1)]
    return _drawn(chart, [*_grid(chart, ticks), *joints, *dots, *_names(chart)])


def sparkline(values: Sequence[int], told: str) -> Markup:
    """Small columns without axes; `told` is what they say, in words."""
    most, step = max(1, *values), 100 / max(1, len(values))
    bars = [
        Markup('<rect class="{}" x="{}%" y="{}" width="{}%" height="{}"/>').format(
            "above" if value else "none", _n(i * step), _n(29 - height), _n(step * 0.72), _n(height + 1)
        )
        for i, value in enumerate(values)
        for height in [26 * value / most + 1]
    ]
    return Markup('<svg class="sparkline" role="img" aria-label="{}" height="30">{}</svg>').format(
        told, Markup("").join(bars)
    )


def share(value: float, most: float) -> Markup:
    """A bar that is as long as a value's share of the greatest; what it says stands beside it as text."""
    width = _n(100 * value / most if most else 0)
    return Markup(
        '<svg class="share" aria-hidden="true" height="10"><rect class="above" width="{}%" height="10"/></svg>'
    ).format(width)


def _drawn(chart: Chart, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="chart" role="img" aria-labelledby="{id}-title {id}-told" height="{height}">'
        '<title id="{id}-title">{title}</title><desc id="{id}-told">{told}</desc>{parts}</svg>'
    ).format(
        id=chart.id,
        height=HEIGHT,
        title=chart.title,
        told="; ".join(_told(chart)),
        parts=Markup("").join(parts),
    )


def _told(chart: Chart) -> Iterator[str]:
    """What a chart says of each label, in words."""
    for i, label in enumerate(chart.labels):
        said = f"{label}: {_n(chart.values[i])}{chart.unit}"
        yield f"{said} {chart.names[0]}, {_n(chart.below[i])} {chart.names[1]}" if chart.below else said


def _bars(chart: Chart, values: Sequence[float], look: str, place: Place) -> Iterator[Markup]:
    width = (RIGHT - LEFT) / max(8, len(chart.labels)) * 0.62
    told = list(_told(chart))
    for i, (centre, value) in enumerate(zip(_centres(len(chart.labels)), values, strict=False)):
        y, height = place(value)
        yield Markup('<rect class="{}" x="{}%" y="{}" width="{}%" height="{}"><title>{}</title></rect>').format(
            look, _n(centre - width / 2), _n(y), _n(width), _n(height), told[i]
        )


def _grid(chart: Chart, ticks: Sequence[tuple[float, float]]) -> Iterator[Markup]:
    """A line across and its number at each tick (value, pixel), and the name of the axis."""
    for value, y in ticks:
        look = "zero" if value == 0 else "grid"
        yield Markup('<line class="{}" x1="{}%" y1="{y}" x2="{}%" y2="{y}"/>').format(
            look, _n(LEFT), _n(RIGHT), y=_n(y)
        )
        yield Markup('<text class="tick" x="{}%" y="{}">{}{}</text>').format(
            _n(LEFT - 1.5), _n(y + 4), _n(value), chart.unit
        )


def _names(chart: Chart) -> Iterator[Markup]:
    """The labels below the plot, as many as have room, the last among them, and what they are."""
    every = math.ceil(len(chart.labels) / LABELS)
    last = len(chart.labels) - 1
    for i, (centre, label) in enumerate(zip(_centres(len(chart.labels)), chart.labels, strict=True)):
        if (last - i) % every == 0:
            yield Markup('<text class="name" x="{}%" y="{}">{}</text>').format(_n(centre), BOTTOM + 20, label)
    yield Markup('<text class="name" x="{}%" y="{}">{}</text>').format(
        _n((LEFT + RIGHT) / 2), BOTTOM + 40, chart.across
    )


def _centres(count: int) -> list[float]:
    step = (RIGHT - LEFT) / max(1, count)
    return [LEFT + step * (i + 0.5) for i in range(count)]


def _round_up(value: float, least: float = 1) -> float:
    """The next of 1, 2, 5, 10, 20, 50, …"""
    if value <= least:
        return least
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def _n(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")
