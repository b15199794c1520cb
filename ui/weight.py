"""What the chat page weighs on the wire: the browser keeps the files that bear a hash, the rest is compressed."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HASHED = ("/assets/", "/theme.css")
FOREVER = "public, max-age=31536000, immutable"
WORTH_IT = 1000


def lighter(page: ASGIApp) -> ASGIApp:
    """`page` with less to send. What it compresses itself, and streams of events, stay as they are."""
    return GZipMiddleware(_Kept(page), minimum_size=WORTH_IT)


class _Kept:
    """A file whose name changes with its content need never be asked for again."""

    def __init__(self, page: ASGIApp) -> None:
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def send_kept(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:  # noqa: PLR2004
                MutableHeaders(scope=message).setdefault("Cache-Control", FOREVER)
            await send(message)

        hashed = scope["type"] == "http" and scope["path"].startswith(HASHED)
        await self._page(scope, receive, send_kept if hashed else send)
