"""Telemetry of the application in this process: who may read metrics, what an unexpected error tells, what traces hold."""

from __future__ import annotations

import gzip
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Body, FastAPI
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client import Counter
from starlette.testclient import TestClient

from assistant.api.app import create_app
from assistant.api.state import State
from assistant.ask import Assistant
from assistant.errors import BadRequest
from assistant.records import Question, Status
from assistant.runs import ACTIONS, Runner
from assistant.settings import Settings, folder_bytes
from assistant.telemetry import traces
from assistant.telemetry.answers import watched
from assistant.telemetry.metrics import Metrics
from assistant.wiring import Stores, open_assistant, plugin
from tests.conftest import ROOT

MARK = "zebramark"


def app_of(**settings: Any) -> FastAPI:
    return create_app(State(Settings(**settings)), lambda state, app: None)


def client_of(app: FastAPI, host: str = "127.0.0.1") -> TestClient:
    return TestClient(app, client=(host, 50000), raise_server_exceptions=False)


# --- metrics


@pytest.mark.parametrize(
    ("metrics", "host", "status"),
    [
        ("local", "127.0.0.1", 200),
        ("local", "::1", 200),
        ("local", "10.0.3.7", 200),
        ("local", "fd00::7", 200),
        ("local", "9.9.9.9", 403),
        ("local", "2620:fe::fe", 403),
        ("local", "unknown", 403),
        ("open", "9.9.9.9", 200),
        ("off", "127.0.0.1", 404),
    ],
)
def test_who_may_read_the_metrics(metrics: str, host: str, status: int) -> None:
    response = client_of(app_of(metrics=metrics), host).get("/metrics")
    assert response.status_code == status
    assert ("cluster_talks_http_requests" in response.text) is (status == 200)


def counted(counter: Counter) -> dict[tuple[str, ...], float]:
    """By the values of its labels."""
    (family,) = counter.collect()
    return {tuple(s.labels.values()): s.value for s in family.samples if s.name.endswith("_total")}


def test_what_is_counted_takes_few_values_whatever_clients_send() -> None:
    client = client_of(app := app_of())
    for number in range(20):
        client.request(f"VERB{number}", f"/api/v1/x{number}")
        client.get(f"/read/{number}?edition={number}")
    assert counted(app.state.metrics.requests) == {
        ("other", "other", "404"): 20,
        ("/read/{document}", "GET", "503"): 20,
    }


def test_unknown_languages_are_one() -> None:
    metrics = Metrics()
    for language in ("de", "xx", MARK):
        metrics.ended("answered", "quotes", language)
    told = metrics.text().decode()
    assert MARK not in told
    assert 'language="other",outcome="answered"} 2.0' in told
    assert 'language="de",outcome="answered"} 1.0' in told


def test_refusals_of_the_rate_limit_are_counted() -> None:
    app = app_of()

    @app.get("/busy", status_code=429)
    def busy() -> None: ...

    client = client_of(app)
    client.get("/busy")
    assert "cluster_talks_rate_limited_total 1.0" in client.get("/metrics").text


# --- errors


def test_an_unexpected_error_tells_the_number_under_which_it_was_logged(caplog: pytest.LogCaptureFixture) -> None:
    app = app_of()

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("no more screws")

    with caplog.at_level(logging.INFO):
        response = client_of(app).get("/broken", headers={"X-Request-ID": "abc-1"})
    assert (response.status_code, response.headers["X-Request-ID"]) == (500, "abc-1")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["remedy"] == "Try again; then tell us the number of the request: abc-1."
    assert "screws" not in response.text
    logged = [record for record in caplog.records if record.exc_info]
    assert [str(record.exc_info[1]) for record in logged if record.exc_info] == ["no more screws"]
    (access,) = [record for record in caplog.records if record.name == "assistant.access"]
    assert access.__dict__["fields"]["status"] == 500


# --- answers


