"""How the work of answers shares the server: how many at once, what else goes on meanwhile, how a failure is told."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from assistant.api import start_page
from assistant.api.app import create_app
from assistant.api.crowd import crowd
from assistant.api.running import AT_ONCE
from assistant.api.state import State
from assistant.errors import Crowded, NotReady
from assistant.library import Library
from assistant.records import Event, Status
from assistant.wiring import Stores
from tests.serving import serving, until

QUESTION = {"question": "Who spoke?"}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ask", "arguments": QUESTION}}
ACCEPT = {"Accept": "application/json"}
POOL = 40  # threads that the framework has for routes


class Failing:
    """Stands in for Assistant over a real library: works for a moment, counts who else does, and gives up."""

    warnings, reader = (), None

    def __init__(self, library: Library, moment: float = 0) -> None:
        self.library, self._moment, self._lock = library, moment, threading.Lock()
        self.running = self.most = 0
        self.searching, self.let_go, self.retriever = 0, threading.Event(), self

    def stream(self, *_: Any, **__: Any) -> Iterator[Event]:
        yield Status("search")
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(self._moment)
        with self._lock:
            self.running -= 1
        raise NotReady("The index is being built again.", "Try again in a moment.")

    def ask(self, *_: Any) -> None:
        list(self.stream())

    def search(self, *_: Any) -> None:
        with self._lock:
            self.searching += 1
        self.let_go.wait(20)
        raise NotReady("The search was let go.")


@pytest.fixture
def library(stores: Stores) -> Library:
    number = stores.library.begin_edition("words", 64)
    stores.library.finish_edition(number)
    stores.library.publish(number)
    return stores.library


def test_a_failure_in_the_middle_of_an_answer_says_what_to_do(library: Library) -> None:
    chat = {"messages": [{"role": "user", "content": "Who spoke?"}]}
    with serving(Failing(library)) as client:
        told = client.post("/api/v1/ask", json=QUESTION)
        as_openai = client.post("/v1/chat/completions", json=chat)
    assert (told.status_code, told.json()["remedy"]) == (503, "Try again in a moment.")
    assert as_openai.status_code == 503
    assert as_openai.json()["error"]["message"] == "The index is being built again. Try again in a moment."


def test_questions_are_answered_while_the_page_is_still_being_made(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_page, "PATIENCE", 0.2)
    with serving(Failing(library)) as client:
        seen, page, visitor = client.get("/readyz"), client.get("/"), client.get("/readyz?page=true")
        assert (seen.status_code, seen.json()["status"], seen.json()["page"]) == (200, "ready", False)
        assert "This page opens by itself" in page.text
        assert visitor.status_code == 503


def test_the_routes_of_questions_share_one_limit(library: Library) -> None:
    assistant = Failing(library, moment=0.5)

    async def ask(address: httpx.URL) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=address, timeout=30, limits=httpx.Limits(max_connections=100)) as client:
            by_protocol = [client.post("/mcp", json=CALL, headers=ACCEPT) for _ in range(AT_ONCE + 2)]
            return await asyncio.gather(*by_protocol, *(client.post("/api/v1/ask", json=QUESTION) for _ in range(4)))

    with serving(assistant) as client:
        client.post("/mcp", json=CALL, headers=ACCEPT)  # the first waits for the SDK
        answers = asyncio.run(ask(client.base_url))
    assert {answer.status_code for answer in answers} == {200, 503}
    assert assistant.most <= AT_ONCE


def test_who_looks_at_the_server_waits_for_nobody(library: Library) -> None:
    assistant = Failing(library)

    async def look(address: httpx.URL) -> list[int]:
        async with httpx.AsyncClient(base_url=address, timeout=30, limits=httpx.Limits(max_connections=100)) as client:
            searches = [asyncio.create_task(client.get("/api/v1/search?q=x")) for _ in range(POOL)]
            await asyncio.to_thread(until, lambda: assistant.searching == POOL)
            seen = [(await client.get(path, timeout=5)).status_code for path in ("/healthz", "/readyz")]
            assistant.let_go.set()
            await asyncio.gather(*searches)
            return seen

    with serving(assistant) as client:
        assert asyncio.run(look(client.base_url)) == [200, 200]


def test_a_start_that_fails_unexpectedly_tells_what_to_do_and_no_more() -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("/home/ana/secret: file is not a database")

    state = State()
    with TestClient(create_app(state, broken)) as client:
        until(lambda: state.failure)
        told = client.get("/readyz").json()["failure"] + client.post("/api/v1/ask", json={"question": "Why?"}).text
    assert "secret" not in told
    assert told.count("`cluster-talks doctor` tells what to mend.") == 2


ASKING = {
    "/api/v1/ask": QUESTION,
    "/api/v1/ask/stream": QUESTION,
    "/api/v1/ask/batch": [QUESTION],
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Who spoke?"}]},
    "/v1/responses": {"input": "Who spoke?"},
    "/mcp": CALL,
}


@pytest.mark.parametrize("route", ASKING)
def test_beyond_a_crowd_one_is_told_when_to_come_back(
    library: Library, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Failing(library)) as client:
        monkeypatch.setattr(crowd, "most", 0)
        refused = client.post(route, json=ASKING[route], headers=ACCEPT)
        looked = client.get("/readyz").status_code
        monkeypatch.undo()
        taken = client.post(route, json=ASKING[route], headers=ACCEPT)
    assert (refused.status_code, int(refused.headers["retry-after"]), looked) == (503, Crowded.wait, 200)
    assert "questions are waiting" in refused.text
    assert "questions are waiting" not in taken.text
    until(lambda: crowd.held == 0)


def test_who_is_in_a_crowd_is_answered_and_makes_room(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "most", AT_ONCE + 1)
    assistant = Stuck(library)

    async def come(address: httpx.URL) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=address, timeout=30, limits=httpx.Limits(max_connections=100)) as client:
            asked = [asyncio.create_task(client.post("/api/v1/ask", json=QUESTION)) for _ in range(AT_ONCE + 1)]
            await asyncio.to_thread(until, lambda: crowd.held == AT_ONCE + 1)
            refused = [await client.post("/api/v1/ask", json=QUESTION) for _ in range(2)]
            assistant.let_go.set()
            return [*refused, *await asyncio.gather(*asked), await client.post("/api/v1/ask", json=QUESTION)]

    with serving(assistant) as client:
        titles = [answer.json()["title"] for answer in asyncio.run(come(client.base_url))]
    assert titles == [Crowded.title] * 2 + [NotReady.title] * (AT_ONCE + 2)


class Stuck(Failing):
    """Works until it is let go."""

    def stream(self, *_: Any, **__: Any) -> Iterator[Event]:
        yield Status("search")
        self.let_go.wait(20)
        raise NotReady("The index is being built again.")
