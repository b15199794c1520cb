"""The API's document (OpenAPI 3.1): what FastAPI writes, completed with what all routes have in common, and examples.

A summary is the beginning of a route's docstring. Examples stand in openapi.json by operation: `request`, `response`,
and in `errors` what is said where a status means something of its own; they were recorded from the real documents and
shortened. A new tag is a line of TAGS, a new status a line of USUAL.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from assistant.api.access import OPEN
from assistant.api.examples import ANSWER
from assistant.api.limits import COUNTED
from assistant.api.openai.errors import PREFIX as OPENAI
from assistant.api.openai.errors import error_of
from assistant.api.openai.examples import COMPLETION, RESPONSE
from assistant.api.problems import MAX_BODY, MEDIA_TYPE, Problem
from assistant.keys import SCOPES

SERVERS: list[dict[str, Any]] = [{"url": "/", "description": "The server that this document comes from"}]
TAGS = [
    {"name": "ask", "description": "Ask one question or many, read an answer again, rate it."},
    {"name": "sources", "description": "Search the documents, and read them as they were cited."},
    {"name": "openai", "description": "The same answers for clients of OpenAI; their base URL is /v1 of this server."},
    {"name": "staff", "description": "What people ask that the documents lack, and what they think of answers."},
    {"name": "maintain", "description": "Documents, runs, editions, and the questions that new editions are asked."},
    {"name": "operations", "description": "For whoever runs the server."},
]
ROLES = {"staff": "staff", "maintain": "maintainer"}  # the role that routes with this tag need
KEYS: list[dict[str, list[str]]] = [{"key": []}, {"key_header": []}]
OTHER = "default"
USUAL = {  # what a response with this status says
    OTHER if status == HTTPStatus.INTERNAL_SERVER_ERROR else str(status): Problem(
        title=title, status=status, detail=detail, remedy=remedy
    )
    for status, title, detail, remedy in (
        (400, "The body is not JSON", "Expecting value.", "Send a JSON object."),
        (401, "A key is needed", "The key is unknown or revoked.", "Send `Authorization: Bearer` and a key."),
        (403, "Not allowed with this key", "The role reader may not do this.", "Use a key with the role maintainer."),
        (404, "Not found", "There is no edition 99.", "`cluster-talks editions` lists them."),
        (409, "Not possible in this state", "Edition 2 is being served.", "Publish another one first."),
        (413, "The request is too large", f"Over {MAX_BODY:,} bytes.", "Send less."),
        (422, "The request cannot be used", "The question is empty.", "Write a question."),
        (429, "Too many questions", "More than 60 per 1 minute.", "Ask again in 12 seconds."),
        (500, "Something went wrong", "The server met an unexpected error.", "Try again; then tell us."),
        (503, "Not ready yet", "The documents are being prepared (embed 420 of 1164).", "Try again in a moment."),
    )
}
WHOLE = {  # examples with what is null in them, which FastAPI leaves out
    "POST /api/v1/ask": ANSWER,
    "POST /api/v1/editions/{edition}/ask": ANSWER,
    "POST /v1/chat/completions": COMPLETION,
    "POST /v1/responses": RESPONSE,
}
UNCOUNTED = {"429": {"title": "Too many keys were refused", "detail": "None of them is known."}}
ALWAYS, ALWAYS_OPEN = ("401", "403", "429", "503"), ("429",)  # what is answered before a route is reached
WITH_BODY, WITH_BODY_OPENAI = ("400", "413", "422"), ("400", "413")
JSON = "application/json"
_AGAIN = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}}}
_HEADERS: dict[str, dict[str, dict[str, Any]]] = {
    "401": {"WWW-Authenticate": {"description": "`Bearer`", "schema": {"type": "string"}}},
    "429": _AGAIN,
    "503": _AGAIN,
}
_LIMITS: dict[str, dict[str, Any]] = {
    "RateLimit-Policy": {"description": '`"default";q=LIMIT;w=SECONDS`', "schema": {"type": "string"}},
    "RateLimit": {"description": '`"default";r=LEFT;t=SECONDS`', "schema": {"type": "string"}},
}
_END = re.compile(r"\.( |$)|[,:;] ")
_SHAPES = re.compile(r"schemas/(Problem|ErrorsOut|HTTPValidationError)")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the document: `entry` is what stands there, and is completed in place."""

    method: str
    path: str
    entry: dict[str, Any]

    @property
    def name(self) -> str:
        """For example "GET /healthz"."""
        return f"{self.method.upper()} {self.path}"

    @property
    def openai(self) -> bool:
        """Whether its errors have OpenAI's shape."""
        return self.path.startswith(OPENAI)

    @property
    def recorded(self) -> dict[str, Any]:
        """Its lines of openapi.json."""
        return _recorded().get(self.name, {})

    @property
    def bodies(self) -> dict[str, Any]:
        """What can be sent, by media type."""
        bodies: dict[str, Any] = self.entry.get("requestBody", {}).get("content", {})
        return bodies


