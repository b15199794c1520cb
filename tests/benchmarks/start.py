"""How long a server takes to start."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.records import Figure
from tests.benchmarks.stand import Stand


def start(stand: Stand) -> Iterator[Figure]:
    """`cluster-talks serve` over a built edition whose models are prepared: seconds from the start of the process until
    /healthz answers, until /readyz says 200, until the first question is answered, and until the chat page is there. One
    start each, to 0.1 s."""
    serving = stand.serving
    yield Figure("start", "listening", serving.listening, "s", stand.size)
    yield Figure("start", "ready", serving.ready, "s", stand.size)
    yield Figure("start", "first answer", serving.answered, "s", stand.size)
    yield Figure("start", "page", serving.page, "s", stand.size)
