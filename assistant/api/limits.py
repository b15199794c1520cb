"""How often one client may ask: the setting RATE_LIMIT, counted over a moving window.

A client is a key, else an address; of IPv6 the network, since one line has 2^64 addresses. Counts stay in the memory of
the process, or in a Redis that several processes share (REDIS_URL). While Redis does not answer, each process counts by
itself: nobody is refused for that. Responses tell the rest in `RateLimit` and `RateLimit-Policy`, as the IETF's draft
names them: `"default";r=LEFT;t=SECONDS` and `"default";q=LIMIT;w=SECONDS`. To count another path, add it to COUNTED.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from limits import RateLimitItem, WindowStats, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.api.problems import problem
from assistant.errors import BadSetting

COUNTED = ("/api/v1/ask", "/api/v1/search", "/api/v1/feedback", "/v1/", "/mcp")
PATIENCE = 0.5  # seconds that Redis may take
AGAIN = 1.0  # seconds until it is asked again after it did not answer
CONNECTIONS = 20
TELL_EVERY = 60.0  # seconds between two lines of the log about it

log = logging.getLogger(__name__)


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


def network_of(client: str) -> str:
    """What an address counts as: itself, of IPv6 its network of /64. Anything else is left as it is."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if not isinstance(address, IPv6Address):
        return client
    return str(address.ipv4_mapped or ip_network((int(address), 64), strict=False))


class Window:
    """Counts what each client does over a moving window, in the memory of this process."""

    def __init__(self, limit: RateLimitItem) -> None:
        self.limit = limit
        self._counts = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, client: str) -> int:
        """Count one; the seconds that this client is to wait, 0 within the limit."""
        client = network_of(client)
        return 0 if self._counts.hit(self.limit, client) else self._seconds(client)

    def wait(self, client: str) -> int:
        """The seconds that this client is to wait, counting nothing."""
        client = network_of(client)
        return 0 if self._counts.test(self.limit, client) else self._seconds(client)

    def _seconds(self, client: str) -> int:
        return _until(self._counts.get_window_stats(self.limit, client))


@dataclass(frozen=True, slots=True)
class Standing:
    """How a client stands after a request: whether that was within the limit, how many are left, and the seconds until
    the oldest one is no longer counted."""

    within: bool
    left: int
    reset: int


class Counts:
    """Counts like `Window`, for all processes that share a Redis; without its address for this one."""

    def __init__(self, limit: RateLimitItem, redis_url: str = "") -> None:
        self.limit = limit
        self._here = MovingWindowRateLimiter(MemoryStorage())
        self._shared = _shared(redis_url) if redis_url else None
        self._ask_from = self._tell_from = 0.0

    async def hit(self, client: str, cost: int = 1) -> Standing:
        """Count `cost` requests of a client, all or none."""
        client = network_of(client)
        if self._shared and time.monotonic() >= self._ask_from:
            try:
                async with asyncio.timeout(PATIENCE):
                    within = await self._shared.hit(self.limit, client, cost=cost)
                    return _standing(within, await self._shared.get_window_stats(self.limit, client))
            except (StorageError, TimeoutError) as error:
                self._note_away(error)
        within = self._here.hit(self.limit, client, cost=cost)
        return _standing(within, self._here.get_window_stats(self.limit, client))

    def _note_away(self, error: Exception) -> None:
        now = time.monotonic()
        self._ask_from = now + AGAIN
        if now >= self._tell_from:
            self._tell_from = now + TELL_EVERY
            reason = getattr(error, "storage_error", error)
            log.warning("Redis does not answer (%s): each process counts by itself.", reason or type(reason).__name__)


class RateLimit:
    """Refuse questions and searches of a client over the limit, and say when to come back."""

    def __init__(self, app: ASGIApp, limit: RateLimitItem, redis_url: str = "") -> None:
        self._app, self._counts = app, Counts(limit, redis_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not scope["path"].startswith(COUNTED):
            return await self._app(scope, receive, send)
        scope.setdefault("state", {})["counts"] = self._counts
        standing = await self._counts.hit(asker_of(scope))
        app = self._app if standing.within else _refusal(self._counts.limit, standing)
        return await app(scope, receive, _telling(send, self._counts.limit, standing))


def asker_of(scope: Scope) -> str:
    """Whose requests these are: the key that `Access` found, else the address."""
    access = scope.get("state", {}).get("access")
    key = access and (access.key or access.session)
    return f"key {key.id}" if key else client_of(scope)


async def spend(request: HTTPConnection, count: int) -> Response | None:
    """Count so many more requests, where one does the work of several; the refusal to answer with, None within the
    limit."""
    counts: Counts | None = getattr(request.state, "counts", None)
    if counts is None or count < 1:
        return None
    standing = await counts.hit(asker_of(request.scope), count)
    return None if standing.within else _refusal(counts.limit, standing)


def _refusal(limit: RateLimitItem, standing: Standing) -> Response:
    remedy = f"Ask again in {standing.reset} seconds."
    return problem(429, "Too many questions", f"More than {limit}.", remedy, retry=standing.reset)


def _telling(send: Send, limit: RateLimitItem, standing: Standing) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["RateLimit-Policy"] = f'"default";q={limit.amount};w={limit.get_expiry()}'
            headers["RateLimit"] = f'"default";r={standing.left};t={standing.reset}'
        await send(message)

    return send_with_headers


def _standing(within: bool, stats: WindowStats) -> Standing:
    return Standing(within, max(0, stats.remaining), _until(stats))


def _until(stats: WindowStats) -> int:
    return max(1, math.ceil(stats.reset_time - time.time()))


def _shared(url: str) -> Any:  # noqa: ANN401 - the two limiters of the library have no common type
    """A limiter over Redis. Nothing is sent before the first request."""
    from limits.aio.storage import RedisStorage
    from limits.aio.strategies import MovingWindowRateLimiter as Limiter
    from redis.asyncio import BlockingConnectionPool
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    waits = dict.fromkeys(("timeout", "socket_timeout", "socket_connect_timeout"), PATIENCE)
    pool = BlockingConnectionPool.from_url(url, max_connections=CONNECTIONS, retry=Retry(NoBackoff(), 1), **waits)
    uri = "async+" + url.replace("unix://", "redis+unix://", 1)
    options: dict[str, Any] = {"connection_pool": pool, "wrap_exceptions": True}
    return Limiter(RedisStorage(uri, implementation="redispy", key_prefix="CLUSTER_TALKS", **options))
