"""The count of what is yet to be answered decides when a server that stops may go."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from assistant.api.drain import Drain, Draining


class Slow:
    """Sends a first part, and the rest when it is let; or never."""

    def __init__(self) -> None:
        self.begun, self.rest = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        self.begun.set()
        await self.rest.wait()
        await send({"type": "http.response.body", "body": b"last"})


async def ask(drain: Drain, app: Slow, path: str, method: str = "GET") -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "path": path, "method": method, "headers": []}
    await Draining(app, drain)(scope, lambda: asyncio.sleep(60), send)  # type: ignore[arg-type,return-value]
    return sent


def test_it_waits_for_an_answer_and_no_longer() -> None:
    async def story() -> None:
        drain, app = Drain(), Slow()
        assert not drain.over(0), "nobody told it to stop"
        answer = asyncio.create_task(ask(drain, app, "/api/v1/ask/stream", "POST"))
        await app.begun.wait()
        drain.begin()
        assert not drain.over(60)
        app.rest.set()
        assert [message.get("body") for message in await answer] == [None, b"first", b"last"]
        assert drain.over(60)

    asyncio.run(story())


def test_it_waits_no_longer_than_the_grace() -> None:
    async def story() -> None:
        drain, app = Drain(), Slow()
        answer = asyncio.create_task(ask(drain, app, "/api/v1/ask/stream", "POST"))
        await app.begun.wait()
        drain.begin()
        await asyncio.sleep(0.01)
        assert drain.over(0.001)
        assert drain.answering == 1
        answer.cancel()

    asyncio.run(story())


@pytest.mark.parametrize("path", ["/gradio_api/heartbeat/x", "/api/v1/runs/3/events"])
def test_what_never_ends_is_ended_whole(path: str) -> None:
    async def story() -> None:
        drain, app = Drain(), Slow()
        beat = asyncio.create_task(ask(drain, app, path))
        await app.begun.wait()
        assert drain.answering == 0
        drain.begin()
        assert drain.over(60)
        sent = await asyncio.wait_for(beat, 5)
        assert (sent[-1]["body"], sent[-1]["more_body"]) == (b"", False)

    asyncio.run(story())


@pytest.mark.parametrize(("path", "status"), [("/api/v1/ask", 503), ("/", 503), ("/readyz", 200), ("/metrics", 200)])
def test_nothing_new_is_taken_but_looks_at_the_server(path: str, status: int) -> None:
    async def story() -> None:
        drain, app = Drain(), Slow()
        app.rest.set()
        drain.begin()
        assert (await ask(drain, app, path))[0]["status"] == status

    asyncio.run(story())
