"""The commands of the assistant in processes of their own, with the quick embedder, started in a moment.

They are forked from a process that has imported everything once: what runs is the real `cluster-talks`, what is saved
are the seconds of its imports.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import httpx

from assistant.embedders import EMBEDDERS
from assistant.settings import PREFIX, Settings
from ingest import apart
from tests.fakes import WordEmbedder

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["tests.faults.warm"])
QUICK = {"EMBEDDER": "quick", "READER": "none", "RATE_LIMIT": "off", "LOG_FORMAT": "text", "METRICS": "off"}


@dataclass(frozen=True)
class Home:
    """A folder with a corpus, the data folder, and what the processes say."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def corpus(self) -> Path:
        return self.folder / "corpus"

    def settings(self) -> Settings:
        return Settings(data=self.data, corpus=self.corpus, embedder="quick", reader="none")

    def environment(self) -> dict[str, str]:
        named = {"DATA": str(self.data), "CORPUS": str(self.corpus), **QUICK}
        return {PREFIX + name: value for name, value in named.items()}

    def start(self, *arguments: str, out: str = "out") -> Started:
        """`cluster-talks` with these arguments; what it prints is added to the file `out`, its log to `out`.log."""
        given = (arguments, self.environment(), self.folder / out)
        process = FORKING.Process(target=_run, args=given, daemon=True)
        process.start()
        return Started(process, self.folder / out)

    def serve(self, port: int) -> Started:
        return self.start("serve", "--port", str(port), out="server")


@dataclass(frozen=True)
class Started:
    """A process that leads a group of its own."""

    process: ForkServerProcess
    out: Path

    def kill(self, *, group: bool) -> None:
        """At once: the process alone, or with all that it started."""
        self.process.kill()
        if group:
            self.end()
        self.process.join()

    def end(self) -> None:
        """Kill the group, while somebody else waits for the process."""
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)

    def stop(self) -> int | None:
        self.process.terminate()
        return self.wait()

    def wait(self, seconds: float = 60) -> int | None:
        """Its exit status."""
        self.process.join(seconds)
        return self.process.exitcode

    @property
    def alone(self) -> bool:
        """Whether nothing that it started runs on."""
        try:
            os.killpg(self._pid, 0)
        except ProcessLookupError:
            return True
        return False

    @property
    def _pid(self) -> int:
        assert self.process.pid
        return self.process.pid

    @property
    def log(self) -> str:
        file = self.out.with_name(f"{self.out.name}.log")
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""


def register_quick() -> None:
    """From now on this process, and that which it starts to build an edition, know the quick embedder by its name."""
    EMBEDDERS["quick"] = lambda name, settings: WordEmbedder()
    apart.COMMAND[-1] = "tests.faults.apart"


def ready(server: Started, port: int, seconds: float = 60) -> None:
    """Wait until a server is ready. Raises AssertionError."""
    until(lambda: _answers(port) or _failed(server), seconds, "The server did not become ready")
    assert not _failed(server), f"The start failed: {server.log[-2000:]}"


def until(true: Callable[[], object], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.03)


def _failed(server: Started) -> bool:
    return not server.process.is_alive() or "The start failed" in server.log


def _answers(port: int) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5, verify=False).status_code == 200
    return False


def _run(arguments: Sequence[str], environment: dict[str, str], out: Path) -> None:
    """In the process: its own output, settings and group, then the command."""
    os.setsid()
    for number, file in ((1, out), (2, out.with_name(f"{out.name}.log"))):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ.update(environment)
    sys.argv = ["cluster-talks", *arguments]

    from assistant import cli, wiring

    announced = wiring.plugin
    setattr(wiring, "plugin", lambda name: _no_page if name == "page" else announced(name))  # noqa: B010
    cli.main()


def _no_page(*_: object) -> None:
    """The chat page keeps nothing, and building it would be most of a start."""
