"""Headers that make a browser keep to this server, whatever a page may hold.

The chat page's framework needs inline scripts and evaluates templates, so that page may; a page that is text may not
run anything. A response that brings its own policy keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICIES = {  # by the beginning of the path, the longest first
    "/read/": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "/": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'",
}
ALWAYS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def headers_of(path: str) -> dict[str, str]:
    """What goes with every response of a path."""
    policy = next((policy for start, policy in POLICIES.items() if path.startswith(start)), POLICIES["/"])
    return {**ALWAYS, "Content-Security-Policy": policy}


class SafeHeaders:
    """Adds headers by path to every response that lacks them."""

    def __init__(self, app: ASGIApp, wanted: Callable[[str], Mapping[str, str]] = headers_of) -> None:
        self._app, self._wanted = app, wanted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._wanted(scope["path"]).items():
                    headers.setdefault(name, value)
            await send(message)

        return await self._app(scope, receive, send_with_headers)
