"""The staff pages over HTTP, on a real server with two editions: who gets in, what is shown, what changes."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lxml import etree
from markupsafe import escape
from rich.console import Console

from assistant.api.state import State
from assistant.errors import BadSetting
from assistant.serve import serve
from assistant.settings import Keeping, Settings, load_settings
from assistant.wiring import Stores, open_assistant
from tests.staff import HOSTILE, Staffed, staffed
from ui.staff import figures, routes
from ui.staff.app import install
from ui.staff.charts import Chart, columns, line, sparkline
from ui.staff.figures import lines_of, trend
from ui.staff.pages import page

SECTIONS = ("questions", "feedback", "editions", "quality", "health")
OURS = {"Sec-Fetch-Site": "same-origin"}
SENT = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, first_edition: Path) -> Iterator[Staffed]:
    with staffed(tmp_path_factory.mktemp("staff"), first_edition) as running:
        running.ask("grant", 4, weeks=3)
        running.ask("hostile", 3)
        running.ask("rocket", 2)
        yield running


@pytest.fixture(scope="module")
def staff(site: Staffed) -> Iterator[httpx.Client]:
    with logged_in(site, "staff") as client:
        yield client


@pytest.fixture(scope="module")
def maintainer(site: Staffed) -> Iterator[httpx.Client]:
    with logged_in(site, "maintainer") as client:
        yield client


@pytest.fixture
def nobody(site: Staffed) -> Iterator[httpx.Client]:
    with site.server.client() as client:
        yield client


@contextmanager
def logged_in(site: Staffed, role: str) -> Iterator[httpx.Client]:
    with site.server.client() as client:
        client.headers.update(OURS)
        response = log_in(client, site.keys[role])
        assert (response.status_code, response.headers["location"]) == (303, "/staff/questions")
        yield client


def log_in(client: httpx.Client, key: str, **headers: str) -> httpx.Response:
    return client.post("/staff/", data={"key": key}, headers={**OURS, **headers})


def read(client: httpx.Client, path: str) -> str:
    response = client.get(f"/staff/{path}")
    assert response.status_code == 200, response.text
    return response.text


def serve_edition(stores: Stores) -> int:
    """A new edition without documents, served from now on."""
    number = stores.library.begin_edition("words", 64)
    stores.library.finish_edition(number)
    stores.library.publish(number)
    return number


@pytest.fixture
def here(stores: Stores) -> Iterator[TestClient]:
    """The staff pages in this process over an empty library, with a maintainer logged in."""
    serve_edition(stores)
    settings = Settings(data=stores.data, reader="none")
    state = State(settings)
    state.serve(open_assistant(settings, stores))
    app = FastAPI()
    install(app, state)
    with TestClient(app, headers=OURS, follow_redirects=False) as client:
        log_in(client, stores.library.keys.create("Ana", "maintainer")[1])
        yield client


def served(site: Staffed) -> int:
    return site.library.current().number


def hidden(page: str, name: str) -> str:
    """The value of the first hidden field of this name."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)
    assert found, page
    return found[1]


# --- the door


def test_an_unknown_key_and_a_readers_key_are_refused_alike(site: Staffed, nobody: httpx.Client) -> None:
    unknown, reader = log_in(nobody, "ct_wrong"), log_in(nobody, site.keys["reader"])
    assert (unknown.status_code, reader.status_code) == (401, 401)
    assert unknown.text == reader.text
    assert "This key does not open the staff pages." in unknown.text
    assert "set-cookie" not in unknown.headers
    assert "set-cookie" not in reader.headers


def test_an_empty_and_an_endless_key_are_refused(nobody: httpx.Client) -> None:
    assert log_in(nobody, "").status_code == 401
    assert log_in(nobody, "x" * 500).status_code == 422


def test_the_session_is_a_cookie_for_these_pages_only(site: Staffed, nobody: httpx.Client) -> None:
    cookie = log_in(nobody, site.keys["staff"]).headers.get_list("set-cookie")[0]
    name, *attributes = cookie.split("; ")
    assert sorted(attributes) == ["HttpOnly", "Max-Age=28800", "Path=/staff", "SameSite=strict"]
    assert site.keys["staff"] not in cookie
    assert site.library.sessions.find(name.partition("=")[2]) is not None


def test_over_https_the_cookie_is_secure(site: Staffed, nobody: httpx.Client) -> None:
    cookie = log_in(nobody, site.keys["staff"], **{"X-Forwarded-Proto": "https"}).headers["set-cookie"]
    assert "; Secure" in cookie


