"""What people asked, taken out as files and turned into questions that new editions are asked: over HTTP, in this
process, as JSON and on the staff pages."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from markupsafe import escape

from assistant.api.app import create_app
from assistant.api.state import State
from assistant.evaluate import read_questions
from assistant.keys import ROLES
from assistant.records import Chunk, Document
from assistant.settings import PREFIX, Settings
from assistant.wiring import Stores, open_assistant
from tests.staff import HOSTILE
from ui.staff.app import install

API = "/api/v1"
PARKING = "What does parking cost in Zagreb?"
FORMULA = '=HYPERLINK("http://evil.example","tapir")'
TEXT = "Parking in Zagreb costs 2 euro."
ROUTES = (
    ("GET", "/questions"),
    ("DELETE", "/questions/1"),
    ("POST", "/insights/missed-1/question"),
    ("POST", "/feedback/1/question"),
)
FORM = {"question": PARKING, "kind": "answerable", "facts": "2 euro"}
REFUSE = {"kind": "unanswerable"}
THEIRS = '{"id": "1", "question": "Who pays?", "must_include": [["the buyer"]]}\n'


@dataclass(frozen=True)
class Site:
    """The application over a library of one document, the file of the maintainers' questions, and that of our own."""

    client: TestClient
    stores: Stores
    keys: dict[str, str]
    theirs: Path
    file: Path

    def miss(self, question: str = PARKING, people: int = 3, **more: Any) -> str:
        """The id of a theme that so many people asked for."""
        values = {"language": "en", "reason": "not_in_corpus", "edition": 1, **more}
        missed = self.stores.library.missed
        ids = [missed.add(answer=f"{question}{n}", question=question, asker=f"p{n}", **values) for n in range(people)]
        return f"missed-{min(ids)}"

    def rate(self, **more: Any) -> int:
        values = {"answer": "a", "rating": "down", "language": "hr", "edition": 1, **more}
        return self.stores.library.feedback.add(**values)

    def call(self, method: str, path: str, role: str = "maintainer", **more: Any) -> httpx.Response:
        return self.client.request(method, API + path, headers={"Authorization": f"Bearer {self.keys[role]}"}, **more)

    def themes(self) -> list[str]:
        return [theme["question"] for theme in self.call("GET", "/insights").json()["themes"]]

    def asked(self) -> list[str]:
        return [case.question for case in read_questions(self.file)] if self.file.exists() else []

    def log_in(self, role: str) -> None:
        self.client.headers["Sec-Fetch-Site"] = "same-origin"
        assert self.client.post("/staff/", data={"key": self.keys[role]}).status_code == 303


@pytest.fixture
def site(stores: Stores, tmp_path: Path) -> Iterator[Site]:
    library = stores.library
    library.add_version(Document("d", "parking.md", "Parking", "x"), TEXT, [Chunk("c", "d", TEXT, 0, len(TEXT))])
    edition = library.begin_edition("words", 64)
    library.add_members(edition, ["x"])
    library.finish_edition(edition)
    library.publish(edition)
    settings = Settings(data=stores.data, corpus=tmp_path / "corpus", reader="none")
    state = State(settings)
    state.serve(open_assistant(settings, stores))
    app = create_app(state, lambda *_: None)
    install(app, state)
    keys = {role: library.keys.create("Ana", role)[1] for role in ROLES}
    with TestClient(app, follow_redirects=False) as client:
        yield Site(client, stores, keys, settings.asked, settings.data / "questions.jsonl")


