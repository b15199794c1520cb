"""How the server stops: it refuses what is new, lets what was asked before finish, and ends what would never end.

The first signal begins this, and /readyz says so at once; the server goes when nothing is left to answer or the time is
over, see assistant/serve.py. A route that sends without end is a line of ENDLESS.
"""

from __future__ import annotations

import asyncio
import re
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.api.problems import problem

# The heartbeats of open pages, and the events of a run that may take hours.
ENDLESS = re.compile(r"/gradio_api/heartbeat/.*|/api/v1/runs/[^/]*/events")
ALWAYS = ("/healthz", "/readyz", "/metrics")
ANSWERED_LATER = ("/gradio_api/queue/data",)  # a question of the page was taken before


class Drain:
    """Whether the server is stopping, and how many requests are yet to be answered."""

    def __init__(self) -> None:
        self.answering = 0
        self._began: float | None = None
        self._stop = asyncio.Event()

    @property
    def begun(self) -> bool:
        """Whether the server is stopping."""
        return self._began is not None

    def begin(self) -> None:
        """Stop. May be called from a signal's handler."""
        self._began = time.monotonic()

    def over(self, seconds: float) -> bool:
        """Whether nothing is left to answer, or it has taken `seconds`. To be called in the event loop."""
        if self._began is None:
            return False
        self._stop.set()
        return self.answering == 0 or time.monotonic() - self._began > seconds

    async def stopping(self) -> None:
        """Wait until the server is stopping."""
        await self._stop.wait()


class Draining:
    """Watches every request of a server that may stop."""

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self._app, self._drain = app, drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["path"] in ALWAYS:
            return await self._app(scope, receive, send)
        if self._drain.begun and scope["path"] not in ANSWERED_LATER:
            refusal = problem(503, "The server stops", "It takes no new requests.", "Try again in a moment.", retry=5)
            return await refusal(scope, receive, send)
        if scope["method"] == "GET" and ENDLESS.fullmatch(scope["path"]):
            return await self._until_stopped(scope, receive, send)
        self._drain.answering += 1
        try:
            return await self._app(scope, receive, send)
        finally:
            self._drain.answering -= 1

    async def _until_stopped(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, but end the response where it stands when the server stops."""
        started = ended = False

        async def noted(message: Message) -> None:
            nonlocal started, ended
            started = True
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        answer = asyncio.ensure_future(self._app(scope, receive, noted))
        stop = asyncio.ensure_future(self._drain.stopping())
        try:
            await asyncio.wait((answer, stop), return_when=asyncio.FIRST_COMPLETED)
            left = not answer.done()
        finally:
            stop.cancel()
            answer.cancel()
        await asyncio.gather(answer, return_exceptions=left)
        if left and started and not ended:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
