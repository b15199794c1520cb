"""The questions that the benchmarks ask, and how they ask them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx

FOLDER = Path(__file__).parents[1] / "quality"
GOLDEN = FOLDER / "golden.jsonl"
FILES = (GOLDEN, FOLDER / "ours.jsonl")
PATIENCE = 120  # seconds that one request may take before it counts as failed
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one request: its milliseconds, its status (0: none came), and the answer where there is one."""

    ms: float
    status: int
    answer: dict[str, Any]

    @property
    def failed(self) -> bool:
        """Whether no answer came."""
        return self.status != httpx.codes.OK


def bodies(count: int) -> list[Body]:
    """`count` requests, all different as long as the files have so many questions."""
    return list(islice(cycle(_written()), count))


def _written() -> Iterator[Body]:
    for file in FILES:
        for line in file.read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            yield {"question": case["question"], "history": case["history"]}


def post(client: httpx.Client, body: Body) -> Reply:
    """One question over HTTP."""
    began = time.perf_counter()
    try:
        response = client.post("/api/v1/ask", json=body)
        status, answer = response.status_code, response.json()
    except (httpx.HTTPError, ValueError):
        status, answer = 0, {}
    return Reply((time.perf_counter() - began) * 1000, status, answer)


def together(client: httpx.Client, asked: Sequence[Body], askers: int) -> list[Reply]:
    """Questions that so many askers share: each sends its next one when it has its answer."""
    with ThreadPoolExecutor(askers) as pool:
        return list(pool.map(lambda body: post(client, body), asked))
