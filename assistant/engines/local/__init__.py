"""A model from a GGUF file, run in a process of its own: no server, no network. A crash costs the answer that was being
written; the process is started anew, each time later where it crashes again and again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

from assistant.engines.local.child import LOADING, Child
from assistant.engines.local.file import ModelFile, find_file
from assistant.engines.local.worker import digest
from assistant.engines.model import TICK, ModelFailed, NotNow, Prompt, write_a_word

STEADY = 60.0  # seconds; a process that lived so long did not crash of its start
SOON, LATE = 1.0, 300.0  # seconds: the shortest and the longest wait for the next start
PATIENCE = 120.0  # seconds that loading may take where it is waited for

log = logging.getLogger(__name__)


class LocalModel:
    """A Model that loads in the background; `write` raises ModelFailed until it has."""

    def __init__(self, file: ModelFile) -> None:
        self.name = f"local:{file.path.name}"
        self._file = file
        self._child: Child | None = None
        self._closed = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="local-model", daemon=True)
        self._keeper.start()

    def write(self, prompt: Prompt) -> Iterator[str]:
        """As Model.write; one answer is written after the other."""
        if self._child is None:
            raise NotNow(LOADING)
        yield from self._child.write(prompt)

    def tried(self) -> str:
        """As Model.tried, once it is loaded; with the sum of its file."""
        self.wait(PATIENCE)
        return f"{write_a_word(self)} writes; SHA-256 {digest(self._file.path)}"

    def close(self) -> None:
        """Stop the process."""
        self._closed.set()
        if self._child:
            self._child.end()
        self._keeper.join()

    def wait(self, seconds: float) -> None:
        """Wait until it is loaded. Raises ModelFailed when it is not by then."""
        deadline = time.monotonic() + seconds
        while not (self._child and self._child.ready):
            time.sleep(TICK)
            if time.monotonic() > deadline:
                raise ModelFailed(self._child.why if self._child else LOADING)

    def _keep(self) -> None:
        """Have a process run until this is closed."""
        pause = 0.0
        while not self._closed.wait(pause):
            began = time.monotonic()
            self._run()
            pause = pause_after(pause, time.monotonic() - began)

    def _run(self) -> None:
        """Run the process once, until it ends."""
        try:
            self._child = child = Child(self._file)
        except OSError as error:
            log.warning("The process of %s does not start: %s", self.name, error.strerror)
            return
        if self._closed.is_set():  # while it was started
            child.end()
        child.hear()
        if not self._closed.is_set():
            log.warning("%s: %s", self.name, child.why)


def pause_after(pause: float, lived: float) -> float:
    """Seconds until the next start, after a process that was started after `pause` and lived so long."""
    return 0.0 if lived > STEADY else min(max(SOON, 2 * pause), LATE)


def open_local(model: str, pin: str) -> LocalModel:
    """The model that `local:` names, `pin`: the SHA-256 its file must have, or "". Raises BadSetting."""
    return LocalModel(find_file(model, pin))
