"""All benchmarks: every measure at every size, in the order of the table MEASURES.

To add a measure: write a file with one function that takes a Stand and yields figures; its docstring is what the page
says of them. Add a line to MEASURES, and plots to PLOTS in plots.py. What opens the vectors itself stands before
"start": from there on the server owns them.
"""

from __future__ import annotations

import inspect
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tests.benchmarks.ask import ask
from tests.benchmarks.ingest import ingest, with_the_model
from tests.benchmarks.load import load
from tests.benchmarks.memory import memory
from tests.benchmarks.publish import publish
from tests.benchmarks.records import FOLDER, QUICK, ROOT, Figure, Results, Scale, facts
from tests.benchmarks.search import search
from tests.benchmarks.stand import Seed, Show, Stand
from tests.benchmarks.start import start

Measure = Callable[[Stand], Iterable[Figure]]
MEASURES: dict[str, Measure] = {
    "ingest": ingest,
    "search": search,
    "start": start,
    "memory": memory,
    "ask": ask,
    "load": load,
    "publish": publish,
}
SIZES, QUICK_SIZES = (100, 1_000, 10_000), (12,)
CORPUS = ROOT / "corpus"
QUICK_DOCUMENTS = ("projects/inprocap.md", "projects/cherries.md")


def run(sizes: Sequence[int], only: Sequence[str], quick: bool, show: Show) -> Results:
    """The figures of the measures `only`, all where it is empty."""
    chosen = [name for name in MEASURES if not only or name in only]
    results = Results(facts(sizes, quick), notes={name: inspect.getdoc(MEASURES[name]) or "" for name in chosen})
    folder = FOLDER / ("quick" if quick else "stands")
    began = time.perf_counter()
    corpus = _quick_corpus(folder / "corpus") if quick else CORPUS
    seed = Seed(folder / "seed", corpus, "ingest" in chosen or quick, show)
    results.seconds["seed"] = round(time.perf_counter() - began, 1)
    scale = QUICK if quick else Scale()
    if "ingest" in chosen:
        results.figures += with_the_model(seed, scale.every)
    for size in sizes:
        _measure(size, chosen, Stand(size, seed, scale, show), results)
    return results


def _quick_corpus(folder: Path) -> Path:
    for uri in QUICK_DOCUMENTS:
        (folder / uri).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CORPUS / uri, folder / uri)
    return folder


def _measure(size: int, chosen: Sequence[str], stand: Stand, results: Results) -> None:
    began = time.perf_counter()
    with stand:
        for name in ("build", *chosen):
            results.figures += MEASURES[name](stand) if name in MEASURES else ()
            results.seconds[f"{size}: {name}"] = round(time.perf_counter() - began, 1)
            began = time.perf_counter()
