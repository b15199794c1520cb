"""The API's document, and the promise of /api/v1: what is there stays.

`api_v1.json` lists paths, methods, parameters, and the fields of requests and responses. When something was added, renew
it with `.venv/bin/python -m tests.contract.test_openapi`; what has gone from it breaks the promise of docs/api.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from assistant import errors
from assistant.api.app import create_app
from assistant.api.openapi import ROLES, Operation, operations
from assistant.api.state import State
from assistant.library import Library
from assistant.settings import Settings

PROMISED = Path(__file__).with_name("api_v1.json")
PROBLEM = "application/problem+json"
OF_THE_API = {"The body is not JSON", "Too many questions", "Too many keys were refused"}
TITLES = OF_THE_API | {kind.title for kind in vars(errors).values() if isinstance(kind, type)}


def document() -> dict[str, Any]:
    return create_app(State(), lambda state, app: None).openapi()


DOCUMENT = document()
OPERATIONS = {operation.name: operation for operation in operations(DOCUMENT)}


def responses(operation: Operation, statuses: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Status, media type and content of the responses whose status begins with one of these digits."""
    for status, response in operation.entry["responses"].items():
        for media_type, content in response.get("content", {}).items():
            if status[0] in statuses:
                yield status, media_type, content


def fit(example: Any, schema: dict[str, Any]) -> None:
    """The example is as the schema says, and names every field of ours."""
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.validate(example, whole, format_checker=jsonschema.FormatChecker())
    fields = resolved(schema).get("properties", {})
    assert not fields or set(fields) == set(example) or set(example) < set(fields) >= {"object", "cluster_talks"}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return DOCUMENT["components"]["schemas"][name] if name else schema


def test_the_document_is_openapi_3_1_with_a_description_of_every_tag_and_server() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert [server["url"] for server in DOCUMENT["servers"]] == ["/"]
    described = {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}
    assert described == {tag for operation in OPERATIONS.values() for tag in operation.entry["tags"]}
    assert all(re.fullmatch(r"[\w.-]+", name) for name in DOCUMENT["components"]["securitySchemes"])
    assert "itemSchema" not in json.dumps(DOCUMENT).replace("x-itemSchema", ""), "that is a word of OpenAPI 3.2"
    assert not {"HTTPValidationError", "ValidationError"} & set(DOCUMENT["components"]["schemas"])


def test_it_is_completed_once_and_again_when_a_route_was_added() -> None:
    app = create_app(State(), lambda state, app: None)
    first = app.openapi()
    before = json.dumps(first)
    assert (app.openapi() is first, json.dumps(app.openapi())) == (True, before)
    app.add_api_route("/api/v1/sources/new", lambda: None, tags=["sources"], description="Find new things. More.")
    added = app.openapi()["paths"]["/api/v1/sources/new"]["get"]
    assert (added["summary"], list(added["responses"])) == ("Find new things", ["200", "401", "403", "429", "503"])