def test_after_ten_refused_keys_a_client_waits(site: Staffed, nobody: httpx.Client) -> None:
    other = {"X-Forwarded-For": "203.0.113.7"}
    for _ in range(10):
        assert log_in(nobody, "ct_wrong", **other).status_code == 401
    late = log_in(nobody, "ct_wrong", **other)
    assert late.status_code == 429
    assert 1 <= int(late.headers["retry-after"]) <= 60
    assert "Too many keys were refused." in late.text
    assert log_in(nobody, "ct_wrong").status_code == 401  # another address
    assert log_in(nobody, site.keys["staff"], **other).status_code == 303, "a right key always opens"


CROSS = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {},
)


@pytest.mark.parametrize("headers", CROSS)
def test_forms_of_other_sites_are_refused(site: Staffed, headers: dict[str, str]) -> None:
    with logged_in(site, "maintainer") as client:
        del client.headers["Sec-Fetch-Site"]
        for path in ("", "logout", "questions/done", f"editions/{site.first}/serve"):
            response = client.post(f"/staff/{path}", data={"key": site.keys["staff"]}, headers=headers)
            assert (response.status_code, "sent from another site" in response.text) == (403, True), path
        assert client.get("/staff/questions").status_code == 200
    assert served(site) == site.second


def test_a_form_of_ours_needs_no_more_than_its_origin(site: Staffed, nobody: httpx.Client) -> None:
    sent = nobody.post("/staff/", data={"key": site.keys["staff"]}, headers={"Origin": site.server.address})
    assert sent.status_code == 303


@pytest.mark.parametrize("path", [*SECTIONS, "runs/1", "editions/1", "runs/1/report"])
def test_without_a_session_every_page_asks_for_a_key(nobody: httpx.Client, path: str) -> None:
    response = nobody.get(f"/staff/{path}")
    assert (response.status_code, "Log in to see this page." in response.text) == (401, True)
    assert hidden(response.text, "then") == (path if path in SECTIONS else "questions")


def test_after_the_key_one_sees_the_page_one_wanted(site: Staffed, nobody: httpx.Client) -> None:
    for then, to in (("quality", "/staff/quality"), ("//evil.example", "/staff/questions")):
        response = nobody.post("/staff/", data={"key": site.keys["staff"], "then": then}, headers=OURS)
        assert response.headers["location"] == to


def test_logging_out_ends_the_session(site: Staffed) -> None:
    with logged_in(site, "staff") as client:
        token = client.cookies["staff"]
        assert client.get("/staff/").headers["location"] == "/staff/questions"
        left = client.post("/staff/logout")
        assert (left.headers["location"], "staff" in client.cookies) == ("/staff/?said=out", False)
        assert client.get("/staff/questions", headers={"Cookie": f"staff={token}"}).status_code == 401


def test_a_revoked_key_ends_its_session_at_the_next_request(site: Staffed, nobody: httpx.Client) -> None:
    key, secret = site.library.keys.create("Leaves tomorrow", "staff")
    log_in(nobody, secret)
    token = nobody.cookies["staff"]
    assert nobody.get("/staff/quality").status_code == 200
    site.library.keys.revoke(key.id)
    assert nobody.get("/staff/quality").status_code == 401
    assert site.library.sessions.find(token) is None


def test_an_invented_session_is_none(nobody: httpx.Client) -> None:
    assert nobody.get("/staff/questions", headers={"Cookie": "staff=invented"}).status_code == 401


# --- every page

PAGES = ("", *SECTIONS, "feedback?show=all", "editions/1", "runs/1", "runs/1/report", "staff.css", "nothing", "runs/999", "runs/x")  # fmt: skip


@pytest.mark.parametrize("path", ["/staff", *(f"/staff/{path}" for path in PAGES)])
def test_every_response_has_the_headers(staff: httpx.Client, nobody: httpx.Client, path: str) -> None:
    for client in (staff, nobody):
        headers = client.get(path).headers
        assert {name: headers.get(name) for name in SENT} == SENT


@pytest.mark.parametrize("path", SECTIONS)
def test_a_section_says_where_one_is_and_holds_nothing_inline(staff: httpx.Client, path: str) -> None:
    page = read(staff, path)
    assert f'<a href="/staff/{path}" aria-current="page">' in page
    assert page.count('aria-current="page"') == 1 + (path == "feedback")
    assert not re.search(r"<script|<style|<[^<>]*\s(style|on\w+)=", page)


