"""Streams of events: going on with one that broke off, heartbeats, clients that leave, are slow, or are many."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import fastapi.routing
import httpx
import pytest
from httpx_sse import ServerSentEvent, connect_sse

from assistant.engines import QUOTES, QuotesEngine
from assistant.library import Library
from assistant.records import Answer, Done, Edition, Event, Question, Said, Sentence, Status
from assistant.settings import Settings
from assistant.wiring import Stores
from tests.conftest import Server
from tests.serving import serving, until

STREAM = "/api/v1/ask/stream"
LASTED = {"question": "How long did the Talk last?"}
CHAT = {"model": "cluster-talks", "messages": [{"role": "user", "content": "Talk."}], "stream": True}


@dataclass
class Scripted:
    """Says `count` sentences, one every `pause` seconds; `said` is how many it got to."""

    library: Library
    count: int = 4
    pause: float = 0.0
    text: str = "Sentence."
    said: int = 0
    closed: bool = False
    editions: list[int | None] = field(default_factory=list)
    engine: QuotesEngine = QUOTES

    def stream(self, question: Question, edition: Edition | None = None) -> Iterator[Event]:
        try:
            yield from self._stream(question, edition)
        finally:
            self.closed = True

    def _stream(self, question: Question, edition: Edition | None) -> Iterator[Event]:
        self.editions.append(edition and edition.number)
        sentences = (Sentence(self.text, kind="notice"),) * (0 if question.text == "short" else self.count)
        yield Status("search")
        for sentence in sentences:
            time.sleep(self.pause)
            self.said += 1
            yield Said(sentence, ())
        served = (edition or self.library.current()).number
        yield Done(Answer("x", "All.", False, None, "en", question.text, sentences, (), (), served, "quotes"))


@pytest.fixture
def library(stores: Stores) -> Library:
    """A library that serves an empty edition."""
    stores.library.finish_edition(number := stores.library.begin_edition("words", 64))
    stores.library.publish(number)
    return stores.library


def events(client: httpx.Client, body: dict[str, Any], last: str = "") -> list[ServerSentEvent]:
    headers = {b"Last-Event-ID": last.encode()} if last else {}
    with connect_sse(client, "POST", STREAM, json=body, headers=headers) as source:
        return list(source.iter_sse())


def told(found: list[ServerSentEvent]) -> list[tuple[str, Any]]:
    """Names and data, without the times that each run has anew."""
    return [(event.event, {k: v for k, v in event.json().items() if k != "timings_ms"}) for event in found]


# --- a stream and what follows it


def test_every_event_has_the_id_of_the_answer_and_the_first_says_when_to_come_back(server: Server) -> None:
    with server.client() as client, connect_sse(client, "POST", STREAM, json=LASTED) as source:
        headers = source.response.headers
        found = list(source.iter_sse())
    done = found[-1].json()
    assert [event.id.split(".")[:3] for event in found] == [
        [done["id"], str(done["edition"]), str(number)] for number in range(1, len(found) + 1)
    ]
    assert found[0].retry == 2000
    assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-cache", "no")
    assert headers["content-type"].startswith("text/event-stream")


def test_a_stream_goes_on_behind_any_event_of_a_kept_answer(server: Server) -> None:
    with server.client() as client:
        whole = events(client, LASTED)
        for place, event in enumerate(whole[:-1], 1):
            rest = events(client, LASTED, event.id)
            assert [e.id for e in rest] == [e.id for e in whole[place:]]
            assert told(rest)[:-1] == told(whole)[place:-1]
            said, first = rest[-1].json(), whole[-1].json()
            assert {**said, "timings_ms": 0} == {
                **first, "timings_ms": 0, "question_used": "", "suggestions": [], "as_of": None,
            }  # fmt: skip
        assert [e.event for e in events(client, LASTED, whole[-1].id)] == ["done"], "whoever had all is told the end"


def test_a_stream_goes_on_from_its_edition_where_no_answer_is_kept(library: Library) -> None:
    assistant = Scripted(library)
    with serving(assistant, Settings(keep_answers=0)) as client:
        whole = events(client, LASTED)
        library.finish_edition(newer := library.begin_edition("words", 64))
        library.publish(newer)
        rest = events(client, LASTED, whole[2].id)
        assert ([e.id for e in rest], told(rest)) == ([e.id for e in whole[3:]], told(whole)[3:])
        assert assistant.editions == [1, 1]
        library.drop_edition(1)
        afresh = events(client, LASTED, whole[2].id)
    assert [e.event for e in afresh] == [e.event for e in whole], "the edition is gone: it begins afresh"
    assert afresh[-1].json()["edition"] == newer


class Writing(QuotesEngine):
    repeats = False


def test_a_stream_that_a_model_wrote_begins_afresh_where_no_answer_is_kept(library: Library) -> None:
    with serving(Scripted(library, engine=Writing()), Settings(keep_answers=0)) as client:
        whole = events(client, LASTED)
        afresh = events(client, LASTED, whole[2].id)
    assert [e.event for e in afresh] == [e.event for e in whole]
    assert afresh[0].id != whole[0].id


@pytest.mark.parametrize(
    "last", ["nonsense", "{id}", "{id}.1.2", "{id}.1.2.{zeros}", "{id}.7.2.{mark}", "é", "x" * 5000]
)
def test_an_event_id_that_cannot_be_used_begins_afresh(library: Library, last: str) -> None:
    with serving(Scripted(library)) as client:
        id_, *_, mark = (whole := events(client, LASTED))[1].id.split(".")
        sent = last.format(id=id_, mark=mark, zeros="0" * 32)
        afresh = events(client, LASTED, sent)
    assert [e.event for e in afresh] == [e.event for e in whole]
    assert afresh[-1].json()["id"] != id_


def test_nobody_goes_on_with_an_answer_to_another_question(library: Library) -> None:
    with serving(Scripted(library)) as client:
        mine = events(client, LASTED)
        theirs = events(client, {"question": "What else?"}, mine[2].id)
    assert len(theirs) == len(mine)
    assert theirs[-1].json()["id"] != mine[-1].json()["id"]


def test_a_heartbeat_comes_while_nothing_is_said(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fastapi.routing._PING_INTERVAL <= 15
    monkeypatch.setattr(fastapi.routing, "_PING_INTERVAL", 0.1)
    with serving(Scripted(library, count=1, pause=0.55)) as client:
        lines = client.post(STREAM, json=LASTED).text.splitlines()
    before = lines[: lines.index("event: sentence")]
    assert before.count(": ping") >= 2
    assert "event: done" in lines


# --- clients that leave


def left(assistant: Scripted) -> None:
    """The work has stopped, well before its end."""
    until(lambda: assistant.said)
    said = -1
    while said != assistant.said:
        said = assistant.said
        time.sleep(max(0.3, 4 * assistant.pause))
    assert said < assistant.count / 2


def test_the_work_stops_when_the_reader_of_a_stream_leaves(library: Library) -> None:
    assistant = Scripted(library, count=100, pause=0.03)
    with serving(assistant) as client:
        with client.stream("POST", STREAM, json=LASTED) as response:
            next(line for line in response.iter_lines() if "sentence" in line)
        left(assistant)


@pytest.mark.parametrize(("path", "body"), [(STREAM, LASTED), ("/v1/chat/completions", CHAT)])
def test_the_work_is_closed_at_once_when_a_reader_leaves_who_took_nothing(
    library: Library, path: str, body: dict[str, Any]
) -> None:
    """Not when Python comes to collect it: it may hold a model at work."""
    assistant = Scripted(library, count=100_000, text="x" * 20_000)
    gc.disable()
    try:
        with serving(assistant) as client:
            with socket.create_connection((client.base_url.host, client.base_url.port or 80)) as connection:
                connection.sendall(request(path, json.dumps(body)))
                left(assistant)  # it waits for who does not read
                assert not assistant.closed
            until(lambda: assistant.closed, 5)
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("path", "body"), [("/api/v1/ask", json.dumps(LASTED)), ("/api/v1/ask/batch", f"[{json.dumps(LASTED)}]")]
)
def test_the_work_stops_when_who_waits_for_the_whole_answer_leaves(library: Library, path: str, body: str) -> None:
    assistant = Scripted(library, count=100, pause=0.03)
    with serving(assistant) as client:
        with socket.create_connection((client.base_url.host, client.base_url.port or 80)) as connection:
            connection.sendall(request(path, body))
            until(lambda: assistant.said)
        left(assistant)
        assistant.count = 1
        assert client.post("/api/v1/ask", json=LASTED).status_code == 200


def request(path: str, body: str) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


# --- many clients, and slow ones

MANY = 200
WORKING = 20  # of them ask what takes work, the rest what no document of the kind can answer


def test_200_streams_are_open_at_once_and_none_fails(server: Server) -> None:
    ended = asyncio.run(_many(server.address))
    assert ended == ["done"] * MANY


async def _many(address: str) -> list[str]:
    open_now, all_open = 0, asyncio.Event()

    async def one(client: httpx.AsyncClient, number: int) -> str:
        nonlocal open_now
        body = LASTED if number < WORKING else {**LASTED, "filters": {"kind": ["none"]}}
        async with client.stream("POST", STREAM, json=body) as response:
            names = (line.removeprefix("event: ") async for line in response.aiter_lines() if line.startswith("event"))
            assert await anext(names) == "status"
            open_now += 1
            if open_now == MANY:
                all_open.set()
            await all_open.wait()
            return [name async for name in names][-1]

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as client:
        return await asyncio.gather(*(one(client, number) for number in range(MANY)))


def test_slow_readers_do_not_slow_the_rest(library: Library) -> None:
    """More of them than there are threads, each with far more to read than the network holds for it."""
    talkative = Scripted(library, count=100, text="x" * 200_000)
    with serving(talkative) as client, ExitStack() as stack:
        alone = _median(client, [])
        slow = [stack.enter_context(slowly(client, STREAM)) for _ in range(45)]
        until(lambda: _still(talkative))
        assert talkative.said < 45 * talkative.count / 2, "they wait for their readers"
        beside = _median(client, slow)
    assert beside < 10 * alone


@contextmanager
def slowly(client: httpx.Client, path: str) -> Iterator[socket.socket]:
    """A connection with a question, of whose answer nothing is read yet."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((client.base_url.host, client.base_url.port or 80))
        connection.sendall(request(path, json.dumps(LASTED)))
        yield connection


def _still(assistant: Scripted) -> bool:
    said = assistant.said
    time.sleep(0.5)
    return assistant.said == said


def _median(client: httpx.Client, slow: list[socket.socket]) -> float:
    """Seconds of a short answer, while each slow reader takes a byte between two of them."""

    def one() -> float:
        began = time.perf_counter()
        assert client.get("/healthz").status_code == 200
        assert client.post("/api/v1/ask", json={"question": "short"}).status_code == 200
        took = time.perf_counter() - began
        assert all(connection.recv(1) for connection in slow)
        return took

    return statistics.median(one() for _ in range(15))
