"""The page of a run: plots and tables, one file that asks no other host for anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

from tests.benchmarks import documents, known
from tests.benchmarks.plots import PLOTS, svg
from tests.benchmarks.records import Figure, Results

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(["jinja"]), trim_blocks=True
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: a figure at each size, and at each number of askers."""

    name: str
    unit: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plot with its caption."""

    title: str
    unit: str
    svg: str


@dataclass(frozen=True, slots=True)
class Part:
    """What the page shows of one measure."""

    name: str
    told: str
    plots: tuple[Drawn, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    seconds: str


def write_page(results: Results, file: Path) -> None:
    """Write the page."""
    page = TEMPLATES.get_template("report.html.jinja")
    made = [known.__doc__ or "", documents.__doc__ or ""]
    text = page.render(facts=results.facts, parts=list(parts(results)), made=made, seconds=results.seconds)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def parts(results: Results) -> Iterator[Part]:
    """The measures of a run, in its order."""
    for measure, told in results.notes.items():
        figures = [one for one in results.figures if one.measure == measure]
        spent = (f"{_seconds(results, size, measure):.0f} s" for size in results.facts["sizes"])
        drawn = (Drawn(plot.title, plot.unit, svg(plot, results)) for plot in PLOTS if plot.measure == measure)
        plots = tuple(plot for plot in drawn if plot.svg)
        columns = tuple(dict.fromkeys(_column(one) for one in sorted(figures, key=lambda one: one.size or 0)))
        yield Part(measure, told, plots, columns, tuple(_rows(figures, columns)), ", ".join(spent))


def _seconds(results: Results, size: int, measure: str) -> float:
    """What a measure took; the edition that every measure needs is counted with "ingest"."""
    names = ("build", measure) if measure == "ingest" else (measure,)
    return sum(results.seconds.get(f"{size}: {name}", 0) for name in names)


def _column(one: Figure) -> str:
    return (f"{one.size:,}" if one.size else "corpus") + (f" / {one.askers} askers" if one.askers else "")


def _rows(figures: list[Figure], columns: tuple[str, ...]) -> Iterator[Row]:
    for name, unit in dict.fromkeys((one.name, one.unit) for one in figures):
        found = {_column(one): one.value for one in figures if (one.name, one.unit) == (name, unit)}
        yield Row(name, unit, tuple(shown(found[column]) if column in found else "" for column in columns))


def shown(value: float) -> str:
    """A figure with three digits that count: 0.123, 1.23, 12.3, 1,234."""
    size = abs(value)
    digits = next((digits for bound, digits in ((1, 3), (10, 2), (100, 1)) if size < bound), 0)
    return f"{value:,.0f}" if value == int(value) else f"{value:,.{digits}f}"
