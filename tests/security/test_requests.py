"""Hostile requests to every route there is: ways out of a folder, other sites, forged log lines, bodies without sense."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from assistant.api.app import create_app
from assistant.api.state import State
from assistant.library import Library
from assistant.settings import Settings
from assistant.telemetry.logs import FORMS, Form, configure
from assistant.vectors import open_vectors
from assistant.wiring import Stores, open_assistant
from ingest.run import Run
from ingest.web.client import Web
from tests.conftest import Server
from tests.fakes import WordEmbedder
from ui.staff.app import install as install_staff
from ui.staff.routes import router as staff_router

SECRET = "the-secret-of-the-machine"
OURS = {"Sec-Fetch-Site": "same-origin"}
WAYS_OUT = (
    "../secret.txt",
    "..%2fsecret.txt",
    "..%5csecret.txt",
    "%2fetc%2fpasswd",
    "guide.md%00.txt",
    "%c0%ae%c0%ae%2fsecret.txt",
)
STATE = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Site:
    """The interface and the staff pages over a corpus of one document, with a key and a session of a maintainer."""

    app: FastAPI
    client: TestClient
    key: dict[str, str]
    folder: Path

    def files(self) -> set[Path]:
        """The documents and what lies beside them."""
        return {path for path in self.folder.rglob("*") if path.is_file() and "data" not in path.parts}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("requests")
    settings = Settings(data=folder / "data", corpus=folder / "corpus", reader="none")
    settings.data.mkdir()
    settings.corpus.mkdir()
    (settings.corpus / "guide.md").write_text("# Guide\n\nA supplier may ask for the rules of a call.\n")
    (folder / "secret.txt").write_text(SECRET)
    library = Library(settings.library_url)
    stores = Stores(library, open_vectors(settings), WordEmbedder(), settings.data)
    Run(stores, settings.corpus, Web("test")).ingest([])
    state = State(settings)
    app = create_app(state, lambda state, app: None)
    install_staff(app, state)
    state.serve(open_assistant(settings, stores))
    text = library.keys.create("Ana", "maintainer")[1]
    with TestClient(app, follow_redirects=False, client=("127.0.0.1", 1), raise_server_exceptions=False) as client:
        assert client.post("/staff/", data={"key": text}, headers=OURS).status_code == 303
        yield Site(app, client, {"Authorization": f"Bearer {text}"}, folder)
    library.close()


def routes(site: Site) -> list[tuple[str, str]]:
    """Method and path of everything that can be asked for, the staff pages too."""
    ours = [(route.path, route.methods) for route in iter_route_contexts(site.app.router.routes)]
    staff = [(f"/staff{route.path}", route.methods) for route in iter_route_contexts(staff_router.routes)]
    return [(method, path) for path, methods in [*ours, *staff] if path for method in sorted(methods or ())]


# --- ways out of a folder


def test_no_id_or_path_in_an_address_leads_out(site: Site) -> None:
    before, asked = site.files(), 0
    for method, path in routes(site):
        for way in WAYS_OUT if "{" in path else ():
            address = re.sub(r"{[^}]*}", lambda _, way=way: way, path)
            response = site.client.request(method, address, headers={**site.key, **OURS})
            assert response.status_code < 500, (method, address, response.text)
            assert SECRET not in response.text and "root:" not in response.text, (method, address)
            assert response.status_code >= 300, (method, address, response.text)
            asked += 1
    assert asked > 100
    assert site.files() == before


def test_no_parameter_leads_out(site: Site) -> None:
    before, asked = site.files(), 0
    for path, methods in site.app.openapi()["paths"].items():
        for method, operation in methods.items():
            for parameter in operation.get("parameters", []):
                for way in WAYS_OUT if parameter["in"] == "query" else ():
                    address = f"{re.sub(r'{[^}]*}', '1', path)}?{parameter['name']}={way}"
                    response = site.client.request(method, address, headers=site.key)
                    assert response.status_code < 500, (method, address, response.text)
                    assert SECRET not in response.text and "root:" not in response.text, (method, address)
                    asked += 1
    assert asked > 60
    assert site.files() == before


@pytest.mark.parametrize("way", ["../secret.txt", "/etc/passwd", "./../../etc/passwd", "guide.md/../../secret.txt"])
def test_nothing_outside_is_ingested_deleted_or_uploaded_to(site: Site, way: str) -> None:
    before = site.files()
    asked = site.client.post("/api/v1/ingest", json={"origins": [way]}, headers=site.key)
    deleted = site.client.delete("/api/v1/documents", params={"uri": way}, headers=site.key)
    sent = {"files": ("a.md", b"A text.")}
    uploaded = site.client.post("/api/v1/documents", files=sent, data={"folder": way}, headers=site.key)
    assert (asked.status_code, deleted.status_code, uploaded.status_code) == (422, 404, 422)
    assert site.files() == before


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file={}",
        "/file={}",
        "/gradio_api/stream/x/x/x/{}",
        "/static/{}",
        "/assets/{}",
        "/theme.css/{}",
        "/static-offline-docs/{}",
        "/{}",
    ],
)
def test_no_route_of_the_chat_page_gives_a_file_of_the_machine(server: Server, path: str) -> None:
    (server.corpus.parent / "secret.txt").write_text(SECRET)
    inside = (f"{server.data}/library.db", f"{server.data}/library.secret", f"{server.corpus.parent}/secret.txt")
    outside = ("/etc/passwd", "..%2f" * 12 + "etc%2fpasswd", "../" * 12 + "etc/passwd", "/proc/self/environ")
    with server.client() as client:
        for file in (*inside, *outside):
            answer = client.get(path.format(file))
            said = answer.content
            assert answer.status_code < 500 or b"Traceback" not in said
            assert not any(mark in said for mark in (b"root:", SECRET.encode(), b"SQLite format", b"CLUSTER_TALKS_"))


# --- other sites


def test_a_session_alone_changes_nothing_over_the_interface(site: Site) -> None:
    """A page of another site has the visitor's cookie, never a key: a session opens pages and no route of programs."""
    guarded = [
        (method.upper(), path)
        for path, methods in site.app.openapi()["paths"].items()
        for method, operation in methods.items()
        if method.upper() in STATE and not {"ask", "openai"} & set(operation["tags"]) and path != "/api/v1/feedback"
    ]
    assert len(guarded) >= 10
    for method, path in guarded:
        assert site.client.request(method, re.sub(r"{[^}]*}", "1", path), json={}).status_code == 401, (method, path)


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {}]
)
def test_every_form_of_the_staff_pages_is_refused_to_another_site(site: Site, headers: dict[str, str]) -> None:
    forms = [path for method, path in routes(site) if method in STATE and path.startswith("/staff")]
    assert len(forms) >= 6
    for path in forms:
        response = site.client.post(re.sub(r"{[^}]*}", "1", path), data={"key": "x", "served": "1"}, headers=headers)
        assert response.status_code == 403, path


