"""Keeps pages of other sites away from the chat page: Gradio would answer any of them, with the visitor's cookies.

A browser names the site that a request comes from in `Origin`. What comes without one goes on: it changes nothing, or
no browser sent it. X-Forwarded-Host is believed from everyone: before a browser sends it for a page of another site, it
asks here whether it may, and is told no.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.api.problems import problem

PORTS = {"http": 80, "https": 443}
Site = tuple[str | None, int | None]
"""Host in small letters and port."""


def own(page: ASGIApp) -> ASGIApp:
    """`page`, for requests of its own site only."""
    return _Own(page)


class _Own:
    def __init__(self, page: ASGIApp) -> None:
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if not _is_foreign(Headers(scope=scope)):
            return await self._page(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        refusal = problem(
            403,
            "Not from another site",
            "This request came from a page of another site.",
            "Open the chat page itself. A proxy has to pass on Host as the browser sent it, or as X-Forwarded-Host.",
        )
        return await refusal(scope, receive, send)


def _is_foreign(headers: Headers) -> bool:
    """Whether a page of another site sent this. No page can set Sec-Fetch-Site."""
    if "origin" not in headers or headers.get("sec-fetch-site") == "same-origin":
        return False
    scheme, _, place = headers["origin"].partition("://")
    return scheme not in PORTS or _site(place, scheme) not in {
        _site(headers[name], scheme) for name in ("host", "x-forwarded-host") if name in headers
    } - {None}


def _site(place: str, scheme: str) -> Site | None:
    """What `place`, HOST or HOST:PORT, means with this scheme; None when it is neither."""
    try:
        parts = urlsplit(f"//{place}")
        return parts.hostname, parts.port or PORTS[scheme]
    except ValueError:
        return None
