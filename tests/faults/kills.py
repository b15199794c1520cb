"""A real server, killed with -9 at random moments of its work, again and again.

    python -m tests.faults.kills --kills 200 --seed 1

Each line of build/faults/kills.jsonl is a kill: what was under way, what had been acknowledged, how soon the server was
ready again, and what was wrong then. Exit status 1 where anything was.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from assistant.library import Library
from tests.cluster import free_port
from tests.conftest import ROOT, copy_small_corpus
from tests.faults.checks import wrong
from tests.faults.ledger import Ledger
from tests.faults.started import Home, Started, ready, register_quick, until
from tests.faults.work import OKAPI, PAGE, Site, working

RESULTS = ROOT / "build" / "faults" / "kills.jsonl"
LONGEST, START = 3.0, 1.5  # seconds of work, and of a start, in which a kill falls
AGAIN = 0.25  # share of the kills that are followed by one during the start


@dataclass(frozen=True)
class Moment:
    """When to kill: after so many seconds of work, with all that was started or alone; and then in the start, or not."""

    after: float
    group: bool
    start: float | None


@dataclass(frozen=True)
class Kill:
    """One kill and what came of it. `acknowledged` counts what was new since the kill before."""

    number: int
    moment: Moment
    under_way: dict[str, int]
    acknowledged: dict[str, int]
    ready_after: float
    wrong: list[str] = field(default_factory=list)


def moment(seed: int, number: int) -> Moment:
    """The same for the same numbers."""
    chance = random.Random(f"{seed}-{number}")
    again = chance.uniform(0, START) if chance.random() < AGAIN else None
    return Moment(chance.uniform(0.05, LONGEST), chance.random() < 0.5, again)


def kills(folder: Path, count: int, seed: int) -> Iterator[Kill]:
    """So many, each after the checks of the one before."""
    site = _site(folder, seed)
    server = _started(site, 180)
    site.ledger.note("served", site.count)
    try:
        for number in range(1, count + 1):
            at = moment(seed, number)
            under_way, acknowledged = _killed(site, server, at)
            began = time.monotonic()
            server = _started(site)
            yield Kill(number, at, under_way, acknowledged, round(time.monotonic() - began, 2), wrong(site))
    finally:
        server.kill(group=True)


def _started(site: Site, seconds: float = 60) -> Started:
    """The server, ready."""
    site.port = free_port()
    server = site.home.serve(site.port)
    ready(server, site.port, seconds)
    return server


def _site(folder: Path, seed: int) -> Site:
    """A home whose corpus has the page, and a key."""
    home, ledger = Home(folder), Ledger()
    copy_small_corpus(home.corpus)
    (home.corpus / PAGE).write_text(OKAPI.format(count=1), encoding="utf-8")
    home.data.mkdir(mode=0o700)
    ledger.note("page", 1)
    with closing(Library(home.settings().library_url)) as library:
        key = library.keys.create("the test", "maintainer")[1]
    return Site(home, ledger, random.Random(seed), key)


def _killed(site: Site, server: Started, at: Moment) -> tuple[dict[str, int], dict[str, int]]:
    """Work, kill, and perhaps kill again; what was under way and what had been acknowledged."""
    before = site.ledger.counts()
    with working(site):
        time.sleep(at.after)
        under_way = site.ledger.open()
        site.over.set()
        server.kill(group=at.group)
        if at.group:
            for command in site.commands:
                command.end()
    until(lambda: server.alone, 20, "A process that the server started runs on")
    if at.start is not None:
        starting = site.home.serve(free_port())
        time.sleep(at.start)
        starting.kill(group=at.group)
    return under_way, dict(site.ledger.counts() - before)


def summary(done: Iterable[Kill]) -> str:
    """Lines to read: how many, of what, and what was wrong."""
    done = list(done)
    total: Counter[str] = sum((Counter(kill.acknowledged) for kill in done), Counter())
    during: Counter[str] = Counter(kind for kill in done for kind in kill.under_way)
    slow = sorted(kill.ready_after for kill in done) or [0.0]
    lines = [
        f"{len(done)} kills, {sum(kill.moment.start is not None for kill in done)} of them with another in the start.",
        f"Under way when it fell: {_listed(during)}.",
        f"Acknowledged before: {_listed(total)}.",
        f"Ready again by itself: median {slow[len(slow) // 2]:.1f} s, worst {slow[-1]:.1f} s.",
        f"Wrong: {sum(len(kill.wrong) for kill in done)}.",
        *(f"  kill {kill.number}: {what}" for kill in done for what in kill.wrong),
    ]
    return "\n".join(lines)


def _listed(counted: Counter[str]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in sorted(counted.items())) or "nothing"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    register_quick()
    asked.results.parent.mkdir(parents=True, exist_ok=True)
    done: list[Kill] = []
    with tempfile.TemporaryDirectory() as folder, asked.results.open("w", encoding="utf-8") as out:
        for kill in kills(Path(folder), asked.kills, asked.seed):
            done.append(kill)
            print(json.dumps(asdict(kill)), file=out, flush=True)
            for what in kill.wrong:
                print(f"kill {kill.number}: {what}", file=sys.stderr, flush=True)
    print(summary(done))
    return int(any(kill.wrong for kill in done))


if __name__ == "__main__":
    sys.exit(main())
