"""How a model's server replies: whole, as a stream, or broken. To add a way to break, add a function to FAULTS.

What a reply says stands in `lies.py` and `sayings.py`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tests.lies import Line, Read, lines

PIECE = 24  # characters of a piece of a stream
PASSAGE = re.compile(r"^\[\d+\] [^\n]*\n((?:[^\n]+\n)+)", re.MULTILINE)
QUESTION = re.compile(r"^(?:Question|user): (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Told:
    """What was said to one call."""

    behaviour: str
    read: Read
    said: tuple[Line, ...]

    @property
    def lies(self) -> list[str]:
        """The false words in it."""
        return [line.lie for line in self.said if line.lie]


@dataclass
class Liar:
    """The server. `instead` does something else than what the name of the model says, `script` is what the behaviour
    "scripted" says between two true sentences, `restated` what a follow-up is restated as; `open` counts the calls that
    are being answered, `calls` holds what was asked, `told` what was said to it, `cut` the calls whose client left."""

    address: str = ""
    instead: str = ""
    script: str = ""
    restated: str = ""
    open: int = 0
    cut: int = 0
    calls: list[dict[str, Any]] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)

    def forget(self) -> None:
        """Begin anew, with the behaviour that the model is named by."""
        self.instead, self.script, self.restated, self.cut = "", "", "", 0
        self.calls.clear()
        self.told.clear()


@dataclass(frozen=True)
class Call:
    """One request of a client."""

    liar: Liar
    request: Request
    body: dict[str, Any]

    @property
    def behaviour(self) -> str:
        """What is to be done."""
        return self.liar.instead or str(self.body.get("model", "honest"))

    def say(self, said: Iterable[Line]) -> str:
        """The text of these lines, noted."""
        told = Told(self.behaviour, read_prompt(self.body["messages"]), tuple(said))
        self.liar.told.append(told)
        return " ".join(line.text for line in told.said)


def read_prompt(messages: list[dict[str, Any]]) -> Read:
    """What a model makes of the messages."""
    system = "\n".join(_text(m) for m in messages if m["role"] in ("system", "developer"))
    user = "\n".join(_text(m) for m in messages if m["role"] not in ("system", "developer"))
    blocks = (block.splitlines() for block in PASSAGE.findall(user))
    units = (tuple(line for line in block if line[:2] not in ("- ", "| ")) for block in blocks)
    question = QUESTION.findall(user)
    return Read(system, tuple(filter(None, units)), question[-1] if question else "", f"{system}\n{user}")


def _text(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)


# --- how an answer is sent


def whole(call: Call, text: str) -> Response:
    """The answer in one piece."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return JSONResponse({**_head(call, "chat.completion"), "choices": [choice], "usage": usage})


