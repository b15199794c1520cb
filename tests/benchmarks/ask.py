"""How long an answer takes, and what of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from statistics import median

from tests.benchmarks.questions import Body, post
from tests.benchmarks.records import Figure, percentiles
from tests.benchmarks.stand import Stand

WARM_UP, AGAIN = 10, 20  # questions


def ask(stand: Stand) -> Iterator[Figure]:
    """POST /api/v1/ask by one asker, questions that all differ (tests/quality/golden.jsonl), and of each stage as the
    answer tells it (`timings_ms`); beside it the model alone on the same questions. No answer comes from a cache: none is
    kept for a second asker. "asked again" is the time of the same questions a second time. What the server keeps at hand
    is its work on 2,048 passages, whatever the question: it is faster where others asked about the same passages."""
    asked = stand.questions(stand.scale.answers)
    with stand.client() as client:
        for body in asked[:WARM_UP]:
            post(client, body)
        times: dict[str, list[float]] = {"request": []}
        for number, body in enumerate(asked):
            stand.show("ask", number, len(asked))
            reply = post(client, body)
            times["request"].append(reply.ms)
            for stage, ms in reply.answer.get("timings_ms", {}).items():
                times.setdefault(stage, []).append(ms)
        again = [post(client, body).ms for body in asked[:AGAIN]]
    times["bare model"] = bare_ms(stand, asked)
    for name, spent in times.items():
        yield from percentiles("ask", name, spent, "ms", size=stand.size)
    yield Figure("ask", "request / bare model", median(times["request"]) / median(times["bare model"]), "×", stand.size)
    yield Figure("ask", "asked again / first", median(again) / median(times["request"][:AGAIN]), "×", stand.size)


def bare_ms(stand: Stand, asked: Sequence[Body]) -> list[float]:
    """Milliseconds of the model alone for each question, on one thread, as in the server."""
    embedder = stand.embedder()
    embedder.embed_query("warm-up")
    spent = []
    for body in asked:
        began = time.perf_counter()
        embedder.embed_query(body["question"])
        spent.append((time.perf_counter() - began) * 1000)
    return spent
