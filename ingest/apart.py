"""Vectors and BM25 index of an edition made in a process of its own, beside a server.

Chroma keeps Python's lock while it stores, and a run borrows memory that an allocator never gives back whole: both stay
with that process, which lets those who ask go first and ends with the server. It gets the settings without the keys.

    server ──settings, edition→ builder: passages → vectors, BM25 index
           ←── a line of JSON: how far it is, …, what it took or why it failed
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

from assistant.errors import ClusterTalksError
from assistant.settings import Settings
from assistant.wiring import Stores, stores_of
from ingest.build import Derive, derive_here
from ingest.progress import Stages

COMMAND = [sys.executable, "-m", "ingest.apart"]
NICE = 10  # a waiting question gets about ten times the processor's time
LOOK = 0.3  # seconds between two looks whether to break off
DEATH_SIGNAL = 1  # of prctl(2)


def derive_apart(settings: Settings) -> Derive:
    """As `derive_here`, in a process of its own that opens its stores by these settings."""

    def derive(number: int, _: Stores, stages: Stages) -> int:
        wanted = {"settings": settings.model_dump(mode="json"), "edition": number, "parent": os.getpid()}
        process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - ourselves
        assert process.stdin and process.stdout  # noqa: S101 - pipes were asked for
        try:
            with suppress(BrokenPipeError), process.stdin as inlet:  # it says below what it died of
                inlet.write(json.dumps(wanted).encode())
            told = _followed(process.stdout.fileno(), stages)
        finally:
            process.kill()
            process.stdout.close()
            process.wait()
        return _taken(told, process.returncode, stages)

    return derive


def _followed(outlet: int, stages: Stages) -> dict[str, Any]:
    """What it said last; its progress is passed on, and again while it says nothing: that may raise, to break off."""
    progress: tuple[str, int, int] = ("embed", 0, 1)
    last: dict[str, Any] = {}
    for line in _lines(outlet):
        if line:
            last = json.loads(line)
            progress = tuple(last.get("progress", progress))
        stages.progress(*progress)
    return last


def _lines(outlet: int) -> Iterator[bytes]:
    """The lines of a pipe until it is closed; an empty one where none came within LOOK."""
    waiting = b""
    while True:
        if not select.select([outlet], [], [], LOOK)[0]:
            yield b""
            continue
        if not (part := os.read(outlet, 1 << 16)):
            return
        *lines, waiting = (waiting + part).split(b"\n")
        yield from lines


def _taken(told: dict[str, Any], status: int, stages: Stages) -> int:
    """How many passages were embedded. Raises what the builder did, or that it was ended."""
    if "embedded" in told:
        for stage, seconds in told["seconds"].items():
            stages.seconds[stage] = round(stages.seconds.get(stage, 0.0) + seconds, 3)
        return int(told["embedded"])
    detail = f"The process that builds the edition was ended (status {status})."
    error = ClusterTalksError(told.get("detail", detail), told.get("remedy", "Free some memory, then ingest again."))
    error.title = told.get("title", "The edition was not built")
    raise error


# --- in the builder


def main() -> None:
    """Read what is wanted, build it, say how it went."""
    if not (given := sys.stdin.read()):
        sys.exit(1)  # the server was killed before it said what
    wanted = json.loads(given)
    _end_with(wanted["parent"])
    os.nice(NICE)
    sys.stdout = sys.stderr  # whatever a library prints; the true output is for what is said
    settings = Settings.model_validate(wanted["settings"])
    try:
        stages = Stages(lambda *progress: _say(progress=progress))
        stores = stores_of(settings)
        with closing(stores.library), closing(stores.vectors):
            embedded = derive_here(wanted["edition"], stores, stages)
        _say(embedded=embedded, seconds=stages.seconds)
    except ClusterTalksError as error:
        _say(title=error.title, detail=error.detail, remedy=error.remedy)
    except Exception as error:
        _say(title=ClusterTalksError.title, detail=repr(error), remedy="See the log.")
        raise


def _say(**what: Any) -> None:  # noqa: ANN401 - anything that JSON has
    os.write(1, json.dumps(what).encode() + b"\n")


def _end_with(parent: int) -> None:
    """Be killed when the server is; where the system cannot do that, the edition is removed at its next start."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


if __name__ == "__main__":
    main()
