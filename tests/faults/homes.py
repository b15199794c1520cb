"""What tests do with a home: write its page, open its stores, serve them, ask, rate, ingest and examine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx

from assistant import doctor
from assistant.settings import Settings
from assistant.wiring import Stores, open_assistant, open_stores, plugin
from tests.faults.started import Home
from tests.faults.work import OKAPI, PAGE, QUESTION, said
from tests.serving import serving

ASK, RATE = "/api/v1/ask", "/api/v1/feedback"
PARTS = ("library", "words", "vectors")


def write(home: Home, count: int) -> None:
    (home.corpus / PAGE).write_text(OKAPI.format(count=count), encoding="utf-8")


@contextmanager
def opened(home: Home) -> Iterator[Stores]:
    stores = open_stores(home.settings())
    with closing(stores.library), closing(stores.vectors):
        yield stores


@contextmanager
def served(home: Home) -> Iterator[tuple[httpx.Client, Stores]]:
    with opened(home) as stores, serving(open_assistant(home.settings(), stores), home.settings()) as client:
        yield client, stores


def ingested(home: Home, stores: Stores) -> int:
    return int(plugin("ingest")(home.settings(), stores, None, quiet).ingest([]).edition)


def answered(client: httpx.Client, **headers: str) -> int:
    response = client.post(ASK, json={"question": QUESTION}, headers=headers)
    assert response.status_code == 200, response.text
    return said(response.json()["answer"])


def rated(client: httpx.Client, answer: str) -> httpx.Response:
    return client.post(RATE, json={"answer": answer, "rating": "up", "language": "en", "edition": 1})


def examined(settings: Settings, *parts: str) -> list[str]:
    return [doctor._examined(part, doctor.CHECKS[part], settings).state for part in parts]


def quiet(*_: Any) -> None:
    """Nobody looks how far it is."""
