"""One answer at a time in each session of the page: a question asked meanwhile stops the answer before it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PATIENCE = 5  # seconds for a stopped answer to end


@dataclass(frozen=True)
class _Running:
    """An answer on its way: set `stop` to end it, it sets `over`."""

    stop: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)


class Turns:
    """The answers on their way, by session."""

    def __init__(self) -> None:
        self._running: dict[str, _Running] = {}

    @contextmanager
    def take(self, session: str) -> Iterator[threading.Event]:
        """What stops the answer that begins now; one that still runs is stopped first."""
        if before := self._running.get(session):
            before.stop.set()
            before.over.wait(PATIENCE)
        running = self._running[session] = _Running()
        try:
            yield running.stop
        finally:
            running.over.set()
            if self._running.get(session) is running:
                del self._running[session]

    def stop(self, session: str) -> None:
        """Stop the answer on its way, if any."""
        if running := self._running.get(session):
            running.stop.set()