def _head(call: Call, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": call.body.get("model", "")}


def chunk(call: Call, text: str, reason: str | None = None) -> str:
    """An event of a stream."""
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": reason}
    return f"data: {json.dumps({**_head(call, 'chat.completion.chunk'), 'choices': [choice]})}\n\n"


class Streamed(StreamingResponse):
    """Closes what it streams when the client has left: Starlette leaves that to Python's collector of garbage."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(cast(AsyncGenerator[str], self.body_iterator)):
            await super().__call__(scope, receive, send)


def stream(call: Call, pieces: AsyncIterator[str]) -> Response:
    """Pieces of a stream, as they are; notes when the client leaves before the end."""

    async def noted() -> AsyncGenerator[str]:
        call.liar.open += 1
        ended = False
        try:
            async for piece in pieces:
                yield piece
            ended = True
        finally:
            call.liar.open -= 1
            call.liar.cut += not ended

    return Streamed(noted(), media_type="text/event-stream")


async def events(call: Call, text: str, pause: float = 0.0) -> AsyncIterator[str]:
    """A text as the events of a stream, whole."""
    for start in range(0, len(text), PIECE):
        yield chunk(call, text[start : start + PIECE])
        if pause:
            await asyncio.sleep(pause)
    yield chunk(call, "", "stop")
    yield "data: [DONE]\n\n"


async def tell(call: Call) -> Response:
    """Say what the behaviour says."""
    text = call.say(_lines(call, call.behaviour))
    return stream(call, events(call, text)) if call.body.get("stream") else whole(call, text)


def _lines(call: Call, behaviour: str) -> list[Line]:
    """A prompt without passages asks to restate a follow-up."""
    read = read_prompt(call.body["messages"])
    if not read.passages:
        return [Line(call.liar.restated or read.question)]
    if behaviour == "scripted":
        script = call.liar.script
        return [*map(Line, read.sentences[:2]), Line(script, script), *map(Line, read.sentences[2:4])]
    return lines(behaviour, read)


# --- how a server breaks

Fault = Callable[[Call], Awaitable[Response]]


def status(code: int, **headers: str) -> Fault:
    """A server that answers with an error."""

    async def refused(_: Call) -> Response:
        error = {"message": f"Status {code} <script>alert(1)</script>", "type": "error", "code": code}
        return JSONResponse({"error": error}, code, headers)

    return refused


def body(text: str, media: str = "application/json") -> Fault:
    """A server that answers with this, whatever it is asked."""

    async def answered(_: Call) -> Response:
        return PlainTextResponse(text, media_type=media)

    return answered


def streamed(pieces: Callable[[Call, str], AsyncIterator[str]]) -> Fault:
    """A server that sends these pieces in place of a stream of the honest text."""

    async def sent(call: Call) -> Response:
        return stream(call, pieces(call, call.say(_lines(call, "honest"))))

    return sent


async def _malformed(call: Call, text: str) -> AsyncIterator[str]:
    yield chunk(call, text[:40])
    yield "data: {not json\n\nevent: \x00\nid\ndata\n\ndata: [1, 2\n\n"
    yield chunk(call, text[40:])


async def _no_choices(call: Call, _: str) -> AsyncIterator[str]:
    odd: list[Any] = [[], None, [{}], [{"delta": None}], [{"delta": {"content": {"a": 1}}}], "none"]
    for choices in odd:
        yield f"data: {json.dumps({**_head(call, 'chat.completion.chunk'), 'choices': choices})}\n\n"
    yield "data: [DONE]\n\n"


async def _cut_off(call: Call, text: str) -> AsyncIterator[str]:
    yield chunk(call, text[: len(text) // 2])
    raise ConnectionResetError("the model's server fell over")


async def _hangs_midway(call: Call, text: str) -> AsyncIterator[str]:
    yield chunk(call, text[: len(text) // 2])
    await asyncio.sleep(600)


async def _endless(call: Call, text: str) -> AsyncIterator[str]:
    while True:
        yield chunk(call, text + " ")
        await asyncio.sleep(0.002)


async def _endless_word(call: Call, _: str) -> AsyncIterator[str]:
    while True:
        yield chunk(call, "and so on " * 20)
        await asyncio.sleep(0.002)


async def _drip(call: Call, text: str) -> AsyncIterator[str]:
    async for piece in events(call, text, pause=0.3):
        yield piece


async def _huge_event(call: Call, _: str) -> AsyncIterator[str]:
    yield chunk(call, "word " * 400_000)
    yield "data: [DONE]\n\n"


async def _hangs(call: Call) -> Response:
    call.liar.open += 1
    while not await call.request.is_disconnected():
        await asyncio.sleep(0.02)
    call.liar.open -= 1
    call.liar.cut += 1
    return Response(status_code=499)


FAULTS: dict[str, Fault] = {
    "malformed-stream": streamed(_malformed),
    "no-choices": streamed(_no_choices),
    "cut-off": streamed(_cut_off),
    "hangs-midway": streamed(_hangs_midway),
    "endless": streamed(_endless),
    "endless-sentence": streamed(_endless_word),
    "slow-drip": streamed(_drip),
    "huge-event": streamed(_huge_event),
    "hangs": _hangs,
    "not-json": body("<html><script>alert(1)</script>Bad gateway</html>", "text/html"),
    "wrong-schema": body('{"object": "chat.completion", "result": "The fee is EUR 250."}'),
    "429": status(429, **{"Retry-After": "1"}),
    "500": status(500),
    "401": status(401),
    "404": status(404),
}
