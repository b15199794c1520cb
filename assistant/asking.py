"""Ask from a program: in this process, or through the server that owns the data folder, or through one elsewhere.

What can be asked is what the HTTP interface offers; every call gives its JSON. To offer one more route to the command
line, the MCP server and the LangChain retriever, add a method to `Asker` and to its two classes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, Protocol
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter

from assistant.api.ask import AskIn
from assistant.api.batch import NDJSON, BatchOut, answered, read_lines
from assistant.api.sources import SearchOut, SourcesOut, TextOut, search, sources, text
from assistant.ask import Assistant
from assistant.errors import (
    BadRequest,
    ClusterTalksError,
    Crowded,
    Forbidden,
    NotFound,
    NotReady,
    TooLarge,
    TooMany,
    Unauthorized,
)
from assistant.records import Answer, Question
from assistant.settings import Settings

TIMEOUT = 60  # seconds
KINDS: tuple[type[ClusterTalksError], ...] = (
    BadRequest,
    TooLarge,
    Unauthorized,
    Forbidden,
    NotFound,
    TooMany,
    Crowded,
    NotReady,
)
ERRORS = {kind.status: kind for kind in KINDS}  # where something between answers for the server
TITLED = {kind.title: kind for kind in KINDS}

HOW_WITH_A_KEY = (
    "Set CLUSTER_TALKS_KEY to a key of that server, or give one as `--key`, in a program as `key`; "
    "whoever runs the server makes keys with `cluster-talks keys create NAME`."
)


class Asker(Protocol):
    """The calls of the HTTP interface that programs need. `site`: the address that links of an answer lead to, empty
    where no page is served."""

    site: str

    def ask(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST /api/v1/ask."""
        ...

    def batch(self, lines: Sequence[str]) -> Iterator[dict[str, Any]]:
        """POST /api/v1/ask/batch: a line of its response for each of up to 100 lines."""
        ...

    def search(self, words: str, count: int, **narrowed: Any) -> dict[str, Any]:  # noqa: ANN401
        """GET /api/v1/search; `narrowed` are its parameters `kind`, `language` and `as_of`."""
        ...

    def sources(self, edition: int | None = None) -> dict[str, Any]:
        """GET /api/v1/sources."""
        ...

    def text(self, document: str, edition: int | None = None) -> dict[str, Any]:
        """GET /api/v1/sources/{id}/text."""
        ...


