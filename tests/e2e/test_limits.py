"""The rate limit: over addresses and keys, under concurrency, and shared by processes through a real Redis."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from limits import parse
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from assistant.addresses import network_of
from assistant.api import limits
from assistant.api.access import Access
from assistant.api.app import create_app
from assistant.api.limits import Counts, RateLimit, Window, rate_limit, spend
from assistant.api.state import State
from assistant.errors import BadSetting
from assistant.keys import Key
from assistant.settings import Settings, load_settings
from tests.conftest import ROOT, environment
from tests.serving import until

TEN = parse("10/minute")
SEARCH = "/api/v1/search?q=x"


# --- one process


async def _ok(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


def caller(app: Any, address: str = "192.0.2.1") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(address, 1)), base_url="http://test")


def statuses(app: Any, path: str, count: int, address: str = "192.0.2.1") -> list[int]:
    async def ask() -> list[int]:
        async with caller(app, address) as client:
            return [response.status_code for response in await asyncio.gather(*map(client.get, [path] * count))]

    return asyncio.run(ask())


def test_of_forty_at_once_exactly_ten_pass() -> None:
    assert sorted(statuses(RateLimit(_ok, TEN), SEARCH, 40)) == [200] * 10 + [429] * 30


COUNTED = {
    "/api/v1/ask/stream": True,
    "/v1/models": True,
    "/mcp": True,
    "/gradio_api/queue/join": True,
    "/gradio_api/call/ask": True,
    "/gradio_api/queue/data": False,
    "/api/v1/sources": False,
    "/healthz": False,
}


@pytest.mark.parametrize(("path", "counted"), COUNTED.items())
def test_what_is_counted(path: str, counted: bool) -> None:
    assert (429 in statuses(RateLimit(_ok, TEN), path, 11)) is counted


def test_the_headers_tell_how_many_are_left() -> None:
    async def ask() -> list[httpx.Response]:
        async with caller(RateLimit(_ok, TEN)) as client:
            return [await client.get(SEARCH) for _ in range(11)] + [await client.get("/healthz")]

    first, *_, tenth, late, free = asyncio.run(ask())
    assert first.headers["ratelimit-policy"] == late.headers["ratelimit-policy"] == '"default";q=10;w=60'
    assert first.headers["ratelimit"] == '"default";r=9;t=60'
    assert tenth.headers["ratelimit"].startswith('"default";r=0;')
    assert late.status_code == 429
    assert late.json()["remedy"] == f"Ask again in {late.headers['retry-after']} seconds."
    assert 1 <= int(late.headers["retry-after"]) <= 60
    assert "ratelimit" not in free.headers


def test_a_network_of_ipv6_counts_as_one_client_and_other_addresses_do_not() -> None:
    app = RateLimit(_ok, TEN)
    assert 429 not in statuses(app, SEARCH, 10, "2001:db8:1:2::1")
    assert statuses(app, SEARCH, 1, "2001:db8:1:2:ffff::9") == [429]
    assert statuses(app, SEARCH, 1, "2001:db8:1:3::1") == [200]
    assert network_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert [network_of(other) for other in ("192.0.2.1", "unknown", "key 3")] == ["192.0.2.1", "unknown", "key 3"]


def test_a_key_is_counted_wherever_it_comes_from() -> None:
    limited = RateLimit(_ok, TEN)
    keys = {str(n): Key(n, "Ana", "reader", "", None, None, None, None, ()) for n in (1, 2)}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"access": Access(keys[scope["query_string"].decode()])}
        await limited(scope, receive, send)

    assert 429 not in statuses(app, "/v1/models?1", 10)
    assert statuses(app, "/v1/models?1", 1, "192.0.2.99") == [429]
    assert statuses(app, "/v1/models?2", 1) == [200]


def test_one_request_may_count_as_several() -> None:
    async def costly(scope: Scope, receive: Receive, send: Send) -> None:
        refusal = await spend(HTTPConnection(scope), 8)
        await (refusal or _ok)(scope, receive, send)

    assert sorted(statuses(RateLimit(costly, TEN), "/api/v1/ask/batch", 2)) == [200, 429]
    assert statuses(costly, "/api/v1/ask/batch", 2) == [200, 200], "where there is no limit"


def test_a_window_can_be_looked_at_without_counting() -> None:
    window = Window(parse("1/minute"))
    assert [window.wait("a"), window.wait("a"), window.hit("a")] == [0, 0, 0]
    assert 1 <= window.wait("a") <= 60
    assert 1 <= window.hit("a") <= 60


def test_who_comes_no_longer_is_forgotten_also_when_nobody_else_comes() -> None:
    window = Window(parse("3/second"))
    assert [window.hit(f"10.0.{n // 256}.{n % 256}") for n in range(1000)] == [0] * 1000
    until(lambda: len(window) == 0)
    assert [window.hit("a") > 0 for _ in range(4)] == [False] * 3 + [True], "and it goes on counting"
    until(lambda: len(window) == 0)


def test_a_window_remembers_so_many_clients_and_the_latest() -> None:
    window = Window(parse("1/minute"), most=3)
    for client in "abcd":
        window.hit(client)
        window.wait("a")
    assert (len(window), window.wait("a"), window.wait("d") > 0) == (3, 0, True)


def test_a_moving_window_counts_what_is_not_too_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    window, now = Window(TEN), [1000.0]
    monkeypatch.setattr("assistant.api.limits.time.monotonic", lambda: now[0])
    first = window.count("a", 6)
    now[0] += 30
    second, over = window.count("a", 4), window.count("a", 1)
    now[0] += 30
    later, too_many = window.count("a", 6), window.count("a", 1)
    assert [(s.within, s.left, s.reset) for s in (first, second, over, later, too_many)] == [
        (True, 4, 60), (True, 0, 30), (False, 0, 30), (True, 0, 30), (False, 0, 30),
    ]  # fmt: skip


def test_many_threads_together_pass_the_limit_by_nothing() -> None:
    window = Window(TEN)
    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(lambda _: window.hit("a"), range(200)))
    assert waits.count(0) == 10


@pytest.mark.parametrize("url", ["localhost:6379", "http://redis", "redis:/x"])
def test_an_address_that_is_no_redis_stops_the_start(url: str) -> None:
    with pytest.raises(BadSetting, match=r"CLUSTER_TALKS_REDIS_URL.*redis://"):
        load_settings(redis_url=url)


def test_what_is_no_limit_stops_the_start() -> None:
    assert rate_limit("off") is None
    with pytest.raises(BadSetting, match="is no limit"):
        rate_limit("often")


# --- several processes, one Redis


class Redis:
    """A real redis-server on a port of its own that can be killed and started again."""

    def __init__(self, port: int, folder: Path) -> None:
        self.url = f"redis://127.0.0.1:{port}/0"
        self._command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self._port = port
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        wait_for(self._port)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait(10)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, f"nothing listens on {port}"
            time.sleep(0.05)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    if shutil.which("redis-server") is None:
        pytest.skip(
            "redis-server is not installed: apt-get install redis-server; `make test` does it where it runs as root"
        )
    made = Redis(free_port(), tmp_path)
    yield made
    made.kill()


@contextmanager
def limited_server(redis: str, limit: str) -> Iterator[str]:
    """A process of its own that counts as the server does, and opens no library: a search that passes is 503."""
    port = free_port()
    command = [sys.executable, "-c", "from tests.e2e.test_limits import serve; serve()", str(port), redis, limit]
    env = {**environment(Path("none"), Path("none")), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=env, cwd=ROOT)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def serve() -> None:
    """What that process runs. A machine that is busy beside it is not a Redis that is away."""
    import uvicorn

    limits.PATIENCE = 30.0
    port, redis, limit = sys.argv[1:]
    app = create_app(State(Settings(redis_url=redis)), lambda state, app: None, rate_limit(limit))
    uvicorn.run(app, port=int(port), log_level="warning")


async def flood(addresses: list[str], count: int) -> list[int]:
    async with httpx.AsyncClient(timeout=30) as client:
        asked = [client.get(addresses[n % len(addresses)] + SEARCH) for n in range(count)]
        return [response.status_code for response in await asyncio.gather(*asked)]


def test_two_processes_share_the_limit_and_redis_may_go_and_come_back(redis: Redis) -> None:
    with ExitStack() as stack:
        both = [stack.enter_context(limited_server(redis.url, "30/minute")) for _ in range(2)]
        assert sorted(asyncio.run(flood(both, 80))) == [429] * 50 + [503] * 30
        redis.kill()
        away = asyncio.run(flood(both, 20))
        assert away == [503] * 20, "nobody is refused because Redis is away"
        redis.start()
        time.sleep(1.2)  # it is asked again a second after it did not answer
        assert sorted(asyncio.run(flood(both, 80))) == [429] * 50 + [503] * 30


def test_a_redis_that_hangs_holds_nobody_up_and_is_told_of_once(
    redis: Redis, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def ask() -> tuple[list[bool], list[str]]:
        counts = Counts(TEN, redis.url)
        real = counts._shared.hit
        monkeypatch.setattr(
            counts._shared, "hit", lambda *given, **more: asked.append(given[1]) or real(*given, **more)
        )
        await counts.hit("before")
        os.kill(redis.process.pid, signal.SIGSTOP)
        within = [(await counts.hit("away")).within for _ in range(11)]
        seen = list(asked)
        counts._ask_from = 0.0  # as if time had passed: it is asked again, and hangs still
        await counts.hit("still away")
        os.kill(redis.process.pid, signal.SIGCONT)
        await asyncio.sleep(1.1)
        await counts.hit("back")
        return within, seen

    with caplog.at_level(logging.WARNING):
        within, seen = asyncio.run(ask())
    assert within == [True] * 10 + [False], "this process counts by itself"
    assert seen == ["before", "away"], "one waited for Redis, and not each"
    assert asked[2:] == ["still away", "back"]
    assert [record.message.startswith("Redis does not answer") for record in caplog.records] == [True]