def test_errors_are_pages_too(staff: httpx.Client) -> None:
    for path, status, says in (
        ("nothing", 404, "There is no such page."),
        ("runs/999", 404, "There is no run 999."),
        ("editions/999", 404, "There is no edition 999."),
        ("runs/x", 422, "A part of it is missing or wrong."),
        ("logout", 405, "no such page"),
    ):
        response = staff.get(f"/staff/{path}")
        assert (response.status_code, says in response.text) == (status, True), path
        assert response.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", [*SECTIONS, "feedback?show=all", "editions/1", "runs/1"])
def test_hostile_text_stays_text(site: Staffed, staff: httpx.Client, path: str) -> None:
    site.rate("hostile", comment=HOSTILE, question=HOSTILE, document=site.document)
    page = read(staff, path)
    assert "<script" not in page
    assert "<img" not in page
    assert "<b>" not in page
    shown = {"questions": 2, "feedback": 3, "feedback?show=all": 3, "editions/1": 1}  # also titles, lines that differ
    assert page.count(str(escape(HOSTILE))) >= shown.get(path, 0)


# --- questions


def test_questions_of_enough_people_are_grouped(site: Staffed, staff: httpx.Client) -> None:
    page = read(staff, "questions")
    assert "innovation grant in Portugal?" in page
    assert "<strong>4</strong> people" in page
    assert "English 4" in page
    assert re.search(r'aria-label="Asked a week over the last 12 weeks: (0, ){9}1, 1, 2"', page)
    assert "Rakete" not in page  # two people are too few
    assert f'href="/read/{site.document}"' in page


def test_a_question_is_marked_as_done(site: Staffed, staff: httpx.Client) -> None:
    page = read(staff, "questions")
    theme = re.search(
        r'value="(missed-\d+)">\s*<button class="quiet">Mark as done<span class="unseen">: [^<]*Portugal', page
    )
    assert theme, page
    done = staff.post("/staff/questions/done", data={"theme": theme[1]})
    assert done.headers["location"] == "/staff/questions?said=question"
    after = read(staff, "questions?said=question")
    assert "Portugal" not in after
    assert "These questions are not shown any longer." in after
    assert staff.post("/staff/questions/done", data={"theme": theme[1]}).status_code == 404


def test_an_empty_list_says_what_will_appear() -> None:
    chart, keeping = Chart("a", "", [], []), Keeping(people=5)
    told = {"themes": [], "added": None, "own": [], "broken": "", "keeping": keeping, "chart": chart, "trend": trend}
    shown = page("questions", None, **told)
    assert "A group is shown once 5 people have asked" in bytes(shown.body).decode()


# --- feedback


def test_feedback_is_listed_filtered_and_marked_as_done(site: Staffed, staff: httpx.Client) -> None:
    down = site.rate(
        "f1", reason="outdated", comment="The amount is old.", question="How much?", document=site.document
    )
    site.rate("f2", "up", comment="Found it at once.")
    site.rate("f3", "up", weeks=2)
    pages = {show: read(staff, f"feedback?show={show}") for show in ("open", "down", "up", "all")}
    assert {show: "The amount is old." in page for show, page in pages.items()} == {
        "open": True, "down": True, "up": False, "all": True,
    }  # fmt: skip
    assert {show: "Found it at once." in page for show, page in pages.items()} == {
        "open": True, "down": False, "up": True, "all": True,
    }  # fmt: skip
    assert f'href="/read/{site.document}?edition={site.second}"' in pages["down"]
    done = staff.post(f"/staff/feedback/{down}/done", data={"show": "down"})
    assert done.headers["location"] == "/staff/feedback?show=down&said=feedback"
    assert "The amount is old." not in read(staff, "feedback")
    assert "Done on" in read(staff, "feedback?show=down")
    assert staff.post("/staff/feedback/9999/done").status_code == 404


# --- editions


def test_staff_see_editions_and_runs_but_no_buttons(site: Staffed, staff: httpx.Client) -> None:
    page = read(staff, "editions")
    assert f"Edition {site.second} <span" in page
    assert f'href="/staff/runs/{site.run}"' in page
    assert "Roll back" not in page
    assert "<button" not in read(staff, f"editions/{site.first}").replace('<button class="quiet">Log out', "")
    response = staff.post(f"/staff/editions/{site.first}/serve", data={"served": site.second})
    assert (response.status_code, "Only a maintainer" in response.text) == (403, True)
    assert served(site) == site.second


