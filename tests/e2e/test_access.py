"""Who may do what: every route with every kind of key, open and with REQUIRE_KEY; the door; a start that is refused.

A route that has no line in RULES or STAFF_PAGES fails a test: say here who may use it.
"""

from __future__ import annotations

import logging
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from rich.console import Console
from starlette.routing import Route

from assistant import exposure, keys, keytext
from assistant.api.access import API
from assistant.api.app import create_app
from assistant.api.state import State
from assistant.errors import BadSetting
from assistant.library import Library
from assistant.serve import serve
from assistant.settings import Settings
from assistant.vectors import open_vectors
from assistant.wiring import Stores, open_assistant
from tests.fakes import WordEmbedder
from ui.page import mount
from ui.staff.app import install as install_staff
from ui.staff.routes import router as staff_router

RULES = {  # who may use a route: everyone (also where a key is required), readers, staff, maintainers
    "GET /healthz": "everyone",
    "GET /readyz": "everyone",
    "GET /metrics": "everyone",
    "GET /privacy": "everyone",
    "GET /accessibility": "everyone",
    "GET /docs": "reader",
    "GET /docs/oauth2-redirect": "reader",
    "GET /openapi.json": "reader",
    "GET /read/{document}": "reader",
    "POST /mcp": "reader",
    "POST /api/v1/ask": "reader",
    "POST /api/v1/ask/stream": "reader",
    "POST /api/v1/ask/batch": "reader",
    "POST /api/v1/feedback": "reader",
    "GET /api/v1/answers/{answer}": "reader",
    "GET /api/v1/search": "reader",
    "GET /api/v1/sources": "reader",
    "GET /api/v1/sources/{document}/text": "reader",
    "GET /v1/models": "reader",
    "GET /v1/models/{model}": "reader",
    "POST /v1/chat/completions": "reader",
    "POST /v1/responses": "reader",
    "GET /v1/responses/{id}": "reader",
    "DELETE /v1/responses/{id}": "reader",
    "GET /api/v1/feedback": "staff",
    "GET /api/v1/feedback.csv": "staff",
    "POST /api/v1/feedback/{id}/done": "staff",
    "DELETE /api/v1/answers/{answer}": "staff",
    "GET /api/v1/insights": "staff",
    "GET /api/v1/insights.csv": "staff",
    "POST /api/v1/insights/{theme}/done": "staff",
    "POST /api/v1/insights/{theme}/question": "maintainer",
    "POST /api/v1/feedback/{id}/question": "maintainer",
    "GET /api/v1/questions": "maintainer",
    "DELETE /api/v1/questions/{id}": "maintainer",
    "POST /api/v1/documents": "maintainer",
    "DELETE /api/v1/documents": "maintainer",
    "POST /api/v1/ingest": "maintainer",
    "GET /api/v1/runs": "maintainer",
    "GET /api/v1/runs/{run}": "maintainer",
    "GET /api/v1/runs/{run}/events": "maintainer",
    "GET /api/v1/runs/{run}/report": "maintainer",
    "GET /api/v1/editions": "maintainer",
    "GET /api/v1/editions/diff": "maintainer",
    "POST /api/v1/editions/{edition}/ask": "maintainer",
    "POST /api/v1/editions/{edition}/publish": "maintainer",
    "DELETE /api/v1/editions/{edition}": "maintainer",
}
DOOR = ("GET /", "POST /", "POST /logout", "GET /staff.css")
ROLES = ("reader", "staff", "maintainer")
DEAD = ("unknown", "expired", "revoked")  # of our form, so who sends one believes in it
REFUSED = ("none", "malformed", *DEAD)
OURS = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Site:
    """The whole application in this process, in one of the two modes, with a key of every kind."""

    app: FastAPI
    client: TestClient
    library: Library
    keys: dict[str, str]

    def send(self, request: str, key: str, **headers: str) -> httpx.Response:
        method, path = request.split(" ")
        if key != "none":
            headers["Authorization"] = f"Bearer {self.keys[key]}"
        return self.client.request(method, re.sub(r"{[^}]*}", "999999", path), headers=headers)


