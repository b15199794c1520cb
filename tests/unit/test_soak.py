"""What a soak is said to have shown."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest

from tests.benchmarks.soak.held import Sample, floors, slope
from tests.benchmarks.soak.rate import Asked
from tests.benchmarks.soak.run import Scale, Soak
from tests.benchmarks.soak.told import page, rows, svg

SCALE = Scale(minutes=9, publish=60, overload=2, capacity=1)
FACTS = {"date": "2026-11-01T00:00:00", "commit": "abc", "processor": "x", "cores": 2}


@pytest.fixture
def seen() -> Soak:
    """Nine minutes, in which memory grows by 2 MB a minute once it is warm, and a publication takes 50 for a moment."""
    held = [
        Sample(float(second), 700 + 2 * (second // 60) + (50 if second % 60 < 10 else 0), 40, 20)
        for second in range(0, 540, 2)
    ]
    steady = [Asked(float(second), 100.0, 200 if second else 503, 0) for second in range(540)]
    crowd = [Asked(0.1, 900.0, 200), Asked(0.2, 30.0, 503, 10), Asked(0.3, 10.0, 503), Asked(0.4, 5.0, 0)]
    return Soak(10.0, steady, held, [60.0, 120.0], crowd, 7.5)


def test_the_least_of_each_minute_is_what_grows(seen: Soak) -> None:
    assert floors(seen.held, "memory") == {minute: 700 + 2 * minute for minute in range(9)}
    assert slope(floors(seen.held, "memory")) == pytest.approx((120, 0), abs=1e-6)
    growth, error = slope({0: 1.0, 1: 3.0, 2: 1.0, 3: 3.0})
    assert growth == pytest.approx(24)
    assert error > abs(growth)
    assert slope({0: 1.0, 1: 3.0}) == (0.0, math.inf)


def test_what_failed_and_what_was_told_to_come_back_is_counted(seen: Soak) -> None:
    told = dict(rows(seen, SCALE))
    assert told["failed"] == "1"
    assert told["growth of the least of each minute"] == "+120.0 ± 0.0 MB an hour"
    assert told["growth of the median of each minute"] == "+120.0 ± 0.0 MB an hour"
    assert told["told to come back (503), with Retry-After"] == "2 and 1, half within 20 ms"
    assert told["anything else"] == "1"


def test_the_page_has_a_line_for_each_figure_and_the_plot_is_whole(seen: Soak) -> None:
    text = page(seen, SCALE, FACTS, 1000)
    assert all(f"| {name} | {figure} |" in text for name, figure in rows(seen, SCALE))
    assert ElementTree.fromstring(svg(seen)).tag.endswith("svg")
