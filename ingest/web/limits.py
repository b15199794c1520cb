"""How much of a document is taken, how long that may last, and how often a site is asked."""

from __future__ import annotations

import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx

from ingest.web.failure import NotFetched

PIECE = 65_536
GZIP = b"\x1f\x8b"
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of a document once it is unpacked, and seconds that all its transfers together may take."""

    size: int = 64_000_000
    seconds: float = 60.0


class Allowance:
    """The seconds left for one document. When they are spent the connection is cut, however alive it is kept."""

    def __init__(self, seconds: float) -> None:
        self.granted = self.left = seconds

    @contextmanager
    def spend(self) -> Iterator[Callable[[str, Mapping[str, Any]], None]]:
        """Time a transfer. Yields what the request needs as its extension "trace". Raises NotFetched when cut."""
        line, began = _Line(), time.monotonic()
        timer = threading.Timer(max(self.left, 0.0), line.cut)
        timer.daemon = True
        timer.start()
        try:
            yield line.trace
        except (httpx.TransportError, NotFetched) as error:
            self._check(line, error)
            raise
        finally:
            timer.cancel()
            self.left -= time.monotonic() - began
        self._check(line, None)

    def _check(self, line: _Line, error: Exception | None) -> None:
        if line.over:
            raise NotFetched(
                f"It did not arrive within {self.granted:g} seconds.", "Try again later, or save it into the corpus."
            ) from error


class _Line:
    """The socket that a transfer uses at the moment, seen through httpx's trace extension."""

    def __init__(self) -> None:
        self.over = False
        self._socket: socket.socket | None = None

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._socket = info["return_value"].get_extra_info("socket")
            if self.over:
                self.cut()

    def cut(self) -> None:
        self.over = True
        if self._socket is not None:
            with suppress(OSError):
                # Not the method of an SSLSocket, which drops the TLS state that another thread is reading with.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class Pace:
    """Pauses between the requests to a host."""

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._clock, self._sleep = clock, sleep
        self._asked: dict[str, float] = {}

    def wait(self, host: str, pause: float) -> None:
        """Sleep until the host may be asked again, then count this request."""
        pause = min(max(pause, SHORTEST_PAUSE), LONGEST_PAUSE)
        early = self._asked.get(host, float("-inf")) + pause - self._clock()
        if early > 0:
            self._sleep(early)
        self._asked[host] = self._clock()


def gather(parts: Iterable[bytes], most: int) -> bytes:
    """The parts as one. Raises NotFetched as soon as they are more than `most` bytes."""
    whole = bytearray()
    for part in parts:
        whole += part
        if len(whole) > most:
            raise NotFetched(f"It is larger than {most:,} bytes.", "Name a smaller document, or parts of it.")
    return bytes(whole)


def slices(data: bytes) -> Iterator[bytes]:
    """`data` in pieces that `inflate` takes without copying much."""
    return (data[start : start + PIECE] for start in range(0, len(data), PIECE))


def inflate(parts: Iterable[bytes]) -> Iterator[bytes]:
    """What gzip packed, in small pieces, so that who gathers them can stop. Raises NotFetched when it is damaged."""
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for part in parts:
            while part:
                if member.eof:
                    if part[:1] != GZIP[:1]:
                        return
                    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
                yield member.decompress(part, PIECE)
                part = member.unconsumed_tail or member.unused_data  # noqa: PLW2901
        yield member.flush()
    except zlib.error as error:
        raise NotFetched(f"Its gzip packing is damaged: {error}.", "Try again later.") from error
    if not member.eof:
        raise NotFetched("Its gzip packing ends too early.", "Try again later.")
