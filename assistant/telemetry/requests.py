"""Every request gets an id, a log line, its place in the metrics and, where traces are sent, a span.

What is told of a request is its route's template, never its path or query: those hold what people ask.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.telemetry.logs import REQUEST
from assistant.telemetry.metrics import METHODS, Metrics
from assistant.telemetry.traces import Traces

HEADER = "X-Request-ID"
SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
OTHER = "other"  # the route of what no route answers
LEFT = 499  # the status where the client went before there was one
FAILED = 500
QUIET = ("/healthz", "/readyz", "/metrics", "/gradio_api/heartbeat/{session_hash}")
ENDINGS = (".js", ".css", ".svg", ".woff2", ".png", ".ico")


def request_id(headers: Headers) -> str:
    """The client's own id for its request, when that is plain, or a new one."""
    sent = headers.get(HEADER, "")
    return sent if SANE.fullmatch(sent) else uuid.uuid4().hex


def route_of(scope: MutableMapping[str, Any], root: str = "") -> str:
    """The template of the route that answered, mounts included; `root`: the server's own root path."""
    mounted = str(scope.get("root_path", "")).removeprefix(root)
    context = scope.get("fastapi", {}).get("effective_route_context")  # knows the prefixes of nested routers
    path = getattr(context, "path_format", None) or getattr(scope.get("route"), "path", None) or _plain(scope)
    return f"{mounted}{path or ''}" or OTHER


def _plain(scope: MutableMapping[str, Any]) -> str | None:
    """The template of a route that FastAPI knows nothing about, found by what it leads to."""
    routes = scope["app"].routes if scope.get("endpoint") and "app" in scope else ()
    return next((route.path for route in routes if getattr(route, "endpoint", None) is scope["endpoint"]), None)


@dataclass
class Exchange:
    """One request and what has been sent back. Times in seconds."""

    id: str
    began: float = field(default_factory=time.perf_counter)
    status: int = 0
    sent: int = 0
    streaming: bool = False

    def note(self, message: Message) -> None:
        """Take in what the application sends, and give the response its id."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers[HEADER] = self.id
            self.status = message["status"]
            self.streaming = headers.get("content-type", "").startswith("text/event-stream")
        elif message["type"] == "http.response.body":
            self.sent += len(message.get("body", b""))


class Observed:
    """The whole application, watched. An error that was answered already ends here: it has been logged."""

    def __init__(self, app: ASGIApp, metrics: Metrics, traces: Traces | None = None) -> None:
        self._app, self._metrics, self._traces = app, metrics, traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        exchange = Exchange(request_id(Headers(scope=scope)))
        token, root = REQUEST.set(exchange.id), scope.get("root_path", "")
        try:
            if self._traces is None:
                await self._answer(exchange, scope, receive, send)
            else:
                with self._traces.request(scope) as span:
                    await self._answer(exchange, scope, receive, send)
                    span.end_as(scope["method"], route_of(scope, root), exchange.status)
        finally:
            self._tell(exchange, scope, route_of(scope, root))
            REQUEST.reset(token)

    async def _answer(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        streams = self._metrics.streams

        async def noted(message: Message) -> None:
            exchange.note(message)
            if exchange.streaming and message["type"] == "http.response.start":
                streams.inc()
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception:
            if not exchange.status:
                exchange.status = FAILED
                raise
        finally:
            if exchange.streaming:
                streams.dec()

    def _tell(self, exchange: Exchange, scope: Scope, route: str) -> None:
        seconds, status = time.perf_counter() - exchange.began, exchange.status or LEFT
        method = scope["method"] if scope["method"] in METHODS else OTHER
        self._metrics.request(route, method, status, seconds)
        level = logging.DEBUG if _quiet(route, status) else logging.INFO
        told: dict[str, Any] = {
            "method": method,
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 1),
            "bytes": exchange.sent,
        }
        access = scope.get("state", {}).get("access")  # what assistant/api/access.py found out
        if access is not None and access.key is not None:
            told["key"] = access.key.id
        text = " ".join(f"{value}" for value in (method, route, status, f"{told['duration_ms']} ms"))
        logging.getLogger("assistant.access").log(level, "%s", text, extra={"fields": told})


def _quiet(route: str, status: int) -> bool:
    """Whether a request says little: a look at the server's health, or a file of the page."""
    return route in QUIET or (status < FAILED and (route.endswith(ENDINGS) or "/assets/" in route))