def problem(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["remedy"]
    return str(response.json()["detail"])


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


# --- over the API


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_only_maintainers_change_what_new_editions_are_asked(site: Site, method: str, path: str) -> None:
    assert "staff may not" in problem(site.call(method, path, "staff", json={}), 403)
    assert "key is needed" in problem(site.client.request(method, API + path, json={}), 401)


def test_a_theme_becomes_a_question_and_is_done(site: Site) -> None:
    theme = site.miss()
    added = site.call("POST", f"/insights/{theme}/question", json={"must_include": [["2 euro", "EUR 2"]]})
    assert added.status_code == 201, added.text
    question = added.json()["question"]
    assert (question["question"], question["lang"], question["abstain"]) == (PARKING, "en", False)
    assert added.json()["warnings"] == []
    assert site.call("GET", "/questions").json() == [{**question, "own": True}]
    assert json.loads(site.file.read_text()) == {
        "id": question["id"], "lang": "en", "kind": "answerable", "question": PARKING, "must_include": [["2 euro", "EUR 2"]],
    }  # fmt: skip
    assert site.themes() == []
    assert "no such theme" in problem(site.call("POST", f"/insights/{theme}/question", json={}), 404)


def test_what_a_maintainer_writes_takes_the_place_of_what_was_asked(site: Site) -> None:
    body = {
        "question": "Ana@firma.hr: koliko košta parking u Splitu?", "language": "hr", "must_include": [["3 eura"]], "document": "split.md",
    }  # fmt: skip
    added = site.call("POST", f"/insights/{site.miss()}/question", json=body).json()
    assert (added["question"]["question"], added["question"]["lang"]) == ("[…]: koliko košta parking u Splitu?", "hr")
    assert added["warnings"] == ["No served document says “3 eura”.", "No served document has the uri split.md."]


def test_a_question_that_is_asked_already_is_refused_and_its_theme_stays(site: Site) -> None:
    assert site.call("POST", f"/insights/{site.miss()}/question", json=REFUSE).status_code == 201
    again = site.miss(PARKING.upper())
    detail = problem(site.call("POST", f"/insights/{again}/question", json=REFUSE), 409)
    assert re.match(r"This question is asked already, with the id staff-[0-9a-f]{8}\.", detail)
    assert site.themes() == [PARKING.upper()]
    assert site.asked() == [PARKING]


def test_a_complaint_becomes_a_question_and_is_done(site: Site) -> None:
    number, silent = site.rate(question=PARKING), site.rate(answer="b", rating="up")
    added = site.call("POST", f"/feedback/{number}/question", json=REFUSE).json()
    assert (added["question"]["question"], added["question"]["lang"]) == (PARKING, "hr")
    assert [bool(row["done"]) for row in site.call("GET", "/feedback").json()] == [False, True]
    assert "has no question" in problem(site.call("POST", f"/feedback/{silent}/question", json={}), 422)
    assert "no feedback 99" in problem(site.call("POST", "/feedback/99/question", json={}), 404)
    assert site.asked() == [PARKING]


def test_a_question_is_removed_again(site: Site) -> None:
    id_ = site.call("POST", f"/insights/{site.miss()}/question", json=REFUSE).json()["question"]["id"]
    assert site.call("DELETE", f"/questions/{id_}").status_code == 204
    assert site.call("GET", "/questions").json() == []
    assert "No question has the id" in problem(site.call("DELETE", f"/questions/{id_}"), 404)


def test_the_questions_of_the_maintainers_are_listed_and_stay(site: Site) -> None:
    site.theirs.parent.mkdir()
    site.theirs.write_text(THEIRS)
    site.call("POST", f"/insights/{site.miss()}/question", json=REFUSE)
    listed = site.call("GET", "/questions").json()
    assert [(question["question"], question["own"]) for question in listed] == [("Who pays?", False), (PARKING, True)]
    assert "'1' is one of the maintainers' file" in problem(site.call("DELETE", "/questions/1"), 409)
    assert site.theirs.read_text() == THEIRS


def test_a_broken_file_is_told_with_its_line_and_nothing_changes(site: Site) -> None:
    site.theirs.parent.mkdir()
    site.theirs.write_text("nonsense\n")
    theme = site.miss()
    for method, path in (("GET", "/questions"), ("POST", f"/insights/{theme}/question"), ("DELETE", "/questions/x")):
        assert problem(site.call(method, path, json=REFUSE), 409).startswith("questions.jsonl, line 1: ")
    assert site.themes() == [PARKING]
    assert site.asked() == []
    site.log_in("maintainer")
    page = site.client.get("/staff/questions")
    assert (page.status_code, "questions.jsonl, line 1: " in page.text, PARKING in page.text) == (200, True, True)


BAD: dict[str, dict[str, Any]] = {
    "no fact": {},
    "more": {"id": "mine", "must_include": [["2 euro"]]},
    "kind": {"kind": "followup", "must_include": [["2 euro"]]},
    "language": {"language": "xx", "must_include": [["2 euro"]]},
    "question": {"question": "x" * 501, "must_include": [["2 euro"]]},
    "empty fact": {"must_include": [[]]},
    "blank fact": {"must_include": [[" "]]},
    "fact of a person": {"must_include": [["ana@firma.hr"]]},
    "facts of a refusal": {"kind": "unanswerable", "must_include": [["2 euro"]]},
}


@pytest.mark.parametrize("name", BAD)
def test_a_question_that_cannot_be_used_is_refused(site: Site, name: str) -> None:
    problem(site.call("POST", f"/insights/{site.miss()}/question", json=BAD[name]), 422)
    assert site.asked() == []


# --- files


def test_the_table_of_feedback_holds_no_formula(site: Site) -> None:
    site.rate(question=FORMULA, comment="  +1\n=2", reason="wrong")
    site.rate(answer="b", rating="up", comment='Good, "thanks"')
    response = site.call("GET", "/feedback.csv", "staff")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="feedback.csv"'
    header, up, down = cells(response.text)
    assert header[:6] == ["id", "rating", "reason", "question", "comment", "language"]
    assert down[1:6] == ["down", "wrong", f"'{FORMULA}", "'  +1\n=2", "hr"]
    assert up[1:6] == ["up", "", "", 'Good, "thanks"', "hr"]
    only = cells(site.call("GET", "/feedback.csv", "staff", params={"rating": "up", "count": 1}).text)
    assert [row[1] for row in only[1:]] == ["up"]


def test_the_staff_pages_offer_both_as_table_and_as_json(site: Site) -> None:
    site.miss(FORMULA)
    site.rate(question=FORMULA)
    site.log_in("staff")
    for name in ("questions", "feedback"):
        page = site.client.get(f"/staff/{name}").text
        for ending, kind in (("csv", "text/csv"), ("json", "application/json")):
            assert f'href="/staff/{name}.{ending}"' in page
            saved = site.client.get(f"/staff/{name}.{ending}")
            assert saved.headers["content-type"] == f"{kind}; charset=utf-8"
            assert saved.headers["content-disposition"] == f'attachment; filename="{name}.{ending}"'
            column = 0 if name == "questions" else 3
            found = cells(saved.text)[1][column] if ending == "csv" else saved.json()[0]["question"]
            assert found == ("'" if ending == "csv" else "") + FORMULA
    assert site.client.get("/staff/feedback.xml").status_code == 422
    site.client.cookies.clear()
    assert site.client.get("/staff/questions.csv").status_code == 401


# --- on the staff pages


def test_a_maintainer_turns_a_theme_into_a_question_and_takes_it_back(site: Site) -> None:
    theme = site.miss()
    site.log_in("maintainer")
    assert '<form method="post" action="/staff/questions/turn">' in site.client.get("/staff/questions").text
    form = {**FORM, "theme": theme, "facts": "2 euro | EUR 2\r\n\r\nTuesday\r\n"}
    turned = site.client.post("/staff/questions/turn", data=form)
    assert re.fullmatch(
        r"/staff/questions\?said=turned&added=staff-[0-9a-f]{8}&missed=1&missed=2&missed=3", turned.headers["location"]
    )
    page = site.client.get(turned.headers["location"]).text
    assert "The question was added" in page
    assert "<li>2 euro or EUR 2</li>" in page
    assert "No served document says “Tuesday”." in page
    assert read_questions(site.file)[0].must_include == [["2 euro", "EUR 2"], ["Tuesday"]]
    found = re.search(r'name="id" value="(staff-\w+)"', page)
    assert found
    form = {"id": found[1], "missed": re.findall(r'name="missed" value="(\d+)"', page)}
    removed = site.client.post("/staff/questions/remove", data=form)
    assert removed.headers["location"] == "/staff/questions?said=reopened"
    assert "The question was removed." in site.client.get(removed.headers["location"]).text
    assert (site.asked(), site.themes()) == ([], [PARKING])
    assert site.client.post("/staff/questions/remove", data=form).status_code == 404


def test_maintainers_see_the_questions_that_were_added_and_remove_one(site: Site) -> None:
    site.theirs.parent.mkdir()
    site.theirs.write_text(THEIRS)
    for question in (PARKING, HOSTILE):
        site.call("POST", f"/insights/{site.miss(question)}/question", json=REFUSE)
    site.log_in("staff")
    assert "that were added here" not in site.client.get("/staff/questions").text
    site.log_in("maintainer")
    page = site.client.get("/staff/questions").text
    assert "Test questions that were added here" in page
    assert ("Who pays?" in page, str(escape(HOSTILE)) in page, "<img" in page) == (False, True, False)
    newest, oldest = re.findall(r'name="id" value="(staff-\w+)"', page)
    site.client.post("/staff/questions/remove", data={"id": newest})
    assert site.asked() == [PARKING]
    site.client.post("/staff/questions/remove", data={"id": oldest})
    assert "that were added here" not in site.client.get("/staff/questions").text


@pytest.mark.parametrize("facts", ["", " \r\n "])
def test_a_question_to_be_answered_is_not_added_without_a_key_fact(site: Site, facts: str) -> None:
    site.log_in("maintainer")
    theme = site.miss()
    told = site.client.post("/staff/questions/turn", data={**FORM, "theme": theme, "facts": facts})
    assert (told.status_code, "needs a key fact" in told.text) == (422, True)
    assert (site.asked(), site.themes()) == ([], [PARKING])


def test_a_maintainer_turns_a_complaint_into_a_question_to_be_refused(site: Site) -> None:
    number = site.rate(question=HOSTILE)
    site.log_in("maintainer")
    page = site.client.get("/staff/feedback").text
    assert f'action="/staff/feedback/{number}/turn"' in page
    turned = site.client.post(f"/staff/feedback/{number}/turn", data={"question": HOSTILE, **REFUSE})
    shown = site.client.get(turned.headers["location"]).text
    assert "It should be refused." in shown
    assert "<script" not in shown
    assert "<img" not in shown
    assert str(escape(HOSTILE)) in shown
    assert site.asked() == [HOSTILE]
    found = re.search(r'name="id" value="(staff-\w+)"', shown)
    assert found
    site.client.post("/staff/questions/remove", data={"id": found[1], "feedback": [str(number)]})
    assert [row["done"] for row in site.call("GET", "/feedback").json()] == [None]
    assert site.asked() == []


def test_staff_see_no_form_and_send_none(site: Site) -> None:
    theme, number = site.miss(), site.rate(question=PARKING)
    site.log_in("staff")
    assert "/turn" not in site.client.get("/staff/questions").text + site.client.get("/staff/feedback").text
    for path in ("questions/turn", f"feedback/{number}/turn", "questions/remove"):
        refused = site.client.post(f"/staff/{path}", data={**FORM, "theme": theme, "id": "1"})
        assert (refused.status_code, "Only a maintainer" in refused.text) == (403, True)
    assert site.asked() == []


@pytest.mark.parametrize("facts", ["|", "a | ", "x" * 201, "\n".join(map(str, range(21)))])
def test_facts_that_cannot_be_used_are_told(site: Site, facts: str) -> None:
    site.log_in("maintainer")
    told = site.client.post("/staff/questions/turn", data={**FORM, "theme": site.miss(), "facts": facts})
    assert (told.status_code, "A key fact cannot be used." in told.text) == (422, True)


# --- the record of processing


def test_the_record_of_processing_names_what_exists(site: Site) -> None:
    text = (Path(__file__).parents[2] / "docs" / "processing.md").read_text(encoding="utf-8")
    named = set(re.findall(rf"{PREFIX}([A-Z_]+)", text))
    assert {"INSIGHTS", "INSIGHTS_PEOPLE", "KEEP_DAYS", "QUESTIONS"} <= named
    assert {name for name in named if name.lower() not in Settings.model_fields} == set()
    paths = site.client.get("/openapi.json").json()["paths"]
    routes = re.findall(r"`(GET|POST|DELETE) (/[^`]+)`", text)
    assert len(routes) >= 3
    assert [(method, path) for method, path in routes if method.lower() not in paths.get(path, {})] == []
