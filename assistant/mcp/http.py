"""The protocol over HTTP: POST /mcp, one JSON answer a request and no session, so that any replica may answer.

A web page of another origin cannot drive it: what a browser sends names its origin.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from assistant.api.crowd import crowd
from assistant.api.problems import problem, told
from assistant.api.running import asking
from assistant.api.state import State
from assistant.errors import Crowded

if TYPE_CHECKING:
    from mcp.server.lowlevel.server import Server

    from assistant.ask import Assistant
    from assistant.asking import Asker
    from assistant.records import Answer, Question

PATH = "/mcp"


def route(state: State) -> Route:
    """The route of the protocol."""
    return Route(PATH, _Endpoint(state), methods=["POST"], include_in_schema=False)


class _Endpoint:
    """The SDK is imported at the first request: it takes half a second, and the server is to listen at once."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        request = Request(scope, receive)
        origin = request.headers.get("origin")
        if origin and not _same_site(origin, request.headers.get("host", "")):
            refusal = problem(403, "Not allowed from this page", f"The origin {origin} may not call this.", ELSEWHERE)
            return await refusal(scope, receive, send)
        body = await request.body()
        server = await run_in_threadpool(lambda: self._server)
        try:
            with crowd.place():
                return await _answer(server, scope, _again(body, receive), send)
        except Crowded as error:
            return await told(error)(scope, receive, send)

    @cached_property
    def _server(self) -> Server[Any]:
        from assistant.mcp.server import open_server

        return open_server(lambda context: self._asker(cast(Request, context.request)), asking)

    def _asker(self, request: Request) -> Asker:
        from assistant.asking import LocalAsker

        assistant = self._state.assistant
        return LocalAsker(assistant, str(request.base_url).rstrip("/"), self._finishing(assistant, request))

    def _finishing(self, assistant: Assistant, request: Request) -> Callable[[Question, Answer], None]:
        """What POST /api/v1/ask does with an answer, written at once."""
        from assistant.api.ask import finish

        def finishing(question: Question, answer: Answer) -> None:
            finish(question, answer, assistant, self._state, request)
            assistant.library.answers.flush()

        return finishing


ELSEWHERE = "Call it from a program, or from a page of this server over HTTPS."


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives the body that was read, then what comes after it: that the client has gone."""
    bodies = iter((body,))

    async def from_the_body_on() -> Message:
        for whole in bodies:
            return {"type": "http.request", "body": whole, "more_body": False}
        return await receive()

    return from_the_body_on


async def _answer(server: Server[Any], scope: Scope, receive: Receive, send: Send) -> None:
    """One request, by a session of its own."""
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
    async with manager.run():
        await manager.handle_request(scope, receive, send)


def _same_site(origin: str, host: str) -> bool:
    """Whether a page of `origin` is one of this server. A name that is reached without TLS may have been pointed here
    by somebody else (DNS rebinding), so there only "localhost" and bare addresses count."""
    try:
        page = urlsplit(origin)
        return page.netloc == host and (
            page.scheme == "https" or page.hostname == "localhost" or bool(ip_address(page.hostname or ""))
        )
    except ValueError:
        return False