@pytest.fixture
def assistant(stores: Stores, small_corpus: Path) -> Assistant:
    settings = Settings(data=stores.data, corpus=small_corpus, reader="none")
    plugin("ingest")(settings, stores, None, lambda stage, done, total: None).ingest([])
    return open_assistant(settings, stores)


def test_an_answer_that_breaks_or_is_left_is_counted_as_such(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = watched(assistant, metrics := Metrics())
    left = told.stream(Question("Who spoke at the Talk?"))
    assert isinstance(next(left), Status)
    left.close()  # type: ignore[attr-defined]
    with pytest.raises(BadRequest):
        told.ask(Question(" "))
    monkeypatch.setattr(assistant.retriever, "search", None)
    with pytest.raises(TypeError):
        told.ask(Question("Who spoke at the Talk?"))
    assert counted(metrics.answers) == {("quotes", "other", "stopped"): 1, ("quotes", "other", "failed"): 1}
    assert metrics.registry.get_sample_value("cluster_talks_answers_running") == 0


def test_a_run_is_counted_when_it_ends(stores: Stores, small_corpus: Path) -> None:
    settings, ended = Settings(data=stores.data, corpus=small_corpus), []
    runner = Runner(settings, stores, lambda: open_assistant(settings, stores), ended=ended.append)
    asked = {"do": "ingest", "origins": [], "publish": "auto"}
    runner.do(stores.library.runs.begin(asked, status="requested"), asked)
    runner.do(stores.library.runs.begin(asked, status="requested"), {"do": "retire", "edition": 99})
    assert ended == ["done", "failed"]


def test_a_folder_is_measured_while_files_of_it_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a", "in/b", "in/c"):
        (tmp_path / name).write_bytes(b"x" * 100)
    real = os.walk

    def walk(folder: Path) -> Iterator[Any]:
        for found in real(folder):
            if "b" in found[2]:
                (tmp_path / "in/b").unlink()
            yield found

    assert folder_bytes(tmp_path) == 300
    monkeypatch.setattr(os, "walk", walk)
    assert folder_bytes(tmp_path) == 200


class Panic(BaseException):
    """What Chroma's engine raises when it breaks."""


def test_a_panic_ends_a_run_and_not_the_next_one(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    def panics(*_: object) -> None:
        raise Panic

    monkeypatch.setitem(ACTIONS, "ingest", panics)
    ended: list[str] = []
    runner = Runner(Settings(data=stores.data), stores, lambda: None, ended=ended.append)  # type: ignore[arg-type,return-value]
    runner.do(run := stores.library.runs.begin({"do": "ingest"}, status="requested"), {"do": "ingest"})
    assert (stores.library.runs.one(run)["status"], ended) == ("failed", ["failed"])


def test_a_run_breaks_off_when_the_server_stops_and_is_asked_for_again(stores: Stores, small_corpus: Path) -> None:
    settings, ended = Settings(data=stores.data, corpus=small_corpus), []
    asked = {"do": "ingest", "origins": [], "publish": "auto"}
    run = stores.library.runs.begin(asked, status="requested")
    Runner(settings, stores, lambda: None, stopping=lambda: True, ended=ended.append).do(run, asked)  # type: ignore[arg-type,return-value]
    assert (stores.library.runs.one(run)["status"], ended) == ("requested", [])
    assert [edition.status for edition in stores.library.editions()] in ([], ["retired"])


# --- traces


class Collector(HTTPServer):
    """Takes traces as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.spans: list[Any] = []
        self.bodies: list[bytes] = []
        self.paths: list[str] = []


class _Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        sent = ExportTraceServiceRequest.FromString(body)
        self.server.bodies.append(body)
        self.server.paths.append(self.path)
        self.server.spans += [span for r in sent.resource_spans for s in r.scope_spans for span in s.spans]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def test_a_request_is_traced_with_its_stages_and_without_what_was_asked(
    assistant: Assistant, collector: Collector
) -> None:
    def warm_up(state: State, app: FastAPI) -> None:
        state.serve(watched(assistant, app.state.metrics, app.state.traces))

    endpoint = f"http://127.0.0.1:{collector.server_port}/"
    app = create_app(State(Settings(otlp_endpoint=endpoint)), warm_up)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with TestClient(app, client=("127.0.0.1", 5)) as client:
        wait_until_served(app)
        asked = {"question": f"Who spoke about {MARK} at the Talk?"}
        assert client.post("/api/v1/ask", json=asked, headers={"traceparent": parent}).status_code == 200
        client.get("/api/v1/search", params={"q": MARK})
        client.get(f"/api/v1/{MARK}")
    spans = {span.name: span for span in collector.spans}
    assert set(spans) >= {
        "POST /api/v1/ask", "ask", "understand", "search", "read", "evidence", "compose", "GET /api/v1/search", "GET other",
    }  # fmt: skip
    request, ask = spans["POST /api/v1/ask"], spans["ask"]
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (parent[3:35], parent[36:52])
    assert ask.parent_span_id == request.span_id
    assert {spans[stage].parent_span_id for stage in ("understand", "search", "compose")} == {ask.span_id}
    assert ask.start_time_unix_nano <= spans["understand"].start_time_unix_nano
    assert spans["understand"].end_time_unix_nano == spans["search"].start_time_unix_nano
    assert spans["compose"].end_time_unix_nano <= ask.end_time_unix_nano + 1_000_000
    assert set(collector.paths) == {"/v1/traces"}
    assert MARK.encode() not in b"".join(collector.bodies)


def wait_until_served(app: FastAPI) -> None:
    for _ in range(200):
        if app.state.assistant.ready:
            return
        threading.Event().wait(0.05)
    raise AssertionError("not ready")


def test_without_a_collector_nothing_that_sends_traces_is_even_imported() -> None:
    code = (
        "import sys; from assistant.api.app import create_app; from assistant.api.state import State\n"
        "app = create_app(State(), lambda state, app: None)\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry.exporter')], app.state.traces)"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["[]", "None"]


def test_the_standard_name_of_the_collector_counts_and_our_own_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://standard:4318")
    assert Settings().otlp_endpoint == "http://standard:4318"
    monkeypatch.setenv("CLUSTER_TALKS_OTLP_ENDPOINT", "http://ours:4318")
    assert Settings().otlp_endpoint == "http://ours:4318"


def test_a_collector_that_never_answers_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        sent = traces.open_traces(f"http://127.0.0.1:{deaf.getsockname()[1]}")
        assert sent is not None
        with sent.request({"type": "http", "method": "GET", "headers": []}):
            pass
        began = time.monotonic()
        sent.close()
        assert time.monotonic() - began < 4, "the exporter alone waits for 5 seconds"


# --- the shape of OpenAI's errors


def test_what_is_told_of_a_request_is_what_its_client_got(caplog: pytest.LogCaptureFixture) -> None:
    app = app_of()

    @app.post("/v1/count")
    def count(number: Annotated[int, Body(embed=True)]) -> None: ...

    with caplog.at_level(logging.INFO):
        response = client_of(app).post("/v1/count", json={"number": MARK})
    (access,) = [record for record in caplog.records if record.name == "assistant.access"]
    assert (response.status_code, response.json()["error"]["param"]) == (400, "number")
    assert access.__dict__["fields"]["status"] == 400
    assert access.__dict__["fields"]["bytes"] == len(response.content)
    assert counted(app.state.metrics.requests) == {("/v1/count", "POST", "400"): 1}
    assert response.headers["X-Request-ID"]


def test_a_server_that_stops_says_so_to_clients_of_openai_in_their_shape() -> None:
    client = client_of(app := app_of())
    app.state.drain.begin()
    response = client.get("/v1/models")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert response.json()["error"]["type"] == "server_error"
    assert client.get("/api/v1/sources").json()["title"] == "The server stops"
