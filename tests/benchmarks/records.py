"""What the benchmarks measure and write: figures, how much is asked, and the machine they were taken on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import quantiles
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "bench"
RESULTS = FOLDER / "results.json"
LIBRARIES = ("chromadb", "fastapi", "gradio", "numpy", "onnxruntime", "tantivy", "uvicorn")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: `size` is the number of passages that was wanted, None where it is the real corpus, `askers` how many asked at once, where it matters."""

    measure: str
    name: str
    value: float
    unit: str
    size: int | None = None
    askers: int | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is done: questions that are timed, questions asked before the memory is read again, numbers of askers,
    requests of each of those at least, questions of the bare search; every n-th batch goes through the bare model again."""

    answers: int = 160
    memory: int = 200
    askers: tuple[int, ...] = (1, 8, 32, 128)
    requests: int = 48
    searches: int = 60
    every: int = 8


QUICK = Scale(answers=6, memory=6, askers=(1, 4), requests=6, searches=5, every=1)


@dataclass
class Results:
    """Everything of one run. `seconds`: what each measure took at each size; `notes`: what its figures do not say."""

    facts: dict[str, Any]
    figures: list[Figure] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def write(self, file: Path) -> None:
        """Write the run as JSON."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def series(self, measure: str, name: str, by: str = "size") -> dict[int, float]:
        """A figure by size, or by number of askers, in order."""
        found = {getattr(one, by): one.value for one in self.figures if (one.measure, one.name) == (measure, name)}
        return {at: found[at] for at in sorted(at for at in found if at is not None)}


def read_results(file: Path) -> Results:
    """A run that was written. Raises SystemExit where there is none."""
    if not file.is_file():
        raise SystemExit(f"There are no results at {file}. Run `make bench` first.")
    held = json.loads(file.read_text(encoding="utf-8"))
    return Results(held["facts"], [Figure(**one) for one in held["figures"]], held["seconds"], held["notes"])


def percentiles(measure: str, name: str, values: Sequence[float], unit: str, **at: int) -> list[Figure]:
    """p50, p95 and p99 of some values."""
    cuts = quantiles(values, n=100, method="inclusive") if len(values) > 1 else [*values] * 99
    return [Figure(measure, f"{name} p{share}", cuts[share - 1], unit, **at) for share in (50, 95, 99)]


def facts(sizes: Iterable[int], quick: bool) -> dict[str, Any]:
    """The date, the commit, the machine and the versions that figures belong to."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "--short", "HEAD"),
        "changed since the commit": bool(_git("status", "--porcelain")),
        "sizes": list(sizes),
        "quick": quick,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory MB": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "system": f"{platform.system()} {platform.machine()}",
        "load before": round(os.getloadavg()[0], 2),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