def test_a_maintainer_rolls_back_and_publishes_after_a_look(site: Staffed, maintainer: httpx.Client) -> None:
    assert "Roll back<span" in read(maintainer, "editions")
    look = read(maintainer, f"editions/{site.first}")
    assert "okapi.md" in look
    assert "events/talk-not-known.md" in look
    assert "3 questions were asked: 66.7% were answered right before, 100.0% after." in look
    assert "Better: 1 answer" in look
    back = maintainer.post(f"/staff/editions/{site.first}/serve", data={"served": hidden(look, "served")})
    assert (back.headers["location"], served(site)) == ("/staff/editions?said=served", site.first)
    assert maintainer.get("/readyz").json()["edition"] == site.first
    assert f'Serve this edition<span class="unseen">: edition {site.second}' in read(maintainer, "editions")

    again = maintainer.post(f"/staff/editions/{site.second}/serve", data={"served": site.second})
    assert (again.status_code, "Another edition is served meanwhile." in again.text) == (409, True)
    assert served(site) == site.first
    maintainer.post(f"/staff/editions/{site.second}/serve", data={"served": site.first})
    assert served(site) == site.second


def test_an_edition_that_is_not_ready_is_not_served(site: Staffed, maintainer: httpx.Client) -> None:
    building = site.library.begin_edition("words", 64)
    assert "Being built" in read(maintainer, "editions")
    response = maintainer.post(f"/staff/editions/{building}/serve", data={"served": site.second})
    assert (response.status_code, "is building" in response.text) == (409, True)
    site.library.drop_edition(building)


def test_only_the_newest_editions_are_read_and_older_ones_have_their_page(
    here: TestClient, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "EDITIONS", 2)
    assert "These are the newest" not in read(here, "editions")
    serve_edition(stores), serve_edition(stores)
    assert [edition.number for edition in stores.library.editions(2)] == [3, 2]
    shown = read(here, "editions")
    assert [f"<h2>Edition {number} " in shown for number in (1, 2, 3)] == [False, True, True]
    assert "These are the newest 2." in shown
    assert "Roll back to edition 1?" in read(here, "editions/1")
    assert here.get("/staff/editions/4").status_code == 404


def test_a_run_has_its_report_and_the_file_to_keep(site: Staffed, staff: httpx.Client) -> None:
    page = read(staff, f"runs/{site.run}")
    assert f"Edition {site.second} was served from then on." in page
    assert "okapi.md" in page
    kept = staff.get(f"/staff/runs/{site.run}/report")
    assert kept.headers["content-disposition"] == f'attachment; filename="run-{site.run}.html"'
    assert "<h1>Ingest report</h1>" in kept.text


def test_runs_that_are_under_way_or_failed_say_so(site: Staffed, staff: httpx.Client) -> None:
    run = site.library.runs.begin({"do": "ingest", "by": "Ana"})
    site.library.runs.update(run, stage="embed", progress=0.4)
    assert '<progress max="1" value="0.4"' in read(staff, "editions")
    assert "Embed: 40% of this step." in read(staff, f"runs/{run}")
    site.library.runs.update(run, status="failed", report={"detail": "Power cut.", "remedy": "Wait."})
    assert "Power cut. Wait." in read(staff, f"runs/{run}")
    assert staff.get(f"/staff/runs/{run}/report").status_code == 409
    retired = site.library.runs.begin({"do": "retire", "edition": 1})
    site.library.runs.update(retired, status="done", report={"edition": 1})
    assert "Edition 1 was retired." in read(staff, f"runs/{retired}")


# --- quality and health


def test_quality_compares_the_editions(site: Staffed, staff: httpx.Client) -> None:
    page = read(staff, "quality")
    assert f"{site.first}: 66.7 %; {site.second}: 100 %" in page
    rows = [re.sub(r"<[^>]+>|\s+", " ", row).split() for row in re.findall(r"<tr>(.*?)</tr>", page, re.S)[1:]]
    assert [row[0] for row in rows][-2:] == [str(site.second), str(site.first)]
    assert "66.7%" in rows[-1]


def test_health_tells_what_runs_and_tries_the_parts(staff: httpx.Client) -> None:
    page = read(staff, "health")
    assert "no part of it reports a problem" in page
    assert "quotes" in page
    assert " of data, " in page
    tried = staff.post("/staff/health")
    assert tried.status_code == 200
    assert tried.text.count('<span class="badge ok">Works</span>') == 17


