"""The phases of a soak: what the machine serves, steady load with publications, too much, and what is left of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle

import numpy as np

from tests.benchmarks.meanwhile import meanwhile
from tests.benchmarks.publish import lengthened, publish_changes
from tests.benchmarks.questions import PATIENCE, post, together
from tests.benchmarks.soak.held import Sample, watched
from tests.benchmarks.soak.rate import Asked, at_rate
from tests.benchmarks.stand import Stand

ASKERS = 8  # who find out what the machine serves
SHARE = 0.7  # of that, asked for all the while
TIMES = 10  # as much, in the end
IN_A_ROW = 3  # answers as fast as 95 of 100 before, from which on it has recovered
LEAST = 120  # different questions; each pass over them finds what the one before has left in memory


@dataclass(frozen=True, slots=True)
class Scale:
    """Minutes of steady load, seconds between two publications, seconds of too much, seconds of finding the capacity."""

    minutes: float = 30
    publish: float = 60
    overload: float = 60
    capacity: float = 20


@dataclass
class Soak:
    """What was seen. `published`: when each edition was served, seconds from the start; `recovered`: seconds after the
    overload until questions were answered as fast as 95 of 100 before."""

    capacity: float = 0.0  # answers a second
    steady: list[Asked] = field(default_factory=list)
    held: list[Sample] = field(default_factory=list)
    published: list[float] = field(default_factory=list)
    overload: list[Asked] = field(default_factory=list)
    recovered: float = 0.0


def soak(stand: Stand, scale: Scale) -> Soak:
    """All phases, one after the other, on one server."""
    seen = Soak(capacity=_capacity(stand, scale.capacity))
    server, key = stand.serving.server, stand.maintainer()
    bodies = cycle(stand.questions(max(LEAST, stand.scale.answers)))
    stand.show("steady load", 0, 1)
    with watched(server.process.pid) as seen.held, _publishing(stand, key, scale.publish) as seen.published:
        seen.steady = at_rate(server.address, bodies, SHARE * seen.capacity, 60 * scale.minutes, key)
    stand.show("too much", 0, 1)
    seen.overload = at_rate(server.address, bodies, TIMES * seen.capacity, scale.overload, key)
    seen.recovered = _recovered(stand, scale.overload, seen)
    return seen


def _capacity(stand: Stand, seconds: float) -> float:
    """Answers a second to ASKERS who ask all the time."""
    with stand.client(ASKERS) as client:
        together(client, asked := stand.questions(ASKERS * 4), ASKERS)
        began, rounds = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            together(client, asked, ASKERS)
            rounds += 1
        return rounds * len(asked) / (time.perf_counter() - began)


@contextmanager
def _publishing(stand: Stand, key: dict[str, str], every: float) -> Iterator[list[float]]:
    """When editions were published: one document has another sentence every so many seconds, until the block ends."""
    published: list[float] = []
    began = time.perf_counter()
    page = min(stand.settings.corpus.rglob("*.md"))
    text = page.read_text(encoding="utf-8")

    def publish(over: threading.Event) -> None:
        with stand.client() as client:
            while not over.wait(every - (time.perf_counter() - began) % every):
                page.write_text(lengthened(text, f"Sentence number {len(published)}."), encoding="utf-8")
                publish_changes(client, key, stand)
                published.append(time.perf_counter() - began)

    with meanwhile(publish):
        yield published


def _recovered(stand: Stand, sent_for: float, seen: Soak) -> float:
    """Seconds from the last question of the overload until IN_A_ROW are answered as before, infinite where that takes
    longer than PATIENCE. The replies are all there."""
    usual = np.percentile([asked.ms for asked in seen.steady if asked.good] or [0.0], 95)
    last = max((asked.at + asked.ms / 1000 for asked in seen.overload), default=sent_for)
    began, fast = time.perf_counter(), 0
    with stand.client() as client:
        for body in cycle(stand.questions(LEAST)):
            reply = post(client, body)
            fast = fast + 1 if reply.ms <= usual and not reply.failed else 0
            if fast == IN_A_ROW:
                return max(0.0, last - sent_for) + time.perf_counter() - began
            if time.perf_counter() - began > PATIENCE:
                break
    return float("inf")
