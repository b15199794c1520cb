"""Documents are read in a process of their own, with limits on memory, processor time and wall time.

    parent ──uri, bytes→ nursery (readers imported once) ──fork→ child: limits set, reads the document
           ←──────────────── the Reading as JSON, or why there is none ────────────────┘

A file that breaks a parser costs one child. A child reads one document, or up to SHARE in a row of the plain formats,
whose readers cost less than a fork. The nursery gets no setting and no secret, and what comes back is data, never
pickled objects.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import math
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import dataclass
from typing import IO

from pydantic import TypeAdapter

from assistant.errors import UnreadableDocument
from ingest.readers import load_readers, read
from ingest.readers.reading import Reading

READING = TypeAdapter(Reading)
READ = b'{"reading":'
SIZE = struct.Struct("!Q")
MEMORY, RESULT = 1 << 30, 100_000_000  # bytes that a child may have, and may say of one document
PROCESSOR, WALL = 60, 90  # seconds for one document
SHARE, SHARE_BYTES = 50, 1_000_000
PLAIN = {".md", ".markdown", ".txt", ".html", ".htm", ".xhtml", ".csv", ".tsv", ".vtt", ".srt"}
SPLIT = "Split the document, or save it anew in a simpler form."
SPECIMENS = {
    ".md": b"---\ntitle: A\n---\n# A\n\nOne *b* [c](d.md).\n\n- e\n\n| f | g |\n| - | - |\n| h | i |\n",
    ".html": b"<html lang=en><body><main><h1>A</h1><p>One.<ul><li>b</ul><table><tr><th>c<th>d<tr><td>e<td>f</table>",
    ".txt": b"One.\n\n- two",
    ".csv": b"a;b\n1;2\n",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may cost: bytes of memory, seconds of processor and of wall time."""

    memory: int = MEMORY
    processor: int = PROCESSOR
    wall: float = WALL


class Nursery:
    """Reads documents one at a time, in child processes. Close it when the run is over."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, data: bytes, uri: str, ending: str = "") -> Reading:
        """What `ingest.readers.read` makes of the document. Raises UnreadableDocument, also past a limit."""
        with self._lock:
            answer = self._ask(data, uri, ending)
        if "detail" in answer:
            raise UnreadableDocument(answer["detail"], answer["remedy"])
        return READING.validate_python(answer["reading"])

    def close(self) -> None:
        """Stop the process."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Nursery:
        """The nursery itself; its process starts with the first document."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the process."""
        self.close()

    def _ask(self, data: bytes, uri: str, ending: str) -> dict[str, str]:
        if self._process is None or self._process.poll() is not None:
            self._process = self._start()
        inlet, outlet = self._process.stdin, self._process.stdout
        try:
            _write(inlet, json.dumps([uri, ending or os.path.splitext(uri)[1].lower()]).encode())  # noqa: PTH122
            _write(inlet, data)
            return dict(json.loads(_read(outlet)))
        except (OSError, EOFError, ValueError) as error:
            self.close()
            raise UnreadableDocument(f"{uri}: the process that read it broke off.", "Try again.") from error

    def _start(self) -> subprocess.Popen[bytes]:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG", "TMPDIR") if name in os.environ}
        limits = map(str, (self._limits.memory, self._limits.processor, self._limits.wall))
        return subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "ingest.isolate", *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**kept, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )


def _write(stream: IO[bytes] | None, data: bytes) -> None:
    assert stream  # noqa: S101 - a pipe was asked for
    stream.write(SIZE.pack(len(data)))
    stream.write(data)
    stream.flush()


def _read(stream: IO[bytes] | None) -> bytes:
    assert stream  # noqa: S101 - a pipe was asked for
    head = stream.read(SIZE.size)
    if len(head) < SIZE.size:
        raise EOFError
    (size,) = SIZE.unpack(head)
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


# --- in the nursery


