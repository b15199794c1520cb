"""How long an answer takes: POST /api/v1/ask on a running server, after warm-up, beside the bare embedder.

    .venv/bin/python -m tests.benchmarks.ask --url http://127.0.0.1:8000

Asks the questions of tests/quality/golden.jsonl one after the other and prints p50, p95 and p99 of the whole request and of
each stage, in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import httpx
from rich import box
from rich.console import Console
from rich.table import Table

QUESTIONS = Path(__file__).parents[1] / "quality" / "golden.jsonl"


def quantiles(values: list[float]) -> list[float]:
    """p50, p95, p99."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return [cuts[49], cuts[94], cuts[98]]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--warm-up", type=int, default=10)
    options = parser.parse_args()
    cases = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    bodies = [{"question": case["question"], "history": case["history"]} for case in cases]
    times: dict[str, list[float]] = {"request": []}
    with httpx.Client(base_url=options.url, timeout=60) as client:
        for body in bodies[: options.warm_up]:
            client.post("/api/v1/ask", json=body).raise_for_status()
        for body in bodies:
            began = time.perf_counter()
            answer = client.post("/api/v1/ask", json=body).raise_for_status().json()
            times["request"].append((time.perf_counter() - began) * 1000)
            for stage, spent in answer["timings_ms"].items():
                times.setdefault(stage, []).append(spent)
    table = Table("stage", "p50 ms", "p95 ms", "p99 ms", box=box.SIMPLE_HEAD)
    for stage, spent in times.items():
        table.add_row(stage, *(f"{value:.1f}" for value in quantiles(spent)))
    Console().print(table)


if __name__ == "__main__":
    main()
