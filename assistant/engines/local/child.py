"""The process of a local model, seen from outside; `worker.py` is what runs in it, and tells how the two speak."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from queue import Empty, SimpleQueue
from typing import IO, Any, cast

from assistant.engines.local import worker
from assistant.engines.local.file import ModelFile
from assistant.engines.model import TICK, ModelFailed, NotNow, Prompt

MOST = 4  # answers: one is written, the others wait
LOADING = "The model is still loading."
KEPT = ("PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH")  # of the environment: no setting and no secret
# Threads that wait for another sleep: spinning, they take the processor from those they wait for.
GIVEN = {"OMP_WAIT_POLICY": "passive", "HF_HUB_OFFLINE": "1"}

log = logging.getLogger(__name__)


class Child:
    """Starts the process; `hear` must run in a thread. `sha256` is "" until it is known. Raises OSError."""

    def __init__(self, file: ModelFile) -> None:
        self.ready, self.sha256, self.why = False, file.pin, LOADING
        self._ids, self._lock = count(1), threading.Lock()
        self._inboxes: dict[int, SimpleQueue[dict[str, Any]]] = {}
        self._name = file.path.name
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-P", str(worker.__file__), str(file.path), file.pin],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._stdin, self._stdout, self._stderr = (
            cast("IO[str]", pipe) for pipe in (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        self.pid = self._process.pid

    def hear(self) -> None:
        """Take in what the process says, until it ends."""
        threading.Thread(target=_log, args=[self._stderr], name="model-errors", daemon=True).start()
        with self._stdout:
            try:
                for line in self._stdout:
                    self._heard(json.loads(line))
            except ValueError:  # a line that its death cut off
                self._process.kill()
        status = self._process.wait()
        with self._lock:
            self.ready = False
            with suppress(OSError):  # what it did not take any more
                self._stdin.close()
            self.why = self.why if self.why != LOADING else _ending(status)
            for inbox in self._inboxes.values():
                inbox.put({"end": self.why})

    def write(self, prompt: Prompt) -> Iterator[str]:
        """As Model.write, for a process that is ready."""
        with self._lock:
            if not self.ready:
                raise (NotNow if self.why == LOADING else ModelFailed)(self.why)
            if len(self._inboxes) >= MOST:
                raise NotNow(f"{MOST} answers are being written or waited for.")
            number, inbox = next(self._ids), SimpleQueue[dict[str, Any]]()
            self._inboxes[number] = inbox
        try:
            self._tell(id=number, system=prompt.system, user=prompt.user, tokens=prompt.tokens)
            yield from _pieces(inbox)
        except GeneratorExit:
            self._tell(stop=number)
            raise
        finally:
            with self._lock:
                self._inboxes.pop(number)

    def end(self) -> None:
        """Stop the process."""
        self._process.kill()
        self._process.wait()

    def _tell(self, **told: object) -> None:
        line = json.dumps(told) + "\n"
        with self._lock, suppress(OSError, ValueError):  # it has just ended, which `hear` notices
            self._stdin.write(line)
            self._stdin.flush()

    def _heard(self, told: dict[str, Any]) -> None:
        self.why, self.sha256 = told.get("refused", self.why), told.get("sha256", self.sha256)
        if "ready" in told:
            self.ready = True
        if "sha256" in told:
            log.info("The model %s is loaded; its SHA-256 is %s.", self._name, self.sha256)
        with self._lock:
            if inbox := self._inboxes.get(told.get("id", 0)):
                inbox.put(told)


def _pieces(inbox: SimpleQueue[dict[str, Any]]) -> Iterator[str]:
    while True:
        try:
            told = inbox.get(timeout=TICK)
        except Empty:
            yield ""
            continue
        if told.get("end"):
            raise ModelFailed(told["end"])
        if "end" in told:
            return
        yield told["piece"]


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, **GIVEN, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _log(errors: IO[str]) -> None:
    with errors:
        for line in errors:
            log.debug("%s", line.rstrip())


def _ending(status: int) -> str:
    """Why a process ended by itself: `status` is negative for a signal."""
    how = signal.Signals(-status).name if status < 0 else f"status {status}"
    return f"The process of the model broke off ({how})."
