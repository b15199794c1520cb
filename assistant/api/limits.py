"""How often one client may ask: the setting RATE_LIMIT, counted over a moving window.

A client is a key, else an address; of IPv6 the network. A page counts for each question, and when it opens. Counts stay
for the length of the window in the memory of the process, or in a Redis that several processes share (REDIS_URL). While
Redis does not answer, each process counts by itself: nobody is refused for that. Responses tell the rest in `RateLimit`
and `RateLimit-Policy`, as the IETF's draft names them: `"default";r=LEFT;t=SECONDS` and `"default";q=LIMIT;w=SECONDS`.
To count another path, add it to COUNTED.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any

from limits import RateLimitItem, WindowStats, parse
from limits.errors import StorageError
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.addresses import network_of
from assistant.api.problems import problem
from assistant.errors import BadSetting, TooLarge

COUNTED = (
    "/api/v1/ask",
    "/api/v1/search",
    "/api/v1/feedback",
    "/v1/",
    "/mcp",
    "/gradio_api/queue/join",  # what the page asks; its smaller events take no queue
    "/gradio_api/call/",
)
CLIENTS = 100_000  # that one process remembers
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


@dataclass(frozen=True, slots=True)
class Standing:
    """How a client stands after a request: whether that was within the limit, how many are left, and the seconds until
    the oldest one is no longer counted."""

    within: bool
    left: int
    reset: int


class Window:
    """Counts what each client does over a moving window, in the memory of this process: each is remembered for as long
    as that, or until `most` others did something later. The memory of the library `limits` keeps every client for ever.
    """

    def __init__(self, limit: RateLimitItem, most: int = CLIENTS) -> None:
        self.limit, self._most = limit, most
        self._seconds = limit.get_expiry()
        self._moments: OrderedDict[str, deque[float]] = OrderedDict()  # who did something last is at the end
        self._lock = threading.Lock()
        self._later: threading.Timer | None = None

    def __len__(self) -> int:
        """How many clients are remembered."""
        return len(self._moments)

    def hit(self, client: str) -> int:
        """Count one; the seconds that this client is to wait, 0 within the limit."""
        standing = self.count(client)
        return 0 if standing.within else standing.reset

    def wait(self, client: str) -> int:
        """The seconds that this client is to wait, counting nothing."""
        standing = self.count(client, 0)
        return 0 if standing.left else standing.reset

    def count(self, client: str, cost: int = 1) -> Standing:
        """Count `cost` requests of a client, all or none."""
        client = network_of(client)
        with self._lock:
            self._forget(now := time.monotonic())
            moments = self._moments.get(client, deque())
            while moments and moments[0] <= now - self._seconds:
                moments.popleft()
            within = len(moments) + cost <= self.limit.amount
            if within and cost:
                moments.extend([now] * cost)
                self._remember(client, moments)
            oldest = moments[0] if moments else now
            reset = max(1, math.ceil(oldest + self._seconds - now))
            return Standing(within, self.limit.amount - len(moments), reset)

    def _remember(self, client: str, moments: deque[float]) -> None:
        self._moments[client] = moments
        self._moments.move_to_end(client)
        if len(self._moments) > self._most:
            self._moments.popitem(last=False)
        if self._later is None:
            self._forget_later()

    def _forget(self, now: float) -> None:
        """Whoever did nothing within the window."""
        while self._moments and next(iter(self._moments.values()))[-1] <= now - self._seconds:
            self._moments.popitem(last=False)

    def _forget_later(self) -> None:
        """Also when nobody comes any longer."""
        self._later = threading.Timer(self._seconds, self._forget_now)
        self._later.daemon = True
        self._later.start()

    def _forget_now(self) -> None:
        with self._lock:
            self._forget(time.monotonic())
            self._later = None
            if self._moments:
                self._forget_later()


class Counts:
    """Counts like `Window`, for all processes that share a Redis; without its address for this one."""

    def __init__(self, limit: RateLimitItem, redis_url: str = "") -> None:
        self.limit = limit
        self._here = Window(limit)
        self._shared = _shared(redis_url) if redis_url else None
        self._ask_from = self._tell_from = 0.0

    async def hit(self, client: str, cost: int = 1) -> Standing:
        """Count `cost` requests of a client, all or none."""
        if self._shared and time.monotonic() >= self._ask_from:
            client = network_of(client)
            try:
                async with asyncio.timeout(PATIENCE):
                    within = await self._shared.hit(self.limit, client, cost=cost)
                    return _standing(within, await self._shared.get_window_stats(self.limit, client))
            except (StorageError, TimeoutError) as error:
                self._note_away(error)
        return self._here.count(client, cost)

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
    limit. Raises TooLarge where that can never be within it."""
    counts: Counts | None = getattr(request.state, "counts", None)
    if counts is None or count < 1:
        return None
    if count >= (most := counts.limit.amount):
        raise TooLarge(f"These are {count + 1} questions, more than {counts.limit}.", f"Send {most} at most.")
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
    return Standing(within, max(0, stats.remaining), max(1, math.ceil(stats.reset_time - time.time())))


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
