"""Plots of a run as SVG. To add one, add a line to PLOTS.

A limit is where we would call a figure too large or too small: a choice, drawn dotted beside the figures.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot as plt

from assistant.records import LEVELS
from tests.benchmarks.records import Results
from tests.benchmarks.stopwatch import PLACES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLAIN_SVG = {"Creator": None, "Date": None, "Format": None, "Type": None}
STYLE: Any = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "bench",
}
MARGINS = {"left": 0.1, "right": 0.62, "bottom": 0.15, "top": 0.96}  # room for the names at the right
OUTSIDE = re.compile(r"<\?xml.*?<svg ", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Limit:
    """A line across a plot."""

    value: float
    label: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Figures of one measure over the size, or over the number of askers with a line for each size."""

    measure: str
    title: str
    unit: str
    names: tuple[str, ...]
    limits: tuple[Limit, ...] = ()
    by: str = "size"
    log: bool = True


# Measure, unit, figure, label: what the model alone does.
MODEL = (
    ("load", "/s", "bare model", "the model alone"),
    ("ingest", "passages/s", "embed, passages a second", "the model, on the corpus"),
)
SLOW, MACHINE = Limit(1000, "slow: 1 s"), (Limit(2048, "machine of 2 GB"), Limit(4096, "machine of 4 GB"))
NONE, GOOD = Limit(0, "none may fail"), Limit(0.95, "good: .95")
RECALL = tuple(f"{level}: recall@{depth}" for level in LEVELS for depth in (10, 40))
SEARCHES = tuple(f"{level}: {how}" for level in LEVELS for how in ("Chroma", "numpy, all"))
STAGES = ("understand p50", "search p50", "read p50", "evidence p50", "compose p50", "bare model p50")
RATES = tuple(f"{stage}, passages a second" for stage in PLACES if stage != "embed")
AFTER = ("after the start", "after questions")
PLOTS = (
    Plot("ingest", "An edition is built: each stage by itself", "passages/s", RATES),
    Plot("ingest", "An edition is built: the whole, vectors looked up", "s", ("whole",)),
    Plot("search", "Nearest neighbours: time", "ms", SEARCHES, (Limit(50, "of an answer: 50 ms"),)),
    Plot("search", "Nearest neighbours: how many are found", "share", RECALL, (GOOD,), log=False),
    Plot("start", "The server starts", "s", ("listening", "ready", "first answer", "page"), (Limit(30, "slow: 30 s"),)),
    Plot("memory", "Memory of the server", "MB", AFTER, MACHINE, log=False),
    Plot("ask", "An answer, one asker", "ms", ("request p50", "request p95", "request p99", "bare model p50"), (SLOW,)),
    Plot("ask", "Its stages, median", "ms", STAGES),
    Plot("load", "Answers a second", "/s", ("answers a second",), by="askers", log=False),
    Plot("load", "Latency, median and p95", "ms", ("latency p50", "latency p95"), (SLOW,), by="askers"),
    Plot("load", "Failures", "requests", ("failures",), (NONE,), by="askers", log=False),
    Plot("publish", "A changed edition is published, and taken back", "s", ("published", "rolled back")),
    Plot("publish", "Answers meanwhile", "ms", ("answer p50", "answer p95", "slowest answer"), (SLOW,)),
    Plot("publish", "Failures meanwhile", "requests", ("failures",), (NONE,), log=False),
)


def lines(plot: Plot, results: Results) -> dict[str, dict[int, float]]:
    """The points of a plot by the label of their line."""
    if plot.by == "size":
        return {name: found for name in plot.names if (found := results.series(plot.measure, name))}
    several = {
        f"{name}, {size:,} passages": {
            one.askers: one.value
            for one in results.figures
            if (one.measure, one.name, one.size) == (plot.measure, name, size) and one.askers
        }
        for name in plot.names
        for size in results.facts["sizes"]
    }
    return {label: found for label, found in several.items() if found}


def svg(plot: Plot, results: Results) -> str:
    """The plot as SVG, "" where the run has none of its figures."""
    if not (found := lines(plot, results)):
        return ""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(6.8, 3.2), gridspec_kw=MARGINS)
        for label, points in found.items():
            axes.plot(list(points), list(points.values()), marker="o", markersize=3, linewidth=1.2, label=label)
        _bare(axes, plot, results)
        _limits(axes, plot.limits)
        _dress(axes, plot, sorted({at for points in found.values() for at in points}))
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata=PLAIN_SVG)
        plt.close(figure)
    return OUTSIDE.sub(f'<svg role="img" aria-label="{plot.title}" ', written.getvalue(), count=1)


def _limits(axes: Axes, limits: Sequence[Limit]) -> None:
    for limit in limits:
        axes.axhline(limit.value, color="#b00020", linestyle=":", linewidth=1)
        axes.annotate(
            limit.label, (1, limit.value), xycoords=("axes fraction", "data"), ha="right", va="bottom", color="#b00020"
        )


def _bare(axes: Axes, plot: Plot, results: Results) -> None:
    """The model beside a rate: nothing that embeds as much with it can be faster."""
    for measure, unit, name, label in MODEL:
        if (plot.measure, plot.unit) == (measure, unit):
            rates = [one.value for one in results.figures if (one.measure, one.name) == (measure, name)]
            _limits(axes, [Limit(min(rates), label)] if rates else [])


def _dress(axes: Axes, plot: Plot, places: Sequence[int]) -> None:
    axes.set_xscale("log")
    axes.set_xticks(places, [f"{at:,}" for at in places])
    axes.minorticks_off()
    axes.set_xlabel("passages" if plot.by == "size" else "askers at once")
    axes.set_ylabel(plot.unit)
    axes.set_yscale("log" if plot.log else "linear")
    if not plot.log:
        axes.set_ylim(0, max(axes.get_ylim()[1], 1.05))
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