class LocalAsker:
    """In this process. `note` is told each question with its answer."""

    def __init__(
        self, assistant: Assistant, site: str = "", note: Callable[[Question, Answer], None] = lambda *_: None
    ) -> None:
        self._assistant, self.site, self._note = assistant, site, note

    def ask(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer as JSON. Raises ClusterTalksError."""
        question = AskIn.model_validate(body).question_record()
        answer = self._assistant.ask(question)
        self._note(question, answer)
        return _json(Answer, answer)

    def batch(self, lines: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The lines of the response, each when it is ready. Raises ClusterTalksError."""
        for event in answered(read_lines("\n".join(lines).encode()), self._assistant, self._note):
            if isinstance(event, BatchOut):
                yield dict(json.loads(event.line()))

    def search(self, words: str, count: int, **narrowed: Any) -> dict[str, Any]:  # noqa: ANN401
        """The passages as JSON. Raises ClusterTalksError."""
        return _json(SearchOut, search(self._assistant, words, count, **narrowed))

    def sources(self, edition: int | None = None) -> dict[str, Any]:
        """The documents as JSON. Raises ClusterTalksError."""
        return _json(SourcesOut, sources(self._assistant, edition))

    def text(self, document: str, edition: int | None = None) -> dict[str, Any]:
        """A document with its text as JSON. Raises ClusterTalksError."""
        return _json(TextOut, text(document, self._assistant, edition))


class HttpAsker:
    """Through a running server."""

    def __init__(self, client: httpx.Client) -> None:
        self._client, self.site = client, str(client.base_url).rstrip("/")

    def ask(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer as JSON. Raises ClusterTalksError with the problem document's text."""
        return self._result("POST", "/api/v1/ask", json=dict(body))

    def batch(self, lines: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The lines of the response, each when it is ready. Raises ClusterTalksError."""
        body, kind = "\n".join(lines).encode(), {"Content-Type": NDJSON}
        with (
            reaching(self.site),
            self._client.stream("POST", "/api/v1/ask/batch", content=body, headers=kind) as response,
        ):
            if response.is_error:
                response.read()
                read_result(response)
            yield from map(json.loads, response.iter_lines())

    def search(self, words: str, count: int, **narrowed: Any) -> dict[str, Any]:  # noqa: ANN401
        """The passages as JSON. Raises ClusterTalksError."""
        return self._result("GET", "/api/v1/search", params=search_parameters(words, count, **narrowed))

    def sources(self, edition: int | None = None) -> dict[str, Any]:
        """The documents as JSON. Raises ClusterTalksError."""
        return self._result("GET", "/api/v1/sources", params=_given(edition=edition))

    def text(self, document: str, edition: int | None = None) -> dict[str, Any]:
        """A document with its text as JSON. Raises ClusterTalksError."""
        return self._result("GET", f"/api/v1/sources/{quote(document, safe='')}/text", params=_given(edition=edition))

    def _result(self, method: str, path: str, **sent: Any) -> dict[str, Any]:  # noqa: ANN401
        with reaching(self.site):
            return read_result(self._client.request(method, path, **sent))


def search_parameters(words: str, count: int, **narrowed: Any) -> dict[str, Any]:  # noqa: ANN401
    """The query of GET /api/v1/search."""
    return {"q": words, "count": count, **_given(**narrowed)}


def read_result(response: httpx.Response) -> dict[str, Any]:
    """The JSON of a response. Raises ClusterTalksError with the problem document's text."""
    try:
        found = dict(response.json())
    except (ValueError, TypeError) as error:
        raise ClusterTalksError(
            f"{response.url} answered with status {response.status_code} and no JSON of ours.", "Check the address."
        ) from error
    if response.is_error:
        raise _refused(response, found)
    return found


def _refused(response: httpx.Response, problem: Mapping[str, Any]) -> ClusterTalksError:
    """The error that a problem document tells."""
    kind = TITLED.get(str(problem.get("title"))) or ERRORS.get(response.status_code, ClusterTalksError)
    detail = str(problem.get("detail") or f"Status {response.status_code}.")
    refused = kind(detail, HOW_WITH_A_KEY if kind is Unauthorized else str(problem.get("remedy", "")))
    refused.title = str(problem.get("title", kind.title))
    seconds = response.headers.get("Retry-After", "")
    if isinstance(refused, TooMany) and seconds.isdigit():
        refused.wait = int(seconds)
    return refused


@contextmanager
def reaching(address: str) -> Iterator[None]:
    """Raise NotReady where a server does not answer."""
    try:
        yield
    except httpx.TransportError as error:
        raise NotReady(
            f"{address} does not answer: {error or type(error).__name__}.",
            "Start it with `cluster-talks serve`, or check the address.",
        ) from error


def key_header(key: str | None) -> dict[str, str]:
    """The headers of a request that brings a key."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def _json(kind: Any, record: object) -> dict[str, Any]:  # noqa: ANN401
    return dict(TypeAdapter(kind).dump_python(record, mode="json"))


def _given(**values: Any) -> dict[str, Any]:  # noqa: ANN401
    return {name: value for name, value in values.items() if value not in (None, ())}


@contextmanager
def open_remote(url: str, key: str | None = None) -> Iterator[Asker]:
    """An asker through the server at an address."""
    with httpx.Client(base_url=url, headers=key_header(key), timeout=TIMEOUT) as client:
        yield HttpAsker(client)


@contextmanager
def open_asker(settings: Settings) -> Iterator[Asker]:
    """An asker over the data folder of `settings`, whoever owns it; a server that does is sent the setting KEY."""
    from assistant.wiring import DataFolder, open_assistant, owned_stores

    if address := DataFolder(settings.data).served_at():
        with open_remote(address, settings.key.get_secret_value()) as asker:
            yield asker
        return
    with owned_stores(settings) as stores:
        assistant = open_assistant(settings, stores)
        with closing(assistant.engine):
            yield LocalAsker(assistant)