def install(app: FastAPI) -> None:
    """Complete the document whenever the application has written it anew."""
    write = app.openapi
    completed: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        nonlocal completed
        if (document := write()) is not completed:
            completed = complete(document)
        return completed

    app.openapi = openapi  # type: ignore[method-assign]


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The same document, completed in place."""
    for operation in operations(document):
        _describe(operation)
        _add_errors(operation)
        _add_headers(operation)
        _add_examples(operation)
    for unused in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(unused, None)
    return document


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    """Every operation of a document."""
    for path, methods in document["paths"].items():
        for method, entry in methods.items():
            yield Operation(method, path, entry)


@cache
def _recorded() -> dict[str, dict[str, Any]]:
    read: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return read


def _describe(operation: Operation) -> None:
    """Its summary, who may use it, and how a key is sent."""
    entry, text = operation.entry, " ".join(operation.entry.get("description", "").split())
    end = _END.search(text)
    entry["summary"] = operation.recorded.get("summary") or text[: end.start() if end else None] or entry["summary"]
    entry["description"] = f"{text}\n\n{_wanted(operation)}"
    if operation.path not in OPEN:
        entry.setdefault("security", [{}, *KEYS])


def _wanted(operation: Operation) -> str:
    """Which key an operation wants, in a sentence."""
    if operation.path in OPEN:
        return "Needs no key."
    role = next((ROLES[tag] for tag in operation.entry.get("tags", ()) if tag in ROLES), None)
    scopes = [f"`{name}`" for name, asked in SCOPES.items() if any(fnmatchcase(operation.name, like) for like in asked)]
    needed = f"Needs a key with the role {role}" if role else "Needs no key, unless the server wants one for everything"
    return f"{needed}; the scope for a restricted key is {' or '.join(scopes) or 'not there'}."


def _add_errors(operation: Operation) -> None:
    """What is answered before a route is reached; and of every error its shape and an example."""
    known = operation.entry["responses"]
    told = {s for s, entry in known.items() if s in USUAL and _SHAPES.search(json.dumps(entry))}
    always = ALWAYS_OPEN if operation.path in OPEN else ALWAYS
    with_body = WITH_BODY_OPENAI if operation.openai else WITH_BODY
    wanted = {*told, *always, *(with_body if JSON in operation.bodies else ())}
    known |= {status: _error(operation, status) for status in wanted}
    operation.entry["responses"] = dict(sorted(known.items()))


def _error(operation: Operation, status: str) -> dict[str, Any]:
    """The entry of an error."""
    usual, said = USUAL[status], operation.recorded.get("errors", {}).get(status, {})
    if operation.openai:
        body = error_of(usual.status, f"{usual.detail} {usual.remedy}")["error"]
        return _entry(status, JSON, "ErrorsOut", {"error": body | said})
    if not operation.path.startswith(COUNTED):
        said = UNCOUNTED.get(status, said)
    return _entry(status, MEDIA_TYPE, "Problem", usual.model_copy(update=said).model_dump())


def _entry(status: str, media_type: str, shape: str, example: dict[str, Any]) -> dict[str, Any]:
    content = {"schema": {"$ref": f"#/components/schemas/{shape}"}, "example": example}
    phrase = "Any other error" if status == OTHER else HTTPStatus(int(status)).phrase
    return {"description": phrase, "content": {media_type: content}}


def _add_headers(operation: Operation) -> None:
    for status, response in operation.entry["responses"].items():
        counted = operation.path.startswith(COUNTED) and status[0] in "24"
        if headers := _HEADERS.get(status, {}) | (_LIMITS if counted else {}):
            response["headers"] = headers | response.get("headers", {})


def _add_examples(operation: Operation) -> None:
    """Of what is sent, and of what is answered that is no error."""
    recorded, entry = operation.recorded, operation.entry
    for body in operation.bodies.values():
        if "request" in recorded:
            body["example"] = recorded["request"]
    for status, response in entry["responses"].items():
        contents = response.get("content", {})
        for content in contents.values():
            if status.startswith("2") and "response" in recorded:
                content["example"] = recorded["response"]
            if "itemSchema" in content:  # a word of OpenAPI 3.2
                content |= {"schema": {"type": "string"}, "x-itemSchema": content.pop("itemSchema")}
        if status == "200" and operation.name in WHOLE:
            contents[JSON]["example"] = WHOLE[operation.name]
        if "content" not in response and status in recorded.get("errors", {}):
            response["content"] = {JSON: {"schema": {"type": "object"}, "example": recorded["errors"][status]}}
