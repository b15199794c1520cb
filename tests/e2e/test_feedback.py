"""Feedback and insights over HTTP, on a real server: who may do what, what is kept, and what is not."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import connect_sse

from assistant.library import Library
from tests.conftest import Server, cluster_talks, copied, copy_small_corpus, start_server, wait_until_ready

API = "/api/v1"
STAFF_ROUTES = (
    ("GET", "/feedback"),
    ("GET", "/feedback.csv"),
    ("POST", "/feedback/1/done"),
    ("GET", "/insights"),
    ("GET", "/insights.csv"),
    ("POST", "/insights/missed-1/done"),
    ("DELETE", "/answers/abc"),
)


def client_as(server: Server, role: str) -> httpx.Client:
    made = cluster_talks("keys", "create", f"a {role}", "--role", role, "--json", env=server.environment())
    client = server.client()
    client.headers["Authorization"] = f"Bearer {json.loads(made.stdout)['key']}"
    return client


@pytest.fixture(scope="module")
def staff(server: Server) -> Iterator[httpx.Client]:
    with client_as(server, "staff") as client:
        yield client


@pytest.fixture
def anyone(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def library(server: Server) -> Iterator[Library]:
    with closing(Library(f"sqlite:///{server.data / 'library.db'}")) as opened:
        yield opened


def rated(client: httpx.Client, **more: Any) -> httpx.Response:
    said = {"answer": uuid.uuid4().hex, "rating": "down", "language": "en", "edition": 1}
    return client.post(f"{API}/feedback", json={**said, **more})


def kept(server: Server) -> bytes:
    """Every byte of the library database and its journal."""
    return b"".join(file.read_bytes() for file in server.data.glob("library.db*"))


def problem(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["remedy"]
    return str(response.json()["detail"])


def miss(library: Library, question: str, people: int, **more: Any) -> None:
    for number in range(people):
        library.missed.add(
            answer=uuid.uuid4().hex,
            question=question,
            asker=f"p{number}",
            **{"language": "en", "reason": "not_in_corpus", "edition": 1, **more},
        )


def theme_of(client: httpx.Client, word: str) -> dict[str, Any] | None:
    themes = client.get(f"{API}/insights").json()["themes"]
    return next((theme for theme in themes if word in theme["question"]), None)


# --- who may


def test_only_staff_and_maintainers_see_what_people_said(server: Server, anyone: httpx.Client) -> None:
    with client_as(server, "reader") as reader:
        for method, path in STAFF_ROUTES:
            response = anyone.request(method, API + path)
            assert "key is needed" in problem(response, 401)
            assert response.headers["WWW-Authenticate"] == "Bearer"
            response = reader.request(method, API + path)
            assert "reader may not" in problem(response, 403)
            assert "role staff" in response.json()["remedy"]


def test_these_are_all_routes_of_staff(anyone: httpx.Client) -> None:
    paths = anyone.get("/openapi.json").json()["paths"]
    marked = [(m.upper(), path) for path, of in paths.items() for m, told in of.items() if "staff" in told["tags"]]
    named = {path.replace("{id}", "1").replace("{theme}", "missed-1").replace("{answer}", "abc") for _, path in marked}
    assert named == {API + path for _, path in STAFF_ROUTES}
    assert len(marked) == len(STAFF_ROUTES)


def test_a_maintainer_may_too_and_staff_may_not_maintain(server: Server, staff: httpx.Client) -> None:
    with client_as(server, "maintainer") as maintainer:
        assert maintainer.get(f"{API}/insights").status_code == 200
    assert "staff may not" in problem(staff.get(f"{API}/runs"), 403)


# --- feedback


def test_feedback_is_taken_from_anyone_listed_and_ticked_off(anyone: httpx.Client, staff: httpx.Client) -> None:
    said = {
        "answer": uuid.uuid4().hex,
        "rating": "down",
        "reason": "outdated",
        "comment": "Please call Ana at +385 91 234 5678. <b>",
        "question": "Is EUR 143 000 right? ana@firma.hr",
        "document": "abc",
        "language": "hr",
        "edition": 1,
    }
    response = anyone.post(f"{API}/feedback", json=said)
    assert response.status_code == 201, response.text
    number = response.json()["id"]
    (row,) = [row for row in staff.get(f"{API}/feedback").json() if row["id"] == number]
    assert row["comment"] == "Please call Ana at […]. <b>"
    assert row["question"] == "Is EUR 143 000 right? […]"
    assert (row["reason"], row["document"], row["done"]) == ("outdated", "abc", None)
    assert staff.post(f"{API}/feedback/{number}/done").status_code == 204
    assert next(row for row in staff.get(f"{API}/feedback").json() if row["id"] == number)["done"]
    assert "no feedback 99999" in problem(staff.post(f"{API}/feedback/99999/done"), 404)


def test_feedback_is_listed_by_rating_and_count(anyone: httpx.Client, staff: httpx.Client) -> None:
    last = [rated(anyone, rating=rating).json()["id"] for rating in ("up", "down", "up")]
    ups = staff.get(f"{API}/feedback", params={"rating": "up", "count": 2}).json()
    assert [row["id"] for row in ups] == [last[2], last[0]]
    assert {row["rating"] for row in staff.get(f"{API}/feedback", params={"rating": "down"}).json()} == {"down"}


def test_a_second_rating_replaces_the_first(anyone: httpx.Client, staff: httpx.Client) -> None:
    answer = uuid.uuid4().hex
    rated(anyone, answer=answer, question="Where is the wombat?")
    rated(anyone, answer=answer, rating="up", question="Where is the wombat?")
    mine = [row for row in staff.get(f"{API}/feedback").json() if row["answer"] == answer]
    assert [(row["rating"], row["question"]) for row in mine] == [("up", None)]


BAD: dict[str, dict[str, Any]] = {
    "more": {"email": "a@b.cz"},
    "rating": {"rating": "sideways"},
    "reason": {"reason": "boring"},
    "comment": {"comment": "x" * 2001},
    "question": {"question": "x" * 4001},
    "language": {"language": "xx"},
    "edition": {"edition": -1},
    "answer": {"answer": "../x"},
    "document": {"document": "d" * 65},
}


@pytest.mark.parametrize("name", BAD)
def test_feedback_that_cannot_be_used_is_refused(anyone: httpx.Client, name: str) -> None:
    problem(rated(anyone, **BAD[name]), 422)


# --- what is kept of questions


@pytest.mark.parametrize("path", ["ask", "ask/stream"])
def test_a_refused_question_is_kept(anyone: httpx.Client, library: Library, path: str) -> None:
    mark = f"narwhal{path.replace('/', '')}"
    question = f"What does the {mark} subsidy of Atlantis cost on Mars?"
    if path == "ask":
        answer = anyone.post(f"{API}/ask", json={"question": question}).json()
    else:
        with connect_sse(anyone, "POST", f"{API}/{path}", json={"question": question}) as source:
            answer = list(source.iter_sse())[-1].json()
    assert answer["abstained"]
    (row,) = [row for row in library.missed.rows("") if mark in row["question"]]
    assert (row["answer"], row["reason"], row["edition"]) == (answer["id"], answer["reason"], answer["edition"])
    assert "127.0.0.1" not in row["asker"]


RESTRICTED: tuple[dict[str, Any], ...] = ({"filters": {"kind": ["procedures"]}}, {"as_of": "2020-01-01"})


@pytest.mark.parametrize("restriction", RESTRICTED)
def test_a_restricted_question_is_not_kept(anyone: httpx.Client, library: Library, restriction: dict[str, Any]) -> None:
    question = "What does the aardwolf subsidy of Atlantis cost on Mars?"
    assert anyone.post(f"{API}/ask", json={"question": question, **restriction}).json()["abstained"]
    assert not any("aardwolf" in row["question"] for row in library.missed.rows(""))


def test_a_follow_up_is_kept_with_what_it_follows(anyone: httpx.Client, library: Library) -> None:
    history = [
        {"role": "user", "content": "What does the numbat subsidy of Atlantis cost on Mars?"},
        {"role": "assistant", "content": "I found no answer to this."},
    ]
    asked = {"question": "And on the Moon?", "history": history}
    answer = anyone.post(f"{API}/ask", json=asked).json()
    assert answer["abstained"]
    (row,) = [row for row in library.missed.rows("") if row["answer"] == answer["id"]]
    assert "numbat" in row["question"]
    assert row["question"] == answer["question_used"]


def test_an_answered_question_leaves_no_trace(server: Server, anyone: httpx.Client, library: Library) -> None:
    question = "I am from Quokkatown; when was the EU Clusters Talk about innovation procurement?"
    refused = "What does the pangolin subsidy of Atlantis cost on Mars?"
    answer = anyone.post(f"{API}/ask", json={"question": question}).json()
    assert not answer["abstained"]
    with connect_sse(anyone, "POST", f"{API}/ask/stream", json={"question": question}) as source:
        assert list(source.iter_sse())[-1].event == "done"
    assert anyone.post(f"{API}/ask", json={"question": refused}).json()["abstained"]
    assert b"pangolin" in kept(server), "what is kept would be found"
    assert b"uokkatown" not in kept(server)


def test_an_answer_is_erased_with_everything_under_it(
    server: Server, anyone: httpx.Client, staff: httpx.Client
) -> None:
    answer = anyone.post(f"{API}/ask", json={"question": "What does the axolotl subsidy of Mars cost?"}).json()["id"]
    rated(anyone, answer=answer, comment="The axolotl matters.")
    assert b"axolotl" in kept(server)
    assert staff.delete(f"{API}/answers/{answer}").json() == {"erased": 3}
    assert b"axolotl" not in kept(server)
    assert "Nothing is kept" in problem(staff.delete(f"{API}/answers/{answer}"), 404)


# --- insights


def test_a_theme_shows_from_three_people_on_and_is_ticked_off(library: Library, staff: httpx.Client) -> None:
    miss(library, "Where does the echidna park in Zagreb?", 2)
    assert theme_of(staff, "echidna") is None
    miss(library, "Where does the echidna park in Zagreb?", 3, language="hr")
    theme = theme_of(staff, "echidna")
    assert theme is not None
    assert (theme["people"], theme["count"], theme["languages"]) == (3, 5, {"hr": 3, "en": 2})
    assert staff.post(f"{API}/insights/{theme['id']}/done").status_code == 204
    assert theme_of(staff, "echidna") is None
    assert "no such theme" in problem(staff.post(f"{API}/insights/{theme['id']}/done"), 404)


def test_complaints_of_one_address_are_one_person(anyone: httpx.Client, staff: httpx.Client) -> None:
    for _ in range(3):
        rated(anyone, question="Why is the kinkajou of Riga late?")
    assert theme_of(staff, "kinkajou") is None
    for number in range(2):
        anyone.headers["X-Forwarded-For"] = f"203.0.113.{number}"
        rated(anyone, question="Why is the kinkajou of Riga late?")
    theme = theme_of(staff, "kinkajou")
    assert theme is not None
    assert (theme["people"], theme["count"]) == (3, 5)


def test_more_people_may_be_asked_for_but_not_fewer(library: Library, staff: httpx.Client) -> None:
    miss(library, "Is the capybara of Łódź exempt from VAT?", 4)
    found = staff.get(f"{API}/insights", params={"people": 4, "days": 7}).json()
    assert (found["on"], found["people"], found["days"]) == (True, 4, 7)
    assert any("capybara" in theme["question"] for theme in found["themes"])
    found = staff.get(f"{API}/insights", params={"people": 5}).json()
    assert not any("capybara" in theme["question"] for theme in found["themes"])
    assert "fewer than 3" in problem(staff.get(f"{API}/insights", params={"people": 2}), 422)


def test_the_table_holds_no_formula(library: Library, staff: httpx.Client) -> None:
    miss(library, '=HYPERLINK("http://evil.example","tapir")', 3)
    response = staff.get(f"{API}/insights.csv")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    header, *rows = csv.reader(io.StringIO(response.text.removeprefix("\ufeff")))
    assert header[:4] == ["question", "other wordings", "questions", "people"]
    (mine,) = [row for row in rows if "tapir" in row[0]]
    assert mine[0].startswith("'=HYPERLINK")
    assert mine[2:6] == ["3", "3", "en 3", "not_in_corpus 3"]
    assert [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))] == []


# --- switched off


def test_with_insights_off_nothing_is_kept(first_edition: Path, tmp_path: Path) -> None:
    corpus = copy_small_corpus(tmp_path / "corpus")
    settings = {"CLUSTER_TALKS_INSIGHTS": "false", "CLUSTER_TALKS_RATE_LIMIT": "5/minute"}
    with start_server(copied(first_edition, tmp_path), corpus, **settings) as server, server.client() as anyone:
        wait_until_ready(server)
        question = {"question": "What does the narwhal subsidy of Atlantis cost on Mars?"}
        assert anyone.post(f"{API}/ask", json=question).json()["abstained"]
        assert "switched off" in problem(rated(anyone, comment="narwhal"), 404)
        with client_as(server, "staff") as staff:
            found = staff.get(f"{API}/insights").json()
        assert (found["on"], found["themes"]) == (False, [])
        assert b"narwhal" not in kept(server)
        with closing(sqlite3.connect(server.data / "library.db")) as db:
            assert [db.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("missed", "feedback")] == [
                (0,),
                (0,),
            ]
        assert 429 in [rated(anyone).status_code for _ in range(5)], "feedback counts as asking"
