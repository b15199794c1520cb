"""What the API tells about documents, over a real library."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from assistant.records import Document
from assistant.wiring import Stores
from tests.serving import serving

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
