"""Ask from the command line: in this process, or through the server that owns the data folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import httpx
from pydantic import TypeAdapter

from assistant.api.ask import AskIn
from assistant.api.sources import SearchOut, search
from assistant.ask import Assistant
from assistant.errors import ClusterTalksError
from assistant.records import Answer
from assistant.settings import Settings


class Asker(Protocol):
    """The two calls of the HTTP interface that the commands need; both give and take its JSON."""

    def ask(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST /api/v1/ask."""
        ...

    def search(self, words: str, count: int) -> dict[str, Any]:
        """GET /api/v1/search."""
        ...


class LocalAsker:
    """In this process."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant

    def ask(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer as JSON. Raises ClusterTalksError."""
        answer = self._assistant.ask(AskIn.model_validate(body).question_record())
        return dict(TypeAdapter(Answer).dump_python(answer, mode="json"))

    def search(self, words: str, count: int) -> dict[str, Any]:
        """The passages as JSON. Raises ClusterTalksError."""
        return dict(TypeAdapter(SearchOut).dump_python(search(self._assistant, words, count), mode="json"))


class HttpAsker:
    """Through a running server."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def ask(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer as JSON. Raises ClusterTalksError with the problem document's text."""
        return self._result(self._client.post("/api/v1/ask", json=dict(body)))

    def search(self, words: str, count: int) -> dict[str, Any]:
        """The passages as JSON. Raises ClusterTalksError."""
        return self._result(self._client.get("/api/v1/search", params={"q": words, "count": count}))

    def _result(self, response: httpx.Response) -> dict[str, Any]:
        found: dict[str, Any] = response.json()
        if response.is_error:
            raise ClusterTalksError(str(found.get("detail")), str(found.get("remedy", "")))
        return found


@contextmanager
def open_asker(settings: Settings) -> Iterator[Asker]:
    """An asker over the data folder of `settings`, whoever owns it."""
    from assistant.wiring import DataFolder, open_assistant, open_stores

    folder = DataFolder(settings.data)
    if address := folder.served_at():
        with httpx.Client(base_url=address, timeout=60) as client:
            yield HttpAsker(client)
        return
    folder.own()
    try:
        stores = open_stores(settings)
        yield LocalAsker(open_assistant(settings, stores))
        stores.library.close()
    finally:
        folder.release()
