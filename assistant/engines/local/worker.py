"""The process that runs a GGUF file for `local:`, with llama.cpp (package xllamacpp). JSON lines in, JSON lines out:

    in   {"id": 3, "system": "…", "user": "…", "tokens": 400}: write, one after the other; {"stop": 3}: no longer
    out  {"ready": true} and {"sha256": "…"}, or {"refused": "why"}
         {"id": 3, "piece": "…"} …, also empty ones, then {"id": 3, "end": ""}, or with the reason why it broke off

It ends when its input does, and so when its parent dies, however that happens. It imports nothing of the assistant.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import IO, Any

CONTEXT = 8_192  # tokens of a prompt and its answer
BATCH = 128  # tokens that are read between two looks whether to go on
UNUSABLE = "It cannot be loaded: the file is damaged, or too large, or llama.cpp does not know this kind of model."
THREADS = 8  # more do not make llama.cpp faster
LIKELY = {"temperature": 0, "chat_template_kwargs": {"enable_thinking": False}}  # the likeliest words, at once


class Worker:
    """Says what it does on `out`."""

    def __init__(self, out: IO[str]) -> None:
        self._out, self._saying = out, threading.Lock()
        self._asked: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._stopped: set[int] = set()

    def listen(self, lines: Iterable[str]) -> None:
        """Take requests in until there are no more lines, which ends the process."""
        for line in lines:
            asked = json.loads(line)
            if "stop" in asked:
                self._stopped.add(asked["stop"])
            else:
                self._asked.put(asked)
        os._exit(0)

    def work(self, file: Path, pin: str) -> None:
        """Load the model, which has the SHA-256 `pin` if there is one, and write what is asked for."""
        if pin and (found := digest(file)) != pin:
            return self.say(refused=f"The file has changed: its SHA-256 is {found} and must be {pin}.")
        try:
            server = opened(file)
        except Exception as error:  # the runtime's own
            return self.say(refused=f"{UNUSABLE} ({error})")
        self.say(ready=True)
        threading.Thread(target=lambda: self.say(sha256=pin or digest(file)), daemon=True).start()
        while True:
            asked = self._asked.get()
            self.say(id=asked["id"], end=self._write(server, asked))
            self._stopped.discard(asked["id"])

    def say(self, **told: object) -> None:
        """One line."""
        with self._saying:
            self._out.write(json.dumps(told) + "\n")
            self._out.flush()

    def _write(self, server: Any, asked: dict[str, Any]) -> str:  # noqa: ANN401 - the package has no types
        """Write an answer; why it broke off, or an empty text."""
        failed: list[str] = []

        def take(chunk: dict[str, Any]) -> bool:
            """Each token, and each batch of the prompt that was read; whether to stop."""
            if "error" in chunk:
                failed.append(str(chunk["error"]["message"]))
            for choice in chunk.get("choices", ()):
                self.say(id=asked["id"], piece=choice["delta"].get("content") or "")
            return asked["id"] in self._stopped

        if asked["id"] in self._stopped:
            return ""
        roles = {"system": asked["system"], "user": asked["user"]}
        messages = [{"role": role, "content": content} for role, content in roles.items()]
        request = {"messages": messages, "max_tokens": asked["tokens"], "stream": True, "return_progress": True}
        try:
            server.handle_chat_completions({**request, **LIKELY}, take)
        except Exception as error:  # the runtime's own
            failed.append(str(error))
        return "; ".join(failed)


def digest(file: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def opened(file: Path) -> Any:  # noqa: ANN401 - the package has no types
    """The runtime over a model. It insists on serving HTTP, so it gets a socket that is taken away at once."""
    import xllamacpp

    given = xllamacpp.CommonParams()
    given.model.path = str(file)
    given.n_ctx, given.n_batch, given.n_ubatch, given.cache_ram_mib = CONTEXT, BATCH, BATCH, 0
    given.cpuparams.n_threads = min(THREADS, len(os.sched_getaffinity(0)))
    given.offline, given.ui, given.endpoint_slots, given.n_threads_http = True, False, False, 1
    given.verbosity = 0  # errors only: the others can hold what people ask
    with TemporaryDirectory() as folder:
        given.hostnames = [f"{folder}/unused.sock"]
        return xllamacpp.Server(given)


def main() -> None:
    """The true output is kept for the lines; what the runtime prints goes to the error output."""
    for ignored in (signal.SIGINT, signal.SIGTERM):  # the parent may have answers to finish
        signal.signal(ignored, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    worker = Worker(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    threading.Thread(target=worker.listen, args=[sys.stdin], daemon=True).start()
    worker.work(Path(sys.argv[1]), sys.argv[2])


if __name__ == "__main__":
    main()
