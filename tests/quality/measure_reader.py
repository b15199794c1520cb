"""What the shipped reader can do, on questions that it never learnt from.

    .venv/bin/python -m tests.quality.measure_reader [--squad squad.jsonl.gz] [--part dev]

Prints AUROC and the share of right first sentences by language, the calibration of its probability, and what it costs. Without `--squad` only the questions
written for passages of our own corpus that were held aside (`assistant/reader/data/aside.jsonl`) are asked.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize_scalar

from assistant.reader import Text
from assistant.reader.bundled import MODEL, BundledReader
from assistant.reader.corpus import read_passages, read_twins, read_written
from assistant.reader.examples import Example
from assistant.reader.figures import figures_of
from assistant.reader.squad import read_squad

DATA = Path(__file__).parents[2] / "assistant" / "reader" / "data"
WINDOW = 110  # words of a paragraph that are read together
BINS = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
RUNS = 30


def windows(example: Example) -> Iterator[Text]:
    """The passage in pieces of about WINDOW words."""
    part: list[str] = []
    for sentence in example.sentences:
        if part and sum(len(text.split()) for text in (*part, sentence)) > WINDOW:
            yield Text(example.heading, tuple(part))
            part = []
        part.append(sentence)
    yield Text(example.heading, tuple(part))


def logits_of(reader: BundledReader, examples: Sequence[Example]) -> list[np.ndarray]:
    """Logit of every sentence of every example."""
    read = [reader.read(example.question, list(windows(example))) for example in examples]
    return [np.clip([value for reading in part for value in reading.units], -20, 20) for part in read]


def answers_of(logits: np.ndarray, scale: float = 1.0) -> float:
    """Probability that a sentence answers, from their logits."""
    total = np.exp(logits * scale).sum()
    return float(total / (1 + total))


def best_scale(examples: Sequence[Example], logits: Sequence[np.ndarray]) -> float:
    """What the logits have to be multiplied with for the best probabilities (temperature scaling, Guo et al. 2017)."""
    answered = np.array([bool(example.answers) for example in examples])

    def loss(scale: float) -> float:
        chance = np.clip([answers_of(row, scale) for row in logits], 1e-6, 1 - 1e-6)
        return -float(np.log(np.where(answered, chance, 1 - chance)).mean())

    return float(minimize_scalar(loss, bounds=(0.2, 3), method="bounded").x)


def print_figures(name: str, examples: Sequence[Example], logits: Sequence[np.ndarray], console: Console) -> None:
    """AUROC by language of the question."""
    table = Table(name, "questions", "near", "other", "passage", "first", box=box.SIMPLE_HEAD)
    for language in sorted({example.language for example in examples}):
        kept = [n for n, example in enumerate(examples) if example.language == language]
        figures = figures_of([examples[n] for n in kept], [logits[n] for n in kept])
        table.add_row(language, str(len(kept)), *(f"{value:.3f}" for value in figures.values()))
    console.print(table)


def print_calibration(examples: Sequence[Example], logits: Sequence[np.ndarray], console: Console) -> None:
    """Of the passages said to answer with a probability, the share that does."""
    said = np.array([answers_of(row) for row in logits])
    right = np.array([bool(example.answers) for example in examples])
    table = Table("said", "questions", "answered", box=box.SIMPLE_HEAD)
    for low, high in pairwise(BINS):
        kept = (said >= low) & (said < high)
        if kept.any():
            table.add_row(f"{low}–{high}", str(kept.sum()), f"{right[kept].mean():.2f}")
    console.print(table)


def print_cost(reader: BundledReader, passages: Sequence[Text], console: Console) -> None:
    """Milliseconds for eight passages on one thread, never read before and read before."""
    cold, warm = [], []
    for number in range(RUNS):
        eight = passages[number * 8 : number * 8 + 8]
        for times, question in ((cold, "Who owns the results?"), (warm, "When does it start?")):
            began = time.perf_counter()
            reader.read(question, eight)
            times.append((time.perf_counter() - began) * 1000)
    size = (MODEL / "reader.onnx").stat().st_size / 1e6
    console.print(
        f"8 passages: {statistics.median(cold):.0f} ms new, {statistics.median(warm):.0f} ms read before; {size:.1f} MB"
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--squad", type=Path)
    parser.add_argument("--part", default="test", choices=("dev", "test"))
    options = parser.parse_args()
    console = Console()
    reader = BundledReader(Path(tempfile.gettempdir()) / "reader-models", threads=1)
    passages = read_passages(DATA / "passages.jsonl.gz")
    sets = {
        "aside": read_written([DATA / "aside.jsonl"], passages),
        "twins": read_twins(DATA / "twins.jsonl.gz", "aside"),
    }
    if options.squad:
        sets[options.part] = read_squad(options.squad, {})[options.part]
    for name, examples in sets.items():
        logits = logits_of(reader, examples)
        print_figures(name, examples, logits, console)
        print_calibration(examples, logits, console)
        console.print(f"best further scale: {best_scale(examples, logits):.2f}")
    print_cost(reader, [Text(p.heading, p.units) for p in passages], console)
    console.print(json.loads((MODEL / "reader.json").read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
