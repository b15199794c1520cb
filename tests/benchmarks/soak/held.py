"""What a process holds over time: memory, open files, threads."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks.meanwhile import meanwhile
from tests.benchmarks.stand import resident_mb

EVERY = 2.0  # seconds
LEAST = 4  # points that a line with an error takes


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process held `at` seconds after the start."""

    at: float
    memory: float  # MB, resident
    files: int
    threads: int


@contextmanager
def watched(process: int) -> Iterator[list[Sample]]:
    """What the process holds, looked at every EVERY seconds until the block ends."""
    seen: list[Sample] = []
    began = time.perf_counter()

    def look(over: threading.Event) -> None:
        own = Path(f"/proc/{process}")
        while not over.wait(EVERY):
            files, threads = (len(list((own / part).iterdir())) for part in ("fd", "task"))
            seen.append(Sample(time.perf_counter() - began, resident_mb(process), files, threads))

    with meanwhile(look):
        yield seen


def floors(seen: Sequence[Sample], name: str) -> dict[int, float]:
    """The least of each whole minute: between two publications, each of which takes memory for a moment."""
    return {minute: min(values) for minute, values in _minutes(seen, name).items()}


def middles(seen: Sequence[Sample], name: str) -> dict[int, float]:
    """The median of each whole minute, which hangs on no single moment."""
    return {minute: float(np.median(values)) for minute, values in _minutes(seen, name).items()}


def _minutes(seen: Sequence[Sample], name: str) -> dict[int, list[float]]:
    minutes: dict[int, list[float]] = defaultdict(list)
    for held in seen:
        minutes[int(held.at // 60)].append(float(getattr(held, name)))
    return minutes


def slope(points: dict[int, float]) -> tuple[float, float]:
    """Growth an hour of values by minute, and its standard error: the line with the least squares; the error of fewer
    than four points is infinite."""
    if len(points) < LEAST:
        return 0.0, float("inf")
    (growth, _), covariance = np.polyfit(list(points), list(points.values()), 1, cov=True)
    return 60 * float(growth), 60 * float(np.sqrt(covariance[0][0]))
