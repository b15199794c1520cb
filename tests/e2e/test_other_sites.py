"""The real chat page does nothing for a page of another site."""

from __future__ import annotations

import httpx
import pytest

from tests.conftest import Server

JOIN = "/gradio_api/queue/join"


@pytest.mark.parametrize("origin", ["https://evil.example.eu", "null"])
@pytest.mark.parametrize(
    ("method", "path"), [("OPTIONS", JOIN), ("POST", JOIN), ("GET", "/config"), ("POST", "/gradio_api/upload")]
)
def test_another_site_is_turned_away(server: Server, method: str, path: str, origin: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    response = httpx.request(method, server.address + path, headers=headers)
    assert response.status_code == 403
    assert not [name for name in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("named", [(), ("Origin",)])
def test_the_page_itself_goes_on(server: Server, named: tuple[str, ...]) -> None:
    headers = dict.fromkeys(named, server.address)
    body = {"data": [], "fn_index": 0, "session_hash": "own", "trigger_id": None}
    assert httpx.post(server.address + JOIN, json=body, headers=headers).status_code == 200