def test_no_page_of_the_staff_changes_anything_when_it_is_only_opened() -> None:
    """A link or an image of another site opens an address; what changes something is asked for by a form."""
    changing = [
        route.path for route in iter_route_contexts(staff_router.routes) if {"GET", "POST"} <= (route.methods or set())
    ]
    assert changing == []


# --- bodies without sense

DEEP = "[" * 100_000
BODIES = {
    "deep": DEEP.encode(),
    "deep in its place": f'{{"question": {DEEP}'.encode(),
    "a number without an end": b'{"question": ' + b"1" * 100_000 + b"}",
    "half a character": b'{"question": "\\ud800 who pays?"}',
    "half a character before": b'{"question": "Who pays?", "history": [{"role": "user", "content": "\\ud800"}]}',
    "half a character in a filter": b'{"question": "Who pays?", "filters": {"source": ["\\ud800"]}}',
    "half a character for a program": b'{"model": "x", "input": "\\ud800?", "messages": [{"role": "user", "content": "\\udfff?"}]}',
    "no number": b'{"question": NaN}',
    "nothing but control characters": b'{"question": "\\u0000\\u0007\\u202e"}',
    "no UTF-8": b'{"question": "\xff\xfe"}',
    "a name twice": b'{"question": "Why?", "question": {"a": 1}}',
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_without_sense_breaks_no_route(site: Site, name: str) -> None:
    asked = 0
    for method, path in routes(site):
        if method in STATE and not path.startswith("/staff"):
            for kind in ("application/json", *["application/x-ndjson"] * path.endswith("/batch")):
                headers = {**site.key, "Content-Type": kind, "Accept": "application/json, text/event-stream"}
                address = re.sub(r"{[^}]*}", "1", path)
                response = site.client.request(method, address, content=BODIES[name], headers=headers)
                assert response.status_code < 500, (method, path, response.text[:500])
                asked += 1
    assert asked > 15


# --- the log

FORGED = "x\r\n12:00:00 ERROR assistant: forged \x1b[2J\u2028\x00\x85"


@pytest.fixture(params=sorted(FORMS))
def form(request: pytest.FixtureRequest) -> Iterator[Form]:
    """Log lines of this form go to the error output."""
    root, ours = logging.getLogger(), logging.getLogger("assistant")
    before = (root.handlers[:], root.level, ours.level)
    configure(request.param, "debug")
    yield request.param
    root.handlers[:], root.level, ours.level = before
    logging.captureWarnings(False)


def test_nobody_writes_a_line_of_the_log(site: Site, form: Form, capsys: pytest.CaptureFixture[str]) -> None:
    told: dict[str, Any] = {"question": FORGED, "answer": FORGED, "rating": "down", "comment": FORGED, "ref": FORGED}
    sent = {"X-Request-ID": FORGED, "User-Agent": FORGED, "Idempotency-Key": FORGED, "Last-Event-ID": FORGED}
    headers = [(name, value.encode()) for name, value in sent.items()]
    for path in ("/api/v1/ask", "/api/v1/ask/stream", "/api/v1/ask/batch", "/api/v1/feedback", "/v1/responses", "/mcp"):
        site.client.post(path, content=json.dumps(told), headers=[*headers, ("Content-Type", b"application/json")])
    for path in (
        "/api/v1/answers/x%0d%0aERROR forged",
        "/read/%0aforged?edition=%0aforged",
        "/staff/?then=%0d%0aforged: 1",
    ):
        answer = site.client.get(path, headers=[*headers, ("Authorization", f"Bearer {FORGED}".encode())])
        assert "forged" not in " ".join(answer.headers)
    lines = [line for line in capsys.readouterr().err.split("\n") if line]
    assert len(lines) >= 9
    assert not [line for line in lines if line.startswith("12:00:00 ERROR") or "forged" in line]
    begin = r"\{.*\}" if form == "json" else r"\d\d:\d\d:\d\d [A-Z]+ +[\w.]+: .*|    .*"
    assert [line for line in lines if not re.fullmatch(begin, line)] == []
