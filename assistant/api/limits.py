"""How often one client may ask: the setting RATE_LIMIT, counted over a moving window."""

from __future__ import annotations

import math
import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.api.problems import problem
from assistant.errors import BadSetting

COUNTED = ("/api/v1/ask", "/api/v1/search", "/api/v1/feedback")


def rate_limit(setting: str) -> RateLimitItem | None:
    """The limit that a setting such as "60/minute" means, None for "off". Raises BadSetting."""
    if setting == "off":
        return None
    try:
        return parse(setting)
    except ValueError as error:
        raise BadSetting(
            f"CLUSTER_TALKS_RATE_LIMIT={setting!r} is no limit.", 'Write for example "60/minute", or "off".'
        ) from error


def client_of(scope: Scope) -> str:
    """The address that a request came from, "unknown" where the server does not know it."""
    return str(scope["client"][0]) if scope.get("client") else "unknown"


class Window:
    """Counts what each client does over a moving window, in the memory of this process."""

    def __init__(self, limit: RateLimitItem) -> None:
        self.limit = limit
        self._counts = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, client: str) -> int:
        """Count one; the seconds that this client is to wait, 0 within the limit."""
        if self._counts.hit(self.limit, client):
            return 0
        return max(1, math.ceil(self._counts.get_window_stats(self.limit, client).reset_time - time.time()))


class RateLimit:
    """Refuse questions and searches of a client address over the limit, and say when to come back."""

    def __init__(self, app: ASGIApp, limit: RateLimitItem) -> None:
        self._app, self._window = app, Window(limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        counted = scope["type"] == "http" and scope["path"].startswith(COUNTED)
        if counted and (wait := self._window.hit(client_of(scope))):
            refusal = problem(
                429,
                "Too many questions",
                f"More than {self._window.limit}.",
                f"Ask again in {wait} seconds.",
                retry=wait,
            )
            return await refusal(scope, receive, send)
        return await self._app(scope, receive, send)