@contextmanager
def opened(folder: Path, *, closed: bool, page: bool = True) -> Iterator[Site]:
    settings = Settings(data=folder, corpus=folder, reader="none", require_key=closed)
    library = Library(settings.library_url)
    stores = Stores(library=library, vectors=open_vectors(settings), embedder=WordEmbedder(), data=folder)
    library.finish_edition(number := library.begin_edition("words", 64))
    library.publish(number)
    state = State(settings)
    app = create_app(state, lambda state, app: None)
    assistant = open_assistant(settings, stores)
    if page:
        mount(app, state, assistant)
    state.serve(assistant)
    with TestClient(app, follow_redirects=False, client=("127.0.0.1", 1), raise_server_exceptions=False) as client:
        yield Site(app, client, library, made(library, folder))
    library.close()


def made(library: Library, folder: Path) -> dict[str, str]:
    """The text of a key of every kind."""
    texts = {role: library.keys.create(role, role)[1] for role in ROLES}
    gone, texts["revoked"] = library.keys.create("Gone", "maintainer")
    library.keys.revoke(gone.id)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(keys, "today", lambda: keys.date(2020, 1, 1))
        texts["expired"] = library.keys.create("Late", "maintainer", "1d")[1]
    return {**texts, "malformed": "sk-not-a-key", "unknown": keytext.new_text()[1]}


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, Site]]:
    with ExitStack() as stack:
        yield {
            closed: stack.enter_context(opened(tmp_path_factory.mktemp("access"), closed=closed))
            for closed in (False, True)
        }


@pytest.fixture(params=[False, True], ids=["open", "closed"])
def closed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def shut(sites: dict[bool, Site]) -> Site:
    """The application where a key is required, and nobody logged in."""
    sites[True].client.cookies.clear()
    return sites[True]


def listed(routes: Any) -> set[str]:
    """The routes as "METHOD path", also those that are in no description."""
    found = iter_route_contexts(routes)
    return {f"{method} {route.path}" for route in found for method in (route.methods or ()) if method != "HEAD"}


def expected(request: str, key: str, *, closed: bool) -> int | None:
    """The status of who is turned away, None for whoever goes on."""
    rule, path = RULES[request], request.split()[1]
    if key in DEAD and rule != "everyone" and path.startswith(API):
        return 401
    needed = {"everyone": None, "reader": "reader" if closed else None}.get(rule, rule)
    if needed is None:
        return None
    if key in REFUSED:
        return 401
    return None if needed in keys.ROLES[key] else 403


# --- every route with every key


def test_every_route_has_a_rule(sites: dict[bool, Site]) -> None:
    assert listed(sites[False].app.routes) == set(RULES)


@pytest.mark.parametrize("key", [*REFUSED, *ROLES])
def test_who_may_use_which_route(sites: dict[bool, Site], closed: bool, key: str) -> None:
    site, found, wanted = sites[closed], {}, {}
    for request in RULES:
        status = site.send(request, key).status_code
        found[request] = status if status in (303, 401, 403, 429) else None
        wanted[request] = expected(request, key, closed=closed)
    assert found == wanted


@pytest.mark.parametrize("key", ["none", "maintainer"])
def test_the_staff_pages_open_to_sessions_only(sites: dict[bool, Site], closed: bool, key: str) -> None:
    site = sites[closed]
    pages = {f"{r.split()[0]} /staff{r.split()[1]}" for r in listed(staff_router.routes) - set(DOOR)}
    assert len(pages) > 10
    assert {page: site.send(page, key, **OURS).status_code for page in pages} == dict.fromkeys(pages, 401)


def test_other_addresses_than_those_of_routes_are_closed_too(shut: Site) -> None:
    for path in ("/nothing", "/healthz/", "/staffs", "/x//staff/", "/docs/", "/privacy/x", "/static-offline-docs/x.js"):
        assert shut.client.get(path).status_code == 401, path
    assert shut.client.post("/").status_code == 401


def of_the_page(site: Site) -> list[str]:
    """What the framework of the chat page answers to."""
    page = site.app.routes[-1].app._page.app._page._page  # type: ignore[attr-defined] - ui/routing.py wraps it so
    return [route.path for route in page.routes if isinstance(route, Route) and "GET" in (route.methods or ())]


def test_nothing_of_the_chat_page_is_given_away(shut: Site) -> None:
    paths = [re.sub(r"{[^}]*}", "x", path) for path in of_the_page(shut) if path not in ("/", "/favicon.ico")]
    assert "/config" in paths
    assert {path: shut.client.get(path).status_code for path in paths} == dict.fromkeys(paths, 401)


