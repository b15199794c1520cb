"""What operators see of a real server: ids, log lines and metrics, and nothing of what people ask."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import Server

MARK = "zebramark"
ASKED = f"Who spoke about {MARK} at the Talk?"
STAGES = {"understand", "search", "read", "evidence", "compose", "total"}


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as made:
        yield made


def samples(client: httpx.Client) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def value(found: dict[Any, float], name: str, **labels: str) -> float:
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


def lines(server: Server, value: str, name: str = "request_id", seconds: float = 10) -> list[dict[str, Any]]:
    """The log lines of a request, once it has one: the response may arrive before its line is written."""
    deadline = time.monotonic() + seconds
    while True:
        said = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
        if found := [line for line in said if line[name] == value]:
            return found
        assert time.monotonic() < deadline, value
        time.sleep(0.05)


# --- ids and lines


@pytest.mark.parametrize(
    "path", ["/healthz", "/api/v1/sources", "/nothing", "/api/v1/nothing", "/", "/staff/", "/v1/x"]
)
def test_every_response_has_an_id_of_its_own(client: httpx.Client, path: str) -> None:
    first, second = (client.get(path).headers["X-Request-ID"] for _ in range(2))
    assert re.fullmatch(r"[0-9a-f]{32}", first)
    assert first != second


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("a", True), ("My.Request_7-x", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ("a;b", False)],
)
def test_a_plain_id_of_the_client_is_kept_and_no_other(client: httpx.Client, sent: str, kept: bool) -> None:
    said = client.get("/healthz", headers={"X-Request-ID": sent}).headers["X-Request-ID"]
    assert (said == sent) is kept


def test_a_request_is_one_line_with_its_route_and_without_its_query(server: Server, client: httpx.Client) -> None:
    id_ = uuid.uuid4().hex
    response = client.get("/api/v1/search", params={"q": ASKED}, headers={"X-Request-ID": id_})
    (line,) = lines(server, id_)
    assert line.pop("duration_ms") > 0
    assert line.pop("message").startswith("GET /api/v1/search 200 ")
    assert line.pop("time")
    assert line == {
        "level": "info",
        "logger": "assistant.access",
        "request_id": id_,
        "method": "GET",
        "route": "/api/v1/search",
        "status": 200,
        "bytes": len(response.content),
    }


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/api/v1/runs/7", "/api/v1/runs/{run}"),
        ("GET", "/api/v1/feedback", "/api/v1/feedback"),
        ("GET", "/read/zebra", "/read/{document}"),
        ("GET", "/staff/runs/3", "/staff/runs/{number}"),
        ("GET", "/openapi.json", "/openapi.json"),
        ("POST", "/mcp", "/mcp"),
        ("GET", "/api/v1/zebra", "other"),
    ],
)
def test_the_route_of_a_request_is_its_template(
    server: Server, client: httpx.Client, method: str, path: str, route: str
) -> None:
    id_ = uuid.uuid4().hex
    client.request(method, path, headers={"X-Request-ID": id_})
    assert lines(server, id_)[-1]["route"] == route


# --- metrics


def test_an_answer_is_counted_whichever_way_it_was_asked_for(client: httpx.Client) -> None:
    question = {"question": "Who are the announced speakers?"}
    before = samples(client)
    client.post("/api/v1/ask", json=question).raise_for_status()
    client.post("/api/v1/ask/stream", json=question).raise_for_status()
    chat = {"model": "cluster-talks", "messages": [{"role": "user", "content": question["question"]}]}
    client.post("/v1/chat/completions", json=chat).raise_for_status()
    on_the_page(client, question["question"])
    after = samples(client)
    labels = {"engine": "quotes", "language": "en", "outcome": "answered"}
    assert grown(before, after, "cluster_talks_answers_total", **labels) == 4
    assert grown(before, after, "cluster_talks_first_sentence_seconds_count") == 4
    for stage in STAGES:
        assert grown(before, after, "cluster_talks_answer_stage_seconds_count", stage=stage) == 4
    assert value(after, "cluster_talks_answers_running") == 0
    assert value(after, "cluster_talks_streams_open") == 0


def grown(before: dict[Any, float], after: dict[Any, float], name: str, **labels: str) -> float:
    return value(after, name, **labels) - value(before, name, **labels)


def on_the_page(client: httpx.Client, question: str) -> str:
    """Ask as the page of a browser does, and listen to the end."""
    config = client.get("/config").json()
    box = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "question")
    asking = next(d for d in config["dependencies"] if [box, "submit"] in d["targets"])
    session = uuid.uuid4().hex[:12]
    data = [question, *([None] * (len(asking["inputs"]) - 1))]
    body = {"data": data, "fn_index": asking["id"], "session_hash": session, "trigger_id": box}
    client.post("/gradio_api/queue/join", json=body).raise_for_status()
    return client.get("/gradio_api/queue/data", params={"session_hash": session}).text


def test_a_refusal_is_counted_by_its_reason_and_language(client: httpx.Client) -> None:
    before = samples(client)
    answer = client.post("/api/v1/ask", json={"question": "Wie wird das Wetter morgen in Rom?"}).json()
    labels = {"engine": "quotes", "language": answer["language"], "outcome": answer["reason"]}
    assert answer["abstained"]
    assert grown(before, samples(client), "cluster_talks_answers_total", **labels) == 1


def test_what_is_kept_is_told(server: Server, client: httpx.Client) -> None:
    ready, found = client.get("/readyz").json(), samples(client)
    assert value(found, "cluster_talks_ready") == 1
    assert value(found, "cluster_talks_edition_number") == ready["edition"]
    assert value(found, "cluster_talks_edition_documents") == ready["documents"]
    assert value(found, "cluster_talks_edition_chunks") == ready["chunks"]
    assert 0 < time.time() - value(found, "cluster_talks_edition_created_timestamp_seconds") < 3600
    assert value(found, "cluster_talks_data_bytes") >= (server.data / "library.db").stat().st_size
    assert value(found, "cluster_talks_disk_free_bytes") > 0
    assert value(found, "process_resident_memory_bytes") > 0


def test_a_rating_is_counted(client: httpx.Client) -> None:
    before = samples(client)
    rating = {"answer": uuid.uuid4().hex, "rating": "up", "language": "en", "edition": 1}
    client.post("/api/v1/feedback", json=rating).raise_for_status()
    assert grown(before, samples(client), "cluster_talks_feedback", rating="up") == 1


# --- nothing of what people ask


def ask_everywhere(client: httpx.Client) -> None:
    """Say MARK in every place that takes text, also where it is refused."""
    asked, post = {"question": ASKED}, client.post
    post("/api/v1/ask", json=asked)
    post("/api/v1/ask/stream", json=asked)
    post("/api/v1/ask", json={**asked, "history": [{"role": "user", "content": MARK}]})
    post("/api/v1/ask", json={**asked, "language": MARK})
    post("/api/v1/ask", json={MARK: MARK})
    post("/api/v1/ask", content=f'{{"question": "{MARK}')
    post("/api/v1/ask", json={"question": MARK * 500})
    post("/api/v1/ask/batch", json={"questions": [asked]})
    post("/v1/chat/completions", json={"model": "cluster-talks", "messages": [{"role": "user", "content": ASKED}]})
    post("/v1/chat/completions", json={"model": MARK, "messages": []})
    post("/v1/responses", json={"model": "cluster-talks", "input": ASKED})
    call = {"name": "ask", "arguments": {"question": ASKED}}
    accept = {"Accept": "application/json, text/event-stream"}
    post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}, headers=accept)
    rating = {"answer": MARK, "rating": "down", "language": "en", "edition": 1, "comment": MARK, "question": ASKED}
    post("/api/v1/feedback", json=rating)
    post("/api/v1/feedback", json={**rating, "reason": MARK})
    post("/staff/", data={"key": MARK})
    for path in ("/api/v1/search?q=", "/?q=", "/read/", "/api/v1/", "/api/v1/sources/", "/staff/", "/assets/", "/v1/"):
        client.get(path + MARK)
    client.get("/api/v1/editions", headers={"Authorization": f"Bearer {MARK}"})
    client.request(MARK.upper(), "/api/v1/ask")


def test_nothing_that_is_asked_reaches_a_log_line_or_a_metric(server: Server, client: httpx.Client) -> None:
    ask_everywhere(client)
    assert MARK in on_the_page(client, ASKED), "the page was asked"
    last = client.get("/api/v1/sources").headers["X-Request-ID"]
    assert lines(server, last)
    logged = server.log.read_text()
    assert logged.count('"assistant.access"') > 25
    assert MARK not in logged.lower()
    assert MARK not in client.get("/metrics").text.lower()


def test_an_error_of_the_page_is_told_by_its_type_and_place_only(server: Server, client: httpx.Client) -> None:
    forged = f'{MARK}\n{{"request_id": "forged", "time": "now"}}'
    body = {"data": [forged], "fn_index": 0, "session_hash": uuid.uuid4().hex[:12]}
    client.post("/gradio_api/queue/join", json=body).raise_for_status()
    client.get("/gradio_api/queue/data", params={"session_hash": body["session_hash"]})
    client.get(f"/gradio_api/custom_component/{quote(forged)}/client/x/y")
    client.post("/gradio_api/component_server", json={**body, "component_id": forged, "fn_name": forged})
    (told, *_) = lines(server, "ui.quiet", "logger")
    assert told["level"] == "error"
    assert re.fullmatch(r"Gradio met a ValueError: [\w.]+:\d+( > [\w.]+:\d+)*", told["message"])
    logged = server.log.read_text()
    assert MARK not in logged
    assert "forged" not in logged
    assert "Traceback" not in logged
