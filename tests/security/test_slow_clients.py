"""Clients that dribble, hang or never end their headers: their connections are closed, and others are answered."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from assistant.api import patience
from assistant.api.app import create_app
from assistant.api.state import State
from assistant.serve import listening
from assistant.settings import Settings
from tests.serving import until

START = b"POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\n"
LENGTH = b"Content-Type: application/json\r\nContent-Length: 900\r\n\r\n"
CHUNKS = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
DRIBBLED = {  # what comes at once, and what comes again and again
    "silence": (b"", b""),
    "headers": (START, b"X-More: 1\r\n"),
    "a header without an end": (START + b"X-More: ", b"x"),
    "a body": (START + LENGTH, b" "),
    "chunks": (START + CHUNKS, b"1\r\n \r\n"),
    "a body after a refusal": (START + LENGTH.replace(b"900", b"9000000"), b" "),
    "a second request": (WHOLE, b"\r\n"),
}
ENDLESS = {
    "headers": (START, b"X-More: " + b"x" * 8000 + b"\r\n"),
    "one header": (START + b"X-More: ", b"x" * 8000),
    "an address": (b"GET /", b"x" * 8000),
    "trailers": (START + CHUNKS + b"1\r\n \r\n0\r\n", b"X-More: " + b"x" * 8000 + b"\r\n"),
    "what a chunk says of itself": (START + CHUNKS + b"1;", b"x" * 8000),
}


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """A server as `cluster-talks serve` sets it up, that waits for a second only."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings = Settings(port=free.getsockname()[1])
    app = create_app(State(settings), lambda state, app: None)
    server = uvicorn.Server(listening(app, settings))
    thread = threading.Thread(target=server.run, daemon=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(patience, "PATIENCE", 1.0)
        patched.setattr(patience, "AGAIN", 0.1)
        thread.start()
        until(lambda: server.started)
        yield settings.host, settings.port
        server.should_exit = True
        thread.join(10)


def healthy(address: tuple[str, int]) -> bool:
    with socket.create_connection(address, timeout=20) as line:
        line.sendall(WHOLE)
        return line.recv(65536).startswith(b"HTTP/1.1 200")


def ended(line: socket.socket, more: bytes, pause: float) -> bytes:
    """What the server says until it closes the connection, while `more` is sent again and again."""
    said = b""
    line.settimeout(pause)
    for _ in range(int(20 / pause)):
        try:
            line.sendall(more)
            got = line.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            return said
        if not got:
            return said
        said += got
    raise AssertionError("the connection stays open")


@pytest.mark.parametrize("name", DRIBBLED)
def test_a_request_that_does_not_end_is_ended_and_others_are_answered(address: tuple[str, int], name: str) -> None:
    first, more = DRIBBLED[name]
    with socket.create_connection(address, timeout=20) as line:
        line.sendall(first)
        assert healthy(address)
        said = ended(line, more, 0.05)
    assert said.startswith(b"HTTP/1.1 ") or name == "silence"
    assert b"408 Request Timeout" in said or name in ("silence", "a body after a refusal")


@pytest.mark.parametrize("name", ENDLESS)
def test_what_is_no_body_has_a_limit(address: tuple[str, int], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 60.0)
    first, more = ENDLESS[name]
    with socket.create_connection(address, timeout=20) as line:
        line.sendall(first)
        said = ended(line, more, 0.005)
    assert b" 431 " in said or said == b"", "it may be cut before it is read"


def test_a_hundred_slow_clients_keep_nobody_waiting(address: tuple[str, int]) -> None:
    lines = []
    for _ in range(100):
        lines.append(socket.create_connection(address, timeout=20))
        lines[-1].sendall(START)
    assert healthy(address)
    for line in lines:
        assert ended(line, b"", 0.2).startswith(b"HTTP/1.1 408")
        line.close()


def test_who_sends_steadily_is_not_hurried(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=20) as line:
        line.sendall(START + LENGTH.replace(b"900", b"12000") + b" " * 1000)
        for _ in range(11):
            time.sleep(0.15)
            line.sendall(b" " * 1000)
        assert b" 408 " not in line.recv(65536), "twelve thousand bytes buy twelve seconds"


def test_a_connection_may_rest_longer_than_clients_keep_theirs(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=20) as line:
        for pause in (6, 0):  # httpx keeps a connection for 5 s, and would send on it just when it is closed
            line.sendall(WHOLE)
            assert line.recv(65536).startswith(b"HTTP/1.1 200")
            time.sleep(pause)