def test_summaries_are_short_and_of_one_operation_each() -> None:
    summaries = [operation.entry["summary"] for operation in OPERATIONS.values()]
    assert len(set(summaries)) == len(summaries)
    assert [s for s in summaries if not 5 < len(s) < 100 or s.endswith(".") or not s[0].isupper()] == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_request_has_an_example_that_fits(name: str) -> None:
    for media_type, body in OPERATIONS[name].bodies.items():
        example = body.get("example") or resolved(body["schema"])["examples"][0]
        if media_type == "application/json":
            whole = {**body["schema"], "components": DOCUMENT["components"]}
            jsonschema.validate(example, whole)
        assert example


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_has_an_example_that_fits(name: str) -> None:
    operation = OPERATIONS[name]
    for _, media_type, content in responses(operation, "23"):
        assert content["example"], media_type
        if media_type == "application/json":
            fit(content["example"], content["schema"])
        else:
            assert isinstance(content["example"], str)
    told = {status for status, *_ in responses(operation, "23")}
    silent = {status for status in operation.entry["responses"] if status[0] in "23"} - told
    assert silent <= {"204"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_error_says_what_is_wrong_and_what_to_do(name: str) -> None:
    operation = OPERATIONS[name]
    declared = {status for status in operation.entry["responses"] if status[0] in "45d"}
    assert declared == {status for status, *_ in responses(operation, "45d")}
    for status, media_type, content in responses(operation, "45d"):
        example = content["example"]
        if operation.openai:
            fit(example, content["schema"])
            assert re.search(r"\. \S.*\.$", example["error"]["message"]), "two sentences"
        elif media_type == PROBLEM:
            fit(example, content["schema"])
            assert (str(example["status"]), example["title"] in TITLES) == (status, True)
            assert example["detail"].endswith(".")
            assert example["remedy"].endswith(".")
        else:
            assert name == "GET /readyz"


def test_a_route_that_needs_a_role_says_so_and_refuses_every_other(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, corpus=tmp_path / "corpus")
    library, state = Library(settings.library_url), State(settings)
    state.serve(type("Assistant", (), {"library": library})())  # type: ignore[arg-type]
    keys = {role: library.keys.create(role, role)[1] for role in ("reader", "staff")}
    transport = httpx.ASGITransport(create_app(state, lambda state, app: None))

    async def ask() -> dict[str, list[int]]:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            found: dict[str, list[int]] = {}
            for name, operation in OPERATIONS.items():
                url = re.sub(r"\{\w+\}", "1", operation.path)
                for headers in ({}, *({"X-API-Key": key} for key in keys.values())):
                    response = await client.request(operation.method, url, headers=headers)
                    found.setdefault(name, []).append(response.status_code)
            return found

    import anyio

    found = anyio.run(ask)
    library.close()
    for name, operation in OPERATIONS.items():
        role = next((ROLES[tag] for tag in operation.entry["tags"] if tag in ROLES), None)
        none, reader, staff = found[name]
        assert ((none, reader) == (401, 403)) is (role is not None), name
        assert (staff == 403) is (role == "maintainer"), name
        assert (f"role {role}" in operation.entry["description"]) is (role is not None)
        assert ({} in operation.entry.get("security", [{}])) is (role is None)


# --- the promise


def listing(document: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """What is promised of each operation: `has`, its parameters and the fields of what is sent and answered, and
    `wants`, what of that a request cannot do without."""
    return {
        operation.name: {"has": sorted(_has(operation)), "wants": sorted(_wants(operation))}
        for operation in operations(document)
        if operation.path.startswith("/api/v1/")
    }


def _has(operation: Operation) -> set[str]:
    found = {f"{parameter['in']} {parameter['name']}" for parameter in operation.entry.get("parameters", [])}
    for media_type, body in operation.bodies.items():
        found |= {f"sent {media_type}", *(f"sent {path}" for path in _fields(body["schema"]))}
    for status, media_type, content in responses(operation, "23"):
        schema = content.get("x-itemSchema") or content.get("schema", {})
        found |= {f"{status} {media_type}", *(f"{status} {path}" for path in _fields(schema))}
    return found | {status for status in operation.entry["responses"] if status[0] in "23"}


def _wants(operation: Operation) -> set[str]:
    parameters = operation.entry.get("parameters", [])
    found = {f"{parameter['in']} {parameter['name']}" for parameter in parameters if parameter.get("required")}
    for body in operation.bodies.values():
        found |= {f"sent {field}" for field in resolved(body["schema"]).get("required", [])}
    return found


def _fields(schema: dict[str, Any], above: str = "", seen: tuple[str, ...] = ()) -> Iterator[str]:
    """Fields as `citations[].anchor.page`, through references, lists and alternatives."""
    name = schema.get("$ref", "")
    if name in seen:
        return
    seen, schema = ((*seen, name) if name else seen), resolved(schema)
    for part in schema.get("anyOf", []):
        yield from _fields(part, above, seen)
    if "items" in schema:
        yield from _fields(schema["items"], f"{above}[]", seen)
    for field, inner in schema.get("properties", {}).items():
        path = f"{above}.{field}".lstrip(".")
        yield path
        yield from _fields(inner, path, seen)


def promise() -> dict[str, dict[str, list[str]]]:
    read: dict[str, dict[str, list[str]]] = json.loads(PROMISED.read_text(encoding="utf-8"))
    return read


def missing(kind: str, here: dict[str, dict[str, list[str]]], there: dict[str, dict[str, list[str]]]) -> dict[str, Any]:
    """What of this kind stands here, but not there."""
    found = {name: set(lines[kind]) - set(there.get(name, {kind: []})[kind]) for name, lines in here.items()}
    return {name: sorted(lines) for name, lines in found.items() if lines}


def test_nothing_that_was_promised_has_gone_and_no_request_wants_more() -> None:
    promised, now = promise(), listing(DOCUMENT)
    assert missing("has", promised, now) == {}
    assert missing("wants", {name: now[name] for name in promised}, promised) == {}


def test_everything_that_is_there_is_promised() -> None:
    assert missing("has", listing(DOCUMENT), promise()) == {}, "the docstring tells how to renew the promise"


if __name__ == "__main__":
    PROMISED.write_text(json.dumps(listing(DOCUMENT), indent=1, sort_keys=True) + "\n", encoding="utf-8")
