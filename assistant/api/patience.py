"""How long a request may take to arrive, and how much of it may be no body: the protocol that uvicorn speaks.

uvicorn itself waits for the rest of a request for ever, and takes headers without an end: some hundred clients that
send a byte now and then would hold all its connections. Here a request has PATIENCE seconds, and one more for every
RATE bytes of it that came; then its connection is closed. While the server is the slower one, nobody is hurried.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

PATIENCE = 20.0
RATE = 1_000
MAX_HEAD = 65_536  # bytes of a request that are no body: its first line, headers, trailers, sizes of chunks
AGAIN = 1.0  # seconds until another look, where the server is the slower one


class Patient(HttpToolsProtocol):
    """One connection, whose client is not waited for without an end."""

    def __init__(self, *given: Any, **named: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*given, **named)
        self._timer: asyncio.TimerHandle | None = None
        self._began, self._received, self._head = 0.0, 0, 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there."""
        super().connection_made(transport)
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A part of a request."""
        if self._timer is None:
            self._begin()
        self._received += len(data)
        self._head += len(data)
        super().data_received(data)
        if self._head > MAX_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def handle_websocket_upgrade(self) -> None:
        """Another protocol takes the connection over."""
        self._end()
        super().handle_websocket_upgrade()

    def on_body(self, body: bytes) -> None:
        """A part of a body, whose own length others limit."""
        self._head = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._end()
        super().on_message_complete()

    def _begin(self) -> None:
        self._began, self._received, self._head = self.loop.time(), 0, 0
        self._timer = self.loop.call_later(PATIENCE, self._look)

    def _end(self) -> None:
        self._head = 0
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Whether the client's time is over."""
        left = self._began + PATIENCE + self._received / RATE - self.loop.time()
        if left > 0 or self._is_ours():
            self._timer = self.loop.call_later(max(left, AGAIN), self._look)
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _is_ours(self) -> bool:
        """Whether the server is at work on what came: it reads no further, or answers the request before."""
        answering = self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete
        return self.flow.read_paused or answering

    def _refuse(self, status: HTTPStatus) -> None:
        """Say why, but not in the middle of an answer, and close the connection."""
        self._end()
        if self.transport.is_closing():
            return
        half = self.cycle and self.cycle.response_started and not self.cycle.response_complete
        if self._received and not half:
            said = f"HTTP/1.1 {status} {status.phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(said.encode())
        self.transport.close()
