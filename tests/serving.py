"""The application in a thread of this process, on a real port: an assistant of the test's own answers."""

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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = create_app(state, lambda state, app: state.serve(assistant), limit)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started and state.ready)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def until(true: Any, seconds: float = 20) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)
