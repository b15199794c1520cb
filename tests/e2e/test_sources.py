"""What the API tells about documents, over a real library."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from assistant.records import Document
from assistant.wiring import Stores
from tests.conftest import Server
from tests.serving import serving

NOWHERE = 10**19  # more than a database holds
OUTSIDE = Document("d1", "guide.md", "A guide", "0" * 64, root="/home/ana/guidance")


def test_no_route_tells_the_folders_of_the_machine(stores: Stores) -> None:
    edition = stores.library.begin_edition("words", 64)
    stores.library.add_version(OUTSIDE, "A text.", [])
    stores.library.add_members(edition, [OUTSIDE.digest])
    stores.library.finish_edition(edition)
    stores.library.publish(edition)
    assistant: Any = SimpleNamespace(library=stores.library)
    with serving(assistant) as client:
        listed = client.get("/api/v1/sources").json()["documents"]
        told = client.get("/api/v1/sources/d1/text").json()["document"]
    assert (listed[0]["root"], told["root"]) == ("guidance", "guidance")


@pytest.mark.parametrize("path", ["/api/v1/sources", "/api/v1/sources/d1/text", "/read/d1"])
@pytest.mark.parametrize("edition", [NOWHERE, 0, -1])
def test_an_edition_that_cannot_be_is_refused(server: Server, path: str, edition: int) -> None:
    response = httpx.get(f"{server.address}{path}", params={"edition": edition})
    assert (response.status_code, response.json()["detail"][:8]) == (422, "edition:")


@pytest.mark.parametrize("name", ["start", "end"])
def test_a_place_that_cannot_be_is_refused(server: Server, name: str) -> None:
    for value in (NOWHERE, -1):
        response = httpx.get(f"{server.address}/read/d1", params={name: value})
        assert (response.status_code, response.json()["status"]) == (422, 422)
