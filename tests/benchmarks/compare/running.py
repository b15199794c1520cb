"""Makes the environment of a system, runs its adapter in it, keeps what it answered and what was measured."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import venv
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from tests.benchmarks.compare.documents import SETS
from tests.benchmarks.compare.systems import HERE, WORK, System

PROJECT = "cluster-talks-assistant"
TIMED = SETS[0]  # the set that speed is measured on
WARM_UP = 10
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
SILENT = {"ANONYMIZED_TELEMETRY": "False", "HAYSTACK_TELEMETRY_ENABLED": "False"}


@dataclass(frozen=True)
class Speed:
    """What was measured: seconds from the start of the program until it can be asked, milliseconds a question, MB."""

    index_seconds: float
    p50_ms: float
    p95_ms: float
    resident_mb: float
    install_mb: float


def environment(system: System) -> Path:
    """The Python of a system; made, or made anew, when there is none that has its requirements."""
    if not system.pins:
        return Path(sys.executable)
    home = WORK / "environments" / str(system.requirements)
    python, mark, wanted = home / "bin" / "python", home / "installed.txt", system.pins.read_text(encoding="utf-8")
    if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
        venv.create(home, clear=True, with_pip=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(system.pins)]
        subprocess.run([str(python), *install], check=True)
        mark.write_text(wanted, encoding="utf-8")
    return python.absolute()


def run(
    name: str, system: System, documents: list[dict[str, str]], questions: list[dict[str, Any]], keep: bool
) -> None:
    """Ask a system and keep its speed, with `keep` also its answers. Raises CalledProcessError when it breaks."""
    folder, python = WORK / name, environment(system)
    folder.mkdir(parents=True, exist_ok=True)
    task, answers = folder / "task.json", folder / ("answers.jsonl" if keep else "speed.jsonl")
    asks = {"documents": documents, "questions": questions, "options": dict(system.options), "warm_up": WARM_UP}
    task.write_text(json.dumps(asks), encoding="utf-8")
    command = (python, HERE / "adapters" / "exchange.py", system.adapter, task, answers)
    subprocess.run([*map(str, command)], check=True, env={**os.environ, **OFFLINE, **SILENT})
    *replies, last = read_lines(answers)
    speed = _speed(
        last["measured"],
        [reply["ms"] for reply in replies if reply["id"].startswith(f"{TIMED}/")],
        install_mb(python, system),
    )
    (folder / "speed.json").write_text(json.dumps(asdict(speed)), encoding="utf-8")


def read_lines(file: Path) -> list[dict[str, Any]]:
    """The objects of a file that has one a line."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _speed(measured: dict[str, float], spent: list[float], installed: float) -> Speed:
    cuts = statistics.quantiles(spent, n=100, method="inclusive")
    return Speed(measured["index_seconds"], cuts[49], cuts[94], measured["resident_mb"], installed)


def install_mb(python: Path, system: System) -> float:
    """What was installed for it, without Python and pip."""
    if not system.pins:
        return sum(map(_size, needed(PROJECT))) / 1e6
    packages = next(python.parent.parent.glob("lib/python*/site-packages"))
    own = (folder for folder in packages.iterdir() if not re.match(r"(pip|setuptools)\b", folder.name))
    return sum(file.stat().st_size for folder in own for file in (folder, *folder.rglob("*")) if file.is_file()) / 1e6


def needed(name: str) -> Iterable[Distribution]:
    """A package and what it requires, without extras that nobody asks for."""
    found: dict[str, Distribution] = {}
    waiting: list[tuple[str, frozenset[str]]] = [(name, frozenset())]
    seen = set(waiting)
    while waiting:
        wanted, extras = waiting.pop()
        try:
            package = found.setdefault(_plain(wanted), distribution(wanted))
        except PackageNotFoundError:
            continue
        more = {(r.name, frozenset(r.extras)) for r in map(Requirement, package.requires or ()) if _applies(r, extras)}
        waiting += more - seen
        seen |= more
    return found.values()


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in (*extras, ""))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _size(package: Distribution) -> int:
    files = (Path(str(file.locate())) for file in package.files or ())
    return sum(file.stat().st_size for file in files if file.is_file())
