"""How much memory the server holds."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.questions import together
from tests.benchmarks.records import Figure
from tests.benchmarks.stand import Stand, resident_mb

ASKERS = 2


def memory(stand: Stand) -> Iterator[Figure]:
    """Resident memory of the server process (all of it: models, indexes, page): at rest after the start, when it has
    read its passages beforehand, and after 200 different questions more."""
    process = stand.serving.server.process.pid
    yield Figure("memory", "after the start", resident_mb(process), "MB", stand.size)
    with stand.client(ASKERS) as client:
        together(client, stand.questions(stand.scale.memory), ASKERS)
    yield Figure("memory", "after questions", resident_mb(process), "MB", stand.size)
