"""What a soak showed, as JSON, as a plot and as the page `docs/soak.md`."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

from tests.benchmarks.plots import PLAIN_SVG, STYLE
from tests.benchmarks.report import shown
from tests.benchmarks.soak.held import floors, middles, slope
from tests.benchmarks.soak.run import SHARE, TIMES, Scale, Soak

BUSY = 503
FATES = {"answered": {200}, "told to come back": {BUSY}}
SKETCH = """# Load and soak

`python -m tests.benchmarks.soak --minutes {minutes:g} --docs`, {date}, {processor}, {cores} cores, {passages:,} passages; commit {commit}. The askers run on the same machine.

![Memory, answers and refusals over time](soak.svg)

| | |
|---|---|
{rows}

Memory is that of the server process. Its growth is the slope of a line through the minutes after the first {warm}, in which
models, caches and allocators fill, with the standard error that it would have if no minute hung on the one before; memory goes in
waves, so that the true one is larger. Every publication takes memory for a moment: the least of a minute
is what is held between two of them, and hangs on where between them it is looked at; the median does not, and is the one that
tells whether memory grows. The reader keeps the states of the passages of the edition, 40 kB each, of 2,048 at most.
"""


def warm_up(scale: Scale) -> int:
    """Minutes that are not counted: a third."""
    return round(scale.minutes / 3)


def rows(seen: Soak, scale: Scale) -> Iterator[tuple[str, str]]:
    """What was measured, and the figure."""
    first = warm_up(scale)
    good = [asked.ms for asked in seen.steady if asked.good]
    held = [one for one in seen.held if first <= one.at / 60 < int(scale.minutes)]
    yield "what the machine serves, 8 askers", f"{shown(seen.capacity)} answers a second"
    yield f"asked for {shown(scale.minutes)} minutes at {SHARE:.0%} of it", f"{len(seen.steady):,} questions"
    yield "failed", f"{len(seen.steady) - len(good):,}"
    yield (
        "answered within (p50 / p95 / slowest)",
        " / ".join(f"{_percentile(good, n):,.0f}" for n in (50, 95, 100)) + " ms",
    )
    yield "editions published meanwhile", f"{len(seen.published)}"
    yield "memory, after the warm-up and at the end", _span(floors(held, "memory"), "MB")
    yield "growth of the least of each minute", _growth(floors(held, "memory"))
    yield "growth of the median of each minute", _growth(middles(held, "memory"))
    yield "open files, after the warm-up and at the end", _span(floors(held, "files"), "")
    yield "threads, after the warm-up and at the end", _span(floors(held, "threads"), "")
    yield from _overload(seen, scale)


def _percentile(values: Sequence[float], share: int) -> float:
    return float(np.percentile(values or [0.0], share))


def _growth(points: dict[int, float]) -> str:
    growth, error = slope(points)
    return f"{growth:+.1f} ± {error:.1f} MB an hour"


def _span(points: dict[int, float], unit: str) -> str:
    values = list(points.values()) or [0.0]
    return f"{values[0]:,.0f} and {values[-1]:,.0f} {unit}".strip()


def _overload(seen: Soak, scale: Scale) -> Iterator[tuple[str, str]]:
    good = [asked for asked in seen.overload if asked.good]
    refused = [asked for asked in seen.overload if asked.status == BUSY]
    others = len(seen.overload) - len(good) - len(refused)
    yield f"then {TIMES} times what it serves for {shown(scale.overload)} s", f"{len(seen.overload):,} questions"
    yield "answered", f"{len(good):,}, p95 {_percentile([one.ms for one in good], 95) / 1000:.1f} s"
    said = sum(1 for one in refused if one.retry)
    quick = _percentile([one.ms for one in refused], 50)
    yield "told to come back (503), with Retry-After", f"{len(refused):,} and {said:,}, half within {quick:,.0f} ms"
    yield "anything else", f"{others:,}"
    yield "as fast as before again after", f"{seen.recovered:.1f} s"


def write(seen: Soak, scale: Scale, facts: dict[str, Any], passages: int, folder: Path) -> None:
    """The JSON and the plot."""
    folder.mkdir(parents=True, exist_ok=True)
    held = {"facts": facts, "scale": asdict(scale), "passages": passages, **asdict(seen)}
    (folder / "soak.json").write_text(json.dumps(held) + "\n", encoding="utf-8")
    (folder / "soak.svg").write_text(svg(seen), encoding="utf-8")


def page(seen: Soak, scale: Scale, facts: dict[str, Any], passages: int) -> str:
    """`docs/soak.md`."""
    lines = "\n".join(f"| {name} | {figure} |" for name, figure in rows(seen, scale))
    told = {name: facts[name] for name in ("processor", "cores", "commit")}
    return SKETCH.format(
        date=facts["date"][:10], passages=passages, minutes=scale.minutes, rows=lines, warm=warm_up(scale), **told
    )


def svg(seen: Soak) -> str:
    """Three plots over time: memory with the publications, latency by minute, and the fate of the overload's questions."""
    with plt.rc_context(STYLE):
        figure, (memory, latency, crowd) = plt.subplots(3, 1, figsize=(8, 7.5), layout="constrained")
        memory.plot([held.at / 60 for held in seen.held], [held.memory for held in seen.held], linewidth=0.9)
        for number, at in enumerate(seen.published):
            memory.axvline(at / 60, color="#bbbbbb", linewidth=0.5, label=None if number else "published")
        memory.set(ylabel="memory, MB", ylim=(0, None), xlabel="minute")
        minutes = range(int(max((asked.at for asked in seen.steady), default=0) // 60) + 1)
        by_minute = [[a.ms for a in seen.steady if a.good and int(a.at // 60) == minute] for minute in minutes]
        for share in (50, 95, 100):
            latency.plot(minutes, [_percentile(ms, share) for ms in by_minute], label=f"p{share}", linewidth=0.9)
        latency.set(ylabel="an answer, ms", yscale="log", xlabel="minute")
        seconds = range(int(max((asked.at for asked in seen.overload), default=0)) + 1)
        for label, statuses in FATES.items():
            fates = Counter(int(asked.at) for asked in seen.overload if asked.status in statuses)
            crowd.plot(seconds, [fates[second] for second in seconds], label=label)
        crowd.set(ylabel="questions sent in a second", xlabel="second of the overload", ylim=(0, None))
        for axes in (memory, latency, crowd):
            axes.legend(frameon=False, fontsize=7)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata=PLAIN_SVG)
        plt.close(figure)
    return written.getvalue()