# --- how a key is sent, and what is said


def test_a_key_may_come_in_either_header(shut: Site) -> None:
    for headers in ({"X-API-Key": shut.keys["reader"]}, {"Authorization": f"bearer  {shut.keys['reader']}"}):
        assert shut.client.get("/api/v1/sources", headers=headers).status_code == 200, headers
    behind = {"Authorization": "Basic cHJveHk6cHJveHk=", "X-API-Key": shut.keys["maintainer"]}
    assert shut.client.get("/api/v1/runs", headers=behind).status_code == 200


SAID = {
    "none": "A key is needed here.",
    "malformed": "The key is unknown or revoked.",
    "unknown": "The key is unknown or revoked.",
    "revoked": "The key is unknown or revoked.",
    "expired": "The key expired: 2020-01-02 was its last day.",
}


@pytest.mark.parametrize(("key", "said"), SAID.items())
def test_a_refusal_says_why(sites: dict[bool, Site], closed: bool, key: str, said: str) -> None:
    refused = sites[closed].send("GET /api/v1/runs", key)
    assert (refused.status_code, refused.json()["detail"]) == (401, said)
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["remedy"]


def test_scopes_hold_on_every_route(sites: dict[bool, Site]) -> None:
    site = sites[False]
    for scopes, requests in SCOPED.items():
        site.keys["scoped"] = site.library.keys.create("Ana", "maintainer", scopes=scopes.split())[1]
        found = {request for request in [*RULES, "GET /"] if site.send(request, "scoped").status_code != 403}
        assert found == FREE | requests, scopes
    told = site.send("GET /api/v1/runs", "scoped").json()
    assert told["detail"] == "This key is only for openai, mcp."
    assert told["remedy"] == "Use a key with the scope maintain, or with none."


