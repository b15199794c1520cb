"""Ingest runs inside the server, one at a time: asked for by the command line or the API, told in the library.

At the start and once a day it also deletes the questions, feedback and answers that have been kept long enough, and the
sessions that are over; each minute the oldest answers beyond what may be kept, and what an erasure had to leave in the
journal. A run's `asked` is {"do": one of ACTIONS, …}; a run that the server was killed in is done again
after its start, and so is one that the server was stopped in.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from assistant.ask import Assistant
from assistant.away import Away
from assistant.errors import ClusterTalksError
from assistant.library import Library
from assistant.memory import give_back
from assistant.progress import Progress
from assistant.settings import Settings
from assistant.wiring import Stores, plugin

LOOK_SECONDS = 0.3
TRIM_SECONDS = 60.0
NOTE_SECONDS = 0.2  # between two notes of progress, each a write


@dataclass(frozen=True)
class Runner:
    """Does the requested runs of the data folder that this process owns; `apart`: with a process for each edition."""

    settings: Settings
    stores: Stores
    assistant: Callable[[], Assistant]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    stopping: Callable[[], bool] = lambda: False  # whether to break off
    ended: Callable[[str], None] = lambda status: None  # hears how each run ended
    apart: bool = False

    def start(self) -> threading.Thread:
        """Look for requested runs in the background from now on; the thread ends soon after `stopping`."""
        self.stores.library.runs.resume()
        thread = threading.Thread(target=self._look, name="runs", daemon=True)
        thread.start()
        return thread

    def _look(self) -> None:
        tidied: date | None = None
        trimmed: float | None = None
        while not self.stopping():
            try:
                tidied, trimmed = self.tidy(tidied), self.trim(trimmed)
                if run := self.stores.library.runs.claim():
                    self.do(run["id"], run["asked"])
                    continue
            except Away:  # it is looked again, and said elsewhere
                pass
            except Exception:
                logging.getLogger(__name__).exception("Runs cannot be looked for")
            time.sleep(LOOK_SECONDS)

    def tidy(self, last: date | None = None) -> date:
        """Today, when what is older than the settings KEEP_DAYS and KEEP_ANSWERS and what is over has been deleted,
        unless that was done today: `last`."""
        now, library = self.clock(), self.stores.library
        if now.date() != last:
            before = (now - timedelta(days=self.settings.keep_days)).isoformat(timespec="seconds")
            library.feedback.forget(before)
            library.missed.forget(before)
            kept = timedelta(days=self.settings.keep_answers)
            library.answers.forget((now - kept).isoformat(timespec="seconds"))
            library.sessions.forget(now.isoformat(timespec="seconds"))
        return now.date()

    def trim(self, last: float | None = None) -> float:
        """The reading of a clock when the answers were last cut to what may be kept, the journal was emptied and free
        memory given back: now, unless that was done within the minute, at `last`."""
        if last is not None and time.monotonic() - last < TRIM_SECONDS:
            return last
        self.stores.library.answers.trim()
        self.stores.library.settle()
        give_back()
        return time.monotonic()

    def do(self, number: int, asked: dict[str, Any]) -> None:
        """One run; whatever happens is noted with it."""
        library = self.stores.library
        try:
            report = ACTIONS[asked.get("do", "ingest")](self, asked, noting(library, number, self.stopping))
            library.runs.update(number, status="done", progress=1.0, report=report)
            self.ended("done")
        except SystemExit:  # asked for again, so the next start does it
            library.runs.update(number, status="requested", stage="", progress=0.0)
        except BaseException as error:  # a panic of Chroma is no Exception, and the next run is to come
            logging.getLogger(__name__).exception("Run %s failed", number)
            self.fail(number, error)

    def fail(self, number: int, error: BaseException) -> None:
        """Note why a run failed."""
        known = error if isinstance(error, ClusterTalksError) else ClusterTalksError(repr(error), "See the log.")
        report = {"title": known.title, "detail": known.detail, "remedy": known.remedy}
        self.stores.library.runs.update(number, status="failed", report=report)
        self.ended("failed")


def noting(library: Library, run: int, stopping: Callable[[], bool] = lambda: False) -> Progress:
    """A function (stage, done, total) that notes how far a run is, not more often than people can read. It raises
    SystemExit, which no part of a run catches, when the server is `stopping`."""
    last, when = "", 0.0

    def note(stage: str, done: int, total: int) -> None:
        nonlocal last, when
        if stopping():
            raise SystemExit
        if stage != last or done == total or time.monotonic() - when > NOTE_SECONDS:
            last, when = stage, time.monotonic()
            library.runs.update(run, stage=stage, progress=done / max(total, 1))

    return note


def _ingest(runner: Runner, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    run = plugin("ingest")(runner.settings, runner.stores, runner.assistant, progress, apart=runner.apart)
    return done(run, asked)


def done(run: Any, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - what the plugin opens
    """The report of an ingest run that does what was asked for."""
    if asked.get("plan"):
        return asdict(run.plan(asked["origins"], asked.get("remove", ())))
    return asdict(run.ingest(asked["origins"], asked.get("publish", "auto"), asked.get("remove", ())))


def _retire(runner: Runner, asked: dict[str, Any], _: Progress) -> dict[str, Any]:
    runner.stores.drop(runner.stores.library.edition(asked["edition"]).number)
    return {"edition": asked["edition"]}


ACTIONS: dict[str, Callable[[Runner, dict[str, Any], Progress], dict[str, Any]]] = {
    "ingest": _ingest,
    "retire": _retire,
}
