"""What the chat page sends: compressed, and kept by the browser where the name changes with the content."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.weight import FOREVER, lighter


def page(_: Request) -> Response:
    return HTMLResponse("word " * 1000)


def asset(request: Request) -> Response:
    return PlainTextResponse("x" * 2000, 200 if request.path_params["name"] == "a-1.js" else 404)


def events(_: Request) -> Response:
    def lines() -> Iterator[str]:
        yield "data: " + "x" * 2000 + "\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream")


@pytest.fixture
def client() -> TestClient:
    routes = [Route("/", page), Route("/assets/{name}", asset), Route("/events", events)]
    return TestClient(lighter(Starlette(routes=routes)))


def test_the_page_is_compressed_and_asked_for_again(client: TestClient) -> None:
    response = client.get("/")
    assert response.headers["content-encoding"] == "gzip"
    assert response.text == "word " * 1000
    assert "cache-control" not in response.headers


def test_a_file_with_a_hash_is_kept(client: TestClient) -> None:
    assert client.get("/assets/a-1.js").headers["cache-control"] == FOREVER


def test_a_missing_file_is_not_kept(client: TestClient) -> None:
    assert "cache-control" not in client.get("/assets/b-2.js").headers


def test_events_are_not_held_back_by_compression(client: TestClient) -> None:
    assert "content-encoding" not in client.get("/events").headers