class _Child:
    """A forked process that reads documents until its pipe is closed; `late`: it had to be stopped."""

    def __init__(self, limits: Limits) -> None:
        (out, self._said), (heard, into) = os.pipe(), os.pipe()
        self._limits, self._out, self.count, self._size, self.late = limits, out, 0, 0, False
        self._pid = os.fork()
        if self._pid == 0:
            os.close(out)
            os.close(into)
            _live(limits, heard, self._said)
        os.close(heard)
        os.close(self._said)
        self._into = os.fdopen(into, "wb")

    @property
    def full(self) -> bool:
        """Whether it has read its share."""
        return self.count >= SHARE or self._size >= SHARE_BYTES

    def read(self, request: bytes, data: bytes) -> bytes:
        """Its answer, empty when it died or took too long."""
        self.count += 1
        self._size += len(data)
        deadline = time.monotonic() + self._limits.wall
        try:
            _write(self._into, request)
            _write(self._into, data)
            (size,) = SIZE.unpack(self._take(SIZE.size, deadline))
            return self._take(size, deadline) if size <= RESULT else b""
        except (OSError, EOFError):
            return b""

    def _take(self, size: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            if not select.select([self._out], [], [], max(0.0, deadline - time.monotonic()))[0]:
                self.late = True
                raise EOFError
            if not (part := os.read(self._out, size - len(data))):
                raise EOFError
            data += part
        return bytes(data)

    def end(self) -> int:
        """Stop it; its wait status."""
        with contextlib.suppress(OSError):
            self._into.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.close(self._out)
        return os.waitpid(self._pid, 0)[1]


def _nurse(requests: IO[bytes], answers: IO[bytes], limits: Limits) -> None:
    """Answer requests until there are no more. A forked child has the imported readers, so it costs no import."""
    child: _Child | None = None
    with contextlib.suppress(EOFError):
        while True:
            request, data = _read(requests), _read(requests)
            uri, ending = json.loads(request)
            if child and (ending not in PLAIN or child.full):
                child.end()
                child = None
            child = child or _Child(limits)
            answer = child.read(request, data)
            if not answer.startswith(READ) and child.count > 1:  # perhaps for what was read before it
                child.end()
                child = _Child(limits)
                answer = child.read(request, data)
            if not answer.startswith(READ) or ending not in PLAIN:
                status = child.end()
                answer = answer or _failed(uri, child.late, status, limits)
                child = None
            _write(answers, answer)


def _failed(uri: str, late: bool, status: int, limits: Limits) -> bytes:
    """Why a child said nothing: it took too long, or died of something in the file."""
    by_signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    slow = late or by_signal == signal.SIGXCPU
    detail = f"reading it took more than {limits.processor} s" if slow else f"its reader broke off (signal {by_signal})"
    return json.dumps({"detail": f"{uri}: {detail}.", "remedy": SPLIT}).encode()


# --- in a child


def _live(limits: Limits, heard: int, said: int) -> None:
    """Read documents and answer, and end the process whatever happens."""
    try:
        gc.disable()
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with os.fdopen(heard, "rb") as requests, os.fdopen(said, "wb") as answers:
            while True:
                uri, ending = json.loads(_read(requests))
                until = math.ceil(time.process_time() + limits.processor)
                resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))
                _write(answers, _answer(uri, ending, requests, limits))
    finally:
        os._exit(0)


def _answer(uri: str, ending: str, requests: IO[bytes], limits: Limits) -> bytes:
    try:
        return READ + READING.dump_json(read(_read(requests), uri, ending)) + b"}"
    except UnreadableDocument as error:
        detail, remedy = error.detail, error.remedy
    except MemoryError:
        detail, remedy = f"{uri}: reading it took more than {limits.memory >> 20} MB of memory.", SPLIT
    except Exception as error:  # what a parser did not foresee costs this document
        detail = f"{uri}: it could not be read ({type(error).__name__}: {str(error)[:200]})."
        remedy = "Check that the file opens, and save it anew."
    return json.dumps({"detail": detail, "remedy": remedy}).encode()


def _warm_up() -> None:
    """Load and fill once what each child would load and fill anew, and keep the collector from touching it."""
    load_readers()
    for ending, text in SPECIMENS.items():
        read(text, "specimen", ending)
    gc.collect()
    gc.freeze()


def main() -> None:
    """The nursery: what parsers print or log goes nowhere, the true output is kept for answers."""
    memory, processor, wall = sys.argv[1:]
    with contextlib.suppress(BrokenPipeError), os.fdopen(os.dup(1), "wb") as answers:  # whoever asked was killed
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        logging.disable()
        warnings.simplefilter("ignore")
        _warm_up()
        _nurse(sys.stdin.buffer, answers, Limits(int(memory), int(processor), float(wall)))


if __name__ == "__main__":
    main()