FREE = {request for request, rule in RULES.items() if rule == "everyone" or "/docs" in request or "openapi" in request}
SCOPED = {
    "pages": {"GET /"},
    "ask": {
        "POST /api/v1/ask", "POST /api/v1/ask/stream", "POST /api/v1/ask/batch", "POST /api/v1/feedback",
        "GET /api/v1/answers/{answer}",
    },
    "search": {
        "GET /api/v1/search", "GET /api/v1/sources", "GET /api/v1/sources/{document}/text", "GET /read/{document}",
    },
    "insights": {r for r, rule in RULES.items() if "insights" in r or "feedback" in r or "DELETE /api/v1/answers" in r}
    - {"POST /api/v1/feedback"},
    "maintain": {r for r, rule in RULES.items() if rule == "maintainer" and "/insights" not in r and "/feedback" not in r},
    "openai mcp": {r for r in RULES if " /v1/" in r or "/mcp" in r},
}  # fmt: skip


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are hashed to be compared with what is kept."""
    seen: list[str] = []
    real = keytext.matches
    monkeypatch.setattr(keytext, "matches", lambda text, kept: seen.append(text) or real(text, kept))
    return seen


def test_who_tries_many_keys_waits_and_a_known_key_opens(tmp_path: Path, hashed: list[str]) -> None:
    with opened(tmp_path, closed=True, page=False) as site:
        for n in range(12):
            site.keys["stranger"] = keytext.new_text()[1]
            refused = site.send("GET /api/v1/sources", "stranger")
            assert refused.status_code == (401 if n < 10 else 429)
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert len(hashed) == 10
        assert site.send("GET /api/v1/sources", "reader").status_code == 200


def test_who_guesses_at_the_door_costs_nothing_after_ten_and_a_known_key_opens(
    tmp_path: Path, hashed: list[str]
) -> None:
    with opened(tmp_path, closed=True, page=False) as site:
        install_staff(site.app, site.app.state.assistant)
        for n in range(12):
            site.keys["guess"] = keytext.new_text()[1]
            assert log_in(site, "guess").status_code == (401 if n < 10 else 429)
        assert len(hashed) == 10
        assert log_in(site, "reader").status_code == 303


# --- the door


def log_in(site: Site, key: str, then: str = "/") -> httpx.Response:
    return site.client.post("/staff/", data={"key": site.keys[key], "then": then}, headers=OURS)


def test_a_browser_is_led_to_the_door_and_a_readers_key_opens(shut: Site) -> None:
    led = shut.client.get("/?q=Who")
    assert (led.status_code, led.headers["location"]) == (303, "/staff/?then=%2F%3Fq%3DWho")
    door = shut.client.get(led.headers["location"])
    assert (door.status_code, "A key opens this page" in door.text) == (200, True)
    assert shut.client.get("/staff/staff.css").status_code == 200
    entered = log_in(shut, "reader")
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    _, *attributes = entered.headers.get_list("set-cookie")[0].split("; ")
    assert sorted(attributes) == ["HttpOnly", "Max-Age=28800", "Path=/", "SameSite=lax"]
    for path in ("/", "/config", "/docs", "/api/v1/sources"):
        assert shut.client.get(path).status_code == 200, path
    assert shut.client.get("/staff/?then=%2F").headers["location"] == "/"


WANTED = ("/?q=Who%20pays", "/read/a-b_c?edition=1&start=0&end=9", "/docs")


@pytest.mark.parametrize("wanted", WANTED)
def test_whoever_has_a_key_gets_where_a_link_led(shut: Site, wanted: str) -> None:
    led = shut.client.get(wanted, headers={"Accept": "text/html,*/*"})
    assert led.status_code == 303
    then = parse_qs(urlsplit(led.headers["location"]).query)["then"][0]
    assert log_in(shut, "reader", then).headers["location"] == wanted


@pytest.mark.parametrize("then", ["//evil.example", "/\\evil.example", "https://evil.example", "/staff/../x", "/read/"])
def test_the_door_leads_to_no_other_site(shut: Site, then: str) -> None:
    assert log_in(shut, "staff", then).headers["location"].startswith("/staff/")


def test_a_readers_session_opens_no_more_than_reading(shut: Site) -> None:
    log_in(shut, "reader")
    assert shut.client.get("/staff/questions").status_code == 401
    assert shut.client.get("/staff/", headers=OURS).status_code == 200, "the door again, not a section"
    assert shut.client.get("/api/v1/runs").status_code == 401
    assert shut.client.get("/").status_code == 200, "and it lasts"


@pytest.mark.parametrize("before", [True, False])
def test_a_session_of_the_other_mode_locks_nobody_out(sites: dict[bool, Site], before: bool) -> None:
    first, then = sites[before], sites[not before]
    for site in (first, then):
        site.client.cookies.clear()
    log_in(first, "staff", "questions")
    for cookie in first.client.cookies.jar:
        then.client.cookies.jar.set_cookie(cookie)
    log_in(then, "staff", "questions")
    assert [cookie.path for cookie in then.client.cookies.jar] == ["/staff" if before else "/"]
    assert then.client.get("/staff/questions").status_code == 200
    then.client.post("/staff/logout", headers=OURS)
    assert list(then.client.cookies.jar) == []


def test_a_session_of_staff_opens_both(shut: Site) -> None:
    assert log_in(shut, "staff", "quality").headers["location"] == "/staff/quality"
    assert shut.client.get("/staff/quality").status_code == 200
    assert shut.client.get("/").status_code == 200
    left = shut.client.post("/staff/logout", headers=OURS)
    assert "Path=/;" in left.headers["set-cookie"]
    assert shut.client.get("/").status_code == 303


@pytest.mark.parametrize("key", REFUSED[1:])
def test_the_door_stays_shut_for_other_keys(shut: Site, key: str) -> None:
    refused = log_in(shut, key)
    assert refused.status_code in (401, 429)
    assert "set-cookie" not in refused.headers


def test_a_key_for_parts_of_the_interface_opens_no_page(shut: Site) -> None:
    for scopes, status in (("ask", 401), ("maintain", 401), ("ask pages", 303)):
        shut.keys["scoped"] = shut.library.keys.create("Ana", "staff", scopes=scopes.split())[1]
        for then in ("/", "questions"):
            assert log_in(shut, "scoped", then).status_code == status, scopes


def test_a_session_holds_the_scopes_of_its_key(shut: Site) -> None:
    beyond = [request for request in RULES if request.split()[1].startswith(("/api/", "/v1/", "/mcp"))]
    shut.keys["chat"] = shut.library.keys.create("Ana", "maintainer", scopes=["pages"])[1]
    log_in(shut, "chat")
    assert {request: shut.send(request, "none").status_code for request in beyond} == dict.fromkeys(beyond, 403)
    assert shut.send("GET /api/v1/sources", "none").json()["detail"] == "This key is only for pages."
    opened = {path: shut.client.get(path).status_code for path in ("/", "/config", "/docs", "/read/999999")}
    assert opened == {"/": 200, "/config": 200, "/docs": 200, "/read/999999": 404}, "what the page leads to"
    shut.keys["both"] = shut.library.keys.create("Eva", "reader", scopes=["pages", "search"])[1]
    log_in(shut, "both")
    assert [shut.send(request, "none").status_code for request in ("GET /api/v1/sources", "POST /api/v1/ask")] == [
        200, 403,
    ]  # fmt: skip


def test_revoking_a_key_ends_its_session_at_the_next_request(shut: Site) -> None:
    key, shut.keys["leaves"] = shut.library.keys.create("Leaves", "reader")
    log_in(shut, "leaves")
    assert shut.client.get("/config").status_code == 200
    shut.library.keys.revoke(key.id)
    assert shut.client.get("/config").status_code == 401


def test_before_it_is_ready_a_closed_server_shows_its_progress_only(tmp_path: Path) -> None:
    app = create_app(State(Settings(data=tmp_path, require_key=True)), lambda state, app: None)
    with TestClient(app, follow_redirects=False) as client:
        assert "The documents are being prepared" in client.get("/").text
        assert [client.get(path).status_code for path in ("/healthz", "/readyz", "/config", "/docs")] == [
            200, 503, 503, 503,
        ]  # fmt: skip


# --- a start that is refused


LOOPBACK = {"127.0.0.1": True, "127.9.9.9": True, "::1": True, "localhost": True}
PUBLIC = {"0.0.0.0": False, "::": False, "192.0.2.1": False, "assistant.example": False, "": False}


@pytest.mark.parametrize(("host", "alone"), {**LOOPBACK, **PUBLIC}.items())
def test_where_only_this_machine_can_reach_the_server(host: str, alone: bool) -> None:
    assert exposure.is_loopback(host) is alone


def test_a_public_start_needs_a_maintainers_key(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", host="0.0.0.0")
    with exposure.open_keys(settings) as held:
        held.create("Ana", "staff")
        expired, _ = held.create("Late", "maintainer")
        held.revoke(expired.id)
        with pytest.raises(BadSetting, match=r"listen on 0\.0\.0\.0, .*no maintainer's key\. Make one: cluster-talks"):
            exposure.check_exposure(settings)
        held.create("Eva", "maintainer")
    exposure.check_exposure(settings)


def test_the_folder_of_the_keys_is_for_its_owner_only(tmp_path: Path) -> None:
    with keys.open_keys(Settings(data=tmp_path / "data")):
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadSetting, match="Set CLUSTER_TALKS_DATA"), keys.open_keys(Settings(data=tmp_path / "file/x")):
        pytest.fail("it was made")


def test_a_closed_start_needs_a_key(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", require_key=True)
    with pytest.raises(BadSetting, match=r"nobody could ask\. Make one: cluster-talks keys create NAME --role reader"):
        exposure.check_exposure(settings)
    with exposure.open_keys(settings) as held:
        held.create("Ana", "reader")
    exposure.check_exposure(settings)


def test_a_start_on_this_machine_opens_no_library(tmp_path: Path) -> None:
    exposure.check_exposure(Settings(data=tmp_path / "data"))
    assert list(tmp_path.iterdir()) == []


def test_the_server_does_not_start_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.serve.create_app", lambda *_: pytest.fail("it goes on to start"))
    with socket.socket() as free:
        free.bind(("0.0.0.0", 0))
        port = free.getsockname()[1]
    with pytest.raises(BadSetting, match="no maintainer's key"):
        serve(Settings(data=tmp_path / "data", host="0.0.0.0", port=port), Console(quiet=True))


def test_no_key_stands_in_the_log(shut: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for key in ("reader", "unknown", "expired"):
            shut.send("GET /api/v1/sources", key)
        log_in(shut, "reader")
    texts = [shut.keys[key] for key in ("reader", "unknown", "expired")]
    assert caplog.records
    assert not [record for record in caplog.records if any(text in record.getMessage() for text in texts)]