def test_the_parts_are_tried_with_the_settings_of_the_server(
    here: TestClient, stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTER_TALKS_DATA", str(tmp_path / "elsewhere"))
    tried = here.post("/staff/health")
    assert tried.status_code == 200
    assert f"data in {stores.data}," in tried.text


def test_the_parts_are_tried_by_one_at_a_time(here: TestClient) -> None:
    with routes.EXAMINING:
        busy = here.post("/staff/health")
    assert (busy.status_code, "are being tried already" in busy.text) == (409, True)
    assert here.post("/staff/health").status_code == 200


def test_the_settings_reach_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[uvicorn.Config] = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda server: started.append(server.config))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = Settings(data=tmp_path, port=port, trusted_proxies="10.0.0.0/8, ::1")
    with pytest.raises(SystemExit):  # as uvicorn ends when it did not start
        serve(settings, Console(quiet=True))
    (config,) = started
    assert config.forwarded_allow_ips == "10.0.0.0/8, ::1"
    assert config.app.state.assistant.settings is settings  # type: ignore[union-attr]


@pytest.mark.parametrize("value", ["*", "proxy.example", "10.0.0.1/8"])
def test_a_proxy_that_is_no_address_stops_the_start(value: str) -> None:
    with pytest.raises(BadSetting, match="CLUSTER_TALKS_TRUSTED_PROXIES"):
        load_settings(trusted_proxies=value)


# --- charts and differences


def drawn(markup: str) -> etree._Element:
    """The chart, read as strictly as XML is."""
    return etree.fromstring(markup)


def test_columns_go_up_and_down_from_zero() -> None:
    chart = Chart("votes", "Votes", ["a", "b"], [4, 0], [1, 2], ("good", "bad"), across="edition")
    svg = drawn(columns(chart))
    assert svg.findtext("desc") == "a: 4 good, 1 bad; b: 0 good, 2 bad"
    assert svg.get("aria-labelledby") == "votes-title votes-told"
    above, below = (svg.findall(f"rect[@class='{look}']") for look in ("above", "below"))
    zero = float(svg.find("line[@class='zero']").get("y1"))
    assert [float(bar.get("y")) + float(bar.get("height")) for bar in above] == pytest.approx([zero, zero], abs=0.11)
    assert [float(bar.get("y")) for bar in below] == [zero, zero]
    up, down = float(above[0].get("height")), float(below[1].get("height"))
    assert up == pytest.approx(2 * down, abs=0.2)
    assert [text.text for text in svg.findall("text[@class='tick']")] == ["5", "0", "2"]


def test_a_line_puts_the_most_at_the_top() -> None:
    svg = drawn(line(Chart("right", "Right", ["1", "2", "3"], [0, 50, 100], unit=" %"), 100))
    heights = [float(dot.get("cy")) for dot in svg.findall("circle")]
    assert heights == [166, 90, 14]
    assert len(svg.findall("line[@class='joint']")) == 2
    assert svg.findtext("circle/title") == "1: 0 %"


@pytest.mark.parametrize("values", [[], [0], [0.4], [7], [999_999], [1] * 60])
def test_a_chart_of_any_size_stays_inside(values: list[float]) -> None:
    svg = drawn(columns(Chart("any", "Any", list(map(str, range(len(values)))), values)))
    for bar in svg.findall("rect"):
        x, width = (float(bar.get(name).removesuffix("%")) for name in ("x", "width"))
        assert 0 <= x <= x + width <= 100
        assert 13.9 <= float(bar.get("y")) <= 166.1
    assert len(svg.findall("text[@class='name']")) <= 6


def test_hostile_labels_stay_text() -> None:
    chart = Chart("hostile", HOSTILE, [HOSTILE], [1], [1], (HOSTILE, HOSTILE), HOSTILE, HOSTILE)
    for markup in (columns(chart), line(chart, 1), sparkline([1], HOSTILE)):
        assert {element.tag for element in drawn(markup).iter()} <= {
            "svg",
            "title",
            "desc",
            "rect",
            "line",
            "circle",
            "text",
        }


def test_only_places_of_a_difference_are_told_as_lines() -> None:
    assert lines_of(("@@ -5,2 +5 @@", " same", "-@@ -7 gone", "+new")) == [
        ("place", "Line 5"),
        ("same", "same"),
        ("removed", "@@ -7 gone"),
        ("added", "new"),
    ]
