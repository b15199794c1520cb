"""What programs are told by a server, and what they leave open of their own data folder."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from assistant import wiring
from assistant.asking import open_asker, read_result
from assistant.errors import ClusterTalksError
from assistant.settings import Settings


def response(status: int, body: str) -> httpx.Response:
    return httpx.Response(status, text=body, request=httpx.Request("GET", "http://talks.example/api/v1/search"))


@pytest.mark.parametrize("body", ["null", "3", "[1, 2]", '[{"a": 1}, {"b": 2}]', "<html>"])
def test_what_is_no_json_of_ours_is_told(body: str) -> None:
    with pytest.raises(ClusterTalksError, match=r"talks\.example/\S+ answered with status 200 and no JSON of ours"):
        read_result(response(200, body))


def test_an_error_that_tells_nothing_is_told_by_its_status() -> None:
    with pytest.raises(ClusterTalksError, match=r"^Status 418\."):
        read_result(response(418, "{}"))


class Part:
    """Something that can be closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


def test_an_asker_closes_all_that_it_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library, vectors, engine = Part(), Part(), Part()
    opened: Any = SimpleNamespace(library=library, vectors=vectors)
    monkeypatch.setattr(wiring, "open_stores", lambda settings: opened)
    monkeypatch.setattr(wiring, "open_assistant", lambda settings, stores: SimpleNamespace(engine=engine))
    with pytest.raises(RuntimeError), open_asker(Settings(data=tmp_path)):
        raise RuntimeError
    assert [library.closed, vectors.closed, engine.closed] == [True, True, True]
    wiring.DataFolder(tmp_path).own()
