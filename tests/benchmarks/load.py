"""What many askers at once get."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.benchmarks.questions import Body, together
from tests.benchmarks.records import Figure, percentiles
from tests.benchmarks.stand import Stand


def load(stand: Stand) -> Iterator[Figure]:
    """So many askers at once, each with its next question as soon as it has its answer, the rate limit off: answers a
    second, latency, failures (anything but 200, or nothing within 120 s). Beside it the model alone with a thread a
    core. The askers run on the same machine and take their share of it."""
    levels = [(askers, stand.questions(max(askers, stand.scale.requests))) for askers in stand.scale.askers]
    for number, (askers, asked) in enumerate(levels):
        stand.show("load", number, len(levels))
        with stand.client(askers) as client:
            began = time.perf_counter()
            replies = together(client, asked, askers)
            seconds = time.perf_counter() - began
        good = [reply.ms for reply in replies if not reply.failed]
        at = {"size": stand.size, "askers": askers}
        yield Figure("load", "answers a second", len(good) / seconds, "/s", **at)
        yield Figure("load", "failures", len(replies) - len(good), "requests", **at)
        yield Figure("load", "requests", len(replies), "requests", **at)
        yield from percentiles("load", "latency", good or [0.0], "ms", **at)
    yield Figure("load", "bare model", _bare(stand, levels[0][1]), "/s", stand.size)


def _bare(stand: Stand, asked: Sequence[Body]) -> float:
    """Questions a second that the model alone embeds, one thread each, one a core."""
    embedder = stand.embedder()
    embedder.embed_query("warm-up")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        began = time.perf_counter()
        list(pool.map(embedder.embed_query, (body["question"] for body in asked)))
        return len(asked) / (time.perf_counter() - began)
