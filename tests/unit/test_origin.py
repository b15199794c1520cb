"""What a page of another site may not do with the chat page of this one."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from ui.origin import own

EVIL = "https://evil.example.eu"


def page(_: Request) -> Response:
    return PlainTextResponse("the page")


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


@pytest.fixture
def client() -> TestClient:
    app = Starlette(routes=[Route("/", page, methods=["GET", "POST"]), WebSocketRoute("/socket", echo)])
    return TestClient(own(app), "http://talks.example.eu")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://talks.example.eu"}, 200),
        ({"Origin": "https://talks.example.eu"}, 200),
        ({"Origin": "https://talks.example.eu", "Host": "TALKS.example.eu:443"}, 200),
        ({"Origin": "https://talks.example.eu", "Host": "inside:8000", "X-Forwarded-Host": "talks.example.eu"}, 200),
        ({"Origin": "https://talks.example.eu", "Host": "inside:8000", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://[fd00::7]:8000", "Host": "[fd00::7]:8000"}, 200),
        ({"Origin": EVIL}, 403),
        ({"Origin": EVIL, "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://other.talks.example.eu"}, 403),
        ({"Origin": "http://talks.example.eu:8001"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "null", "Host": "null"}, 403),
        ({"Origin": "http://talks.example.eu:x"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": EVIL, "Host": "["}, 403),
    ],
)
def test_only_requests_of_this_site_go_on(client: TestClient, headers: dict[str, str], status: int) -> None:
    assert client.post("/", headers=headers).status_code == status


def test_a_refusal_says_what_to_do(client: TestClient) -> None:
    refused = client.get("/", headers={"Origin": EVIL}).json()
    assert refused["title"] == "Not from another site"
    assert "X-Forwarded-Host" in refused["remedy"]


def test_a_socket_of_another_site_is_closed(client: TestClient) -> None:
    with client.websocket_connect("/socket", headers={"Origin": "http://testserver"}) as socket:
        assert socket.receive_text() == "hello"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/socket", headers={"Origin": EVIL}):
        pass
