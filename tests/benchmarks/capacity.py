"""The tables of docs/capacity.md, from a run of the benchmarks.

    python -m tests.benchmarks.capacity            prints them
    python -m tests.benchmarks.capacity --write    puts them into docs/capacity.md, between its two marks

What lies beyond the sizes measured is extrapolated: a line, and where a search in a graph is part of it also a logarithm,
fitted by least squares of relative errors. To add a figure, add a line to GROWTHS.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant.records import LEVELS
from tests.benchmarks.records import RESULTS, ROOT, Figure, Results, read_results
from tests.benchmarks.report import shown

PAGE = ROOT / "docs" / "capacity.md"
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
PRICE = 0.04  # euro for an hour of one core: assumed, about what a small rented machine costs
PATIENCE = 1000.0  # ms that 95 of 100 answers may take
FAR = (1_000_000, 100_000_000)
VECTOR = (
    384 * 4 + 2 * 16 * 4 + 100
)  # bytes: numbers, links of the lowest layer of the graph, ids and fields (estimated)
Curve = Callable[[np.ndarray], np.ndarray]
CURVES: dict[str, Curve] = {"line": lambda sizes: sizes, "logarithm": np.log}


@dataclass(frozen=True, slots=True)
class Growth:
    """A figure by size, how it is shown, and the curves that it is drawn out by."""

    label: str
    measure: str
    name: str
    unit: str
    curves: tuple[str, ...] = ("line",)


BOTH = ("logarithm", "line")
GROWTHS = (
    Growth("an answer, median", "ask", "request p50", "ms", BOTH),
    Growth("of it: before the search (which edition is served, names)", "ask", "understand p50", "ms", BOTH),
    Growth("of it: search", "ask", "search p50", "ms", BOTH),
    Growth("of it: reading", "ask", "read p50", "ms", BOTH),
    Growth("memory of a server, after questions", "memory", "after questions", "MB"),
    Growth("ready after a start", "start", "ready", "s"),
    Growth("an edition built, vectors known", "ingest", "whole", "s"),
    Growth("1 % changed, published", "publish", "published", "s"),
    Growth("slowest answer meanwhile", "publish", "slowest answer", "ms"),
)


def fitted(points: dict[int, float], curve: str, sizes: Sequence[int]) -> list[float]:
    """The values at `sizes` of a + b * curve(size) through the points; it never falls."""
    at, values = np.array(list(points), float), np.array(list(points.values()), float)
    bend = CURVES[curve]
    slope, start = np.polyfit(bend(at), values, 1, w=1 / np.maximum(values, 1e-9))
    return [float(start + max(slope, 0.0) * bend(np.array(size, float))) for size in sizes]


@dataclass(frozen=True, slots=True)
class Best:
    """The most answers a second that were given in time, and by how many askers."""

    rate: float
    askers: int
    p95: float


def best(results: Results, size: int) -> Best | None:
    """The best number of askers at a size: no failure, and 95 of 100 answers in time where there is such a number."""
    held = [one for one in results.figures if one.measure == "load" and one.size == size and one.askers]

    def by_askers(name: str) -> dict[int, float]:
        return {one.askers: one.value for one in held if one.name == name and one.askers}

    rates, slow, failed = map(by_askers, ("answers a second", "latency p95", "failures"))
    whole = [Best(rate, askers, slow[askers]) for askers, rate in rates.items() if not failed[askers]]
    in_time = [one for one in whole if one.p95 <= PATIENCE]
    return max(in_time or whole, key=lambda one: one.rate, default=None)


def tables(results: Results, price: float = PRICE) -> str:
    """All tables, in Markdown."""
    found = results.facts
    head = f"Measured {found['date'][:10]}, commit {found['commit'] or 'unknown'}: {found['processor']}, {found['cores']} cores."
    warning = "Taken with --quick: the figures mean nothing.\n\n" if found["quick"] else ""
    served = _table(("passages", *_SERVED), _served(results))
    cost = _table(("passages", "core-hours", "euro"), _cost(results, price))
    far = _table(("", "drawn out by", *(f"{size:,}" for size in FAR)), _far(results))
    return (
        f"{warning}{head}\n\n### What it serves\n\n{served}\n\n### What a million questions cost\n\n"
        f"At {price} euro for an hour of one core (assumed), the machine busy all the time:\n\n{cost}\n\n"
        f"### Extrapolated, not measured\n\n{far}\n"
    )


_SERVED = (
    "answers/s",
    "visitors at once",
    "askers",
    "p95 ms",
    "answers in 24 h",
    "memory MB",
    "ready s",
    "1 % changed, published s",
)


def _served(results: Results) -> Iterator[tuple[str, ...]]:
    for size in results.facts["sizes"]:
        if one := best(results, size):
            rest = (("memory", "after questions"), ("start", "ready"), ("publish", "published"))
            others = (_at(results, measure, name, size) for measure, name in rest)
            counted = (f"{one.rate * 60:,.0f}", str(one.askers), f"{one.p95:,.0f}", f"{one.rate * 86_400:,.0f}")
            yield f"{size:,}", shown(one.rate), *counted, *others


def _at(results: Results, measure: str, name: str, size: int) -> str:
    value = results.series(measure, name).get(size)
    return "" if value is None else shown(value)


def _cost(results: Results, price: float) -> Iterator[tuple[str, ...]]:
    for size in results.facts["sizes"]:
        if one := best(results, size):
            hours = results.facts["cores"] * 1_000_000 / one.rate / 3600
            yield f"{size:,}", shown(hours), f"{hours * price:,.2f}"


def _far(results: Results) -> Iterator[tuple[str, ...]]:
    for growth in GROWTHS:
        points = results.series(growth.measure, growth.name)
        if len(points) > 1:
            for curve in growth.curves:
                values = fitted(points, curve, FAR)
                yield f"{growth.label}, {growth.unit}", curve, *(_rough(value) for value in values)
    yield from _counted(results)


def _counted(results: Results) -> Iterator[tuple[str, ...]]:
    """What follows from counts: vectors, their memory, and the time to embed everything once on this machine."""
    sizes = results.series("ingest", "passages")
    if not sizes:
        return
    largest = max(sizes)
    vectors = sum(results.series("ingest", f"vectors of {level}").get(largest, 0) for level in LEVELS) / sizes[largest]
    counts = [size * vectors for size in FAR]
    yield f"vectors ({vectors:.1f} a passage)", "line", *(_rough(count) for count in counts)
    yield (
        f"memory of the vectors, GB ({VECTOR} bytes each)",
        "line",
        *(_rough(count * VECTOR / 1e9) for count in counts),
    )
    if rate := _first(results.figures, "texts embedded in the flow"):
        days = (_rough(count / rate / 86_400) for count in counts)
        yield "everything embedded once, days of this machine", "line", *days


def _first(figures: Sequence[Figure], name: str) -> float:
    return next((one.value for one in figures if one.name == name), 0.0)


def _rough(value: float) -> str:
    """Two digits that count: more would claim too much."""
    return f"{float(f'{value:.2g}'):,.10g}"


def _table(columns: Sequence[str], rows: Iterator[tuple[str, ...]]) -> str:
    lines = (f"| {' | '.join(row)} |" for row in (columns, ("---",) * len(columns), *rows))
    return "\n".join(lines)


def written(page: str, tables: str) -> str:
    """The page with these tables between its marks. Raises SystemExit where it has no marks."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"The page has no place for the tables. Write {BEGIN} and {END} where they belong.")
    return pattern.sub(lambda _: f"{BEGIN}\n\n{tables}\n{END}", page)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS, help="default: build/bench/results.json")
    parser.add_argument("--price", type=float, default=PRICE, help=f"euro for an hour of one core; default {PRICE}")
    parser.add_argument("--write", action="store_true", help="put them into docs/capacity.md")
    options = parser.parse_args(arguments)
    made = tables(read_results(options.results), options.price)
    if options.write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
    print(made)


if __name__ == "__main__":
    main()
