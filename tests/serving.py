"""An application in a thread of this process, on a real port: above all ours, with an assistant of the test's own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from limits import RateLimitItem

from assistant.api.app import create_app
from assistant.api.state import State
from assistant.settings import Settings


@contextmanager
def serving(
    assistant: Any, settings: Settings | None = None, limit: RateLimitItem | None = None
) -> Iterator[httpx.Client]:
    """A client of the application over this assistant."""
    state = State(settings)
    app = create_app(state, lambda state, app: state.serve(assistant), limit)
    with listening(app) as address:
        until(lambda: state.ready)
        with httpx.Client(base_url=address, timeout=30, verify=False) as client:
            yield client


@contextmanager
def listening(app: Any, log_level: str = "warning") -> Iterator[str]:
    """The address that an application listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level=log_level, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def until(true: Any, seconds: float = 60) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)
