"""Answers told again: by their id, and to a client that sends the same request again. And what is not kept of them."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from assistant.api.ask import AskIn
from assistant.ask import Assistant, retold
from assistant.library import Library
from assistant.records import Answer, Document, Done, Reason, Section, Sentence
from assistant.runs import Runner
from assistant.settings import Keeping, Settings
from assistant.wiring import Stores
from ingest.build import build
from ingest.cut import cut
from ingest.progress import Stages
from tests.conftest import Server
from tests.e2e.test_ingest import assistant as assistant_over
from tests.e2e.test_streams import Scripted, events
from tests.serving import serving, until
from ui.privacy import told

ASK = "/api/v1/ask"
OKAPI = "The okapi of the Talk is called {name}."
NAMED = {"question": "What is the okapi of the Talk called?"}


@pytest.fixture
def okapi(stores: Stores) -> Iterator[tuple[httpx.Client, Callable[[str], None]]]:
    """A client of a real assistant that knows one okapi, and what publishes an edition with another name for it."""

    def rename(name: str) -> None:
        document = Document("okapi", "okapi.md", "The okapi of the Talk", name.ljust(64, "0"))
        pieces = cut(document, [Section(OKAPI.format(name=name))])
        stores.library.add_version(document, pieces.text, pieces.chunks)
        stores.library.publish(build([document], stores, Stages())[0].number)

    rename("Veronika")
    with serving(assistant_over(stores)) as client:
        yield client, rename


@pytest.fixture
def library(stores: Stores) -> Library:
    stores.library.finish_edition(number := stores.library.begin_edition("words", 64))
    stores.library.publish(number)
    return stores.library


def ask(client: httpx.Client, key: str = "", **body: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(ASK, json={**NAMED, **body}, headers=headers)


def said(answer: dict[str, Any]) -> dict[str, Any]:
    """What is kept of an answer."""
    return {**answer, "question_used": "", "suggestions": [], "timings_ms": {}, "as_of": None}


def answer(id_: str = "a", **changes: Any) -> Answer:
    values: dict[str, Any] = {
        "id": id_, "answer": "Yes.", "abstained": False, "reason": None, "language": "en", "question_used": "Why wombat?",
        "sentences": (Sentence("Yes."),), "citations": (), "suggestions": ("What wombat?",), "edition": 1,
        "engine": "quotes", "timings_ms": {"total": 5.0},
    }  # fmt: skip
    return Answer(**{**values, **changes})


# --- by id


def test_an_answer_is_told_again_from_its_edition_also_after_that_was_retired(
    okapi: tuple[httpx.Client, Any], stores: Stores
) -> None:
    client, rename = okapi
    first = ask(client).json()
    assert "Veronika" in first["answer"]
    rename("Waltraud")
    stores.drop(first["edition"])
    assert "Waltraud" in ask(client).json()["answer"]
    again = client.get(f"/api/v1/answers/{first['id']}")
    assert (again.status_code, again.json()) == (200, said(first))
    citation = again.json()["citations"][0]
    where = {"edition": citation["edition"]}
    text = client.get(f"/api/v1/sources/{citation['document']}/text", params=where).json()
    assert text["text"][slice(*citation["span"])] == citation["quote"]
    assert text["document"]["digest"] == citation["digest"]


def test_an_unknown_answer_is_404_and_where_none_is_kept_that_is_said(library: Library) -> None:
    with serving(Scripted(library)) as client:
        unknown = client.get(f"/api/v1/answers/{uuid.uuid4().hex}")
    assert (unknown.status_code, "30 days" in unknown.json()["detail"]) == (404, True)
    with serving(Scripted(library), Settings(keep_answers=0)) as client:
        given = ask(client).json()
        off = client.get(f"/api/v1/answers/{given['id']}")
    assert (off.status_code, "not kept here" in off.json()["detail"]) == (404, True)
    assert rows(library) == []


def rows(library: Library) -> list[Any]:
    with closing(sqlite3.connect(str(library._engine.url.database))) as db:
        return db.execute("SELECT * FROM answers UNION ALL SELECT mark, answer, created FROM claims").fetchall()


def test_insights_do_not_decide_about_answers(library: Library) -> None:
    with serving(Scripted(library), Settings(insights=False)) as client:
        assert client.get(f"/api/v1/answers/{ask(client).json()['id']}").status_code == 200


def test_an_answer_is_written_once_it_is_sent(okapi: tuple[httpx.Client, Any], stores: Stores) -> None:
    client, _ = okapi
    given = [ask(client).json(), events(client, NAMED)[-1].json()]
    other = Library(f"sqlite:///{stores.data / 'library.db'}")
    until(lambda: all(other.answers.find(answer["id"], 30) for answer in given))
    other.close()


def test_what_is_told_again_comes_as_the_same_events(okapi: tuple[httpx.Client, Any], stores: Stores) -> None:
    question = AskIn(**NAMED).question_record()
    came = list(assistant_over(stores).stream(question))
    assert isinstance(came[-1], Done)
    assert list(retold(came[-1].answer)) == came


# --- what is kept


def test_nothing_of_the_question_is_kept(okapi: tuple[httpx.Client, Any], stores: Stores) -> None:
    client, _ = okapi
    given = ask(client, key="k", question="I am from Quokkatown; what is the okapi of the Talk called?").json()
    stores.library.answers.flush()
    assert not given["abstained"]
    kept = b"".join(file.read_bytes() for file in stores.data.glob("library.db*"))
    assert given["id"].encode() in kept
    assert b"uokkatown" not in kept


def test_what_depends_on_the_question_is_left_out_and_generated_answers_are_not_kept(library: Library) -> None:
    library.answers.keep(answer("a"))
    library.answers.keep(answer("b", sentences=(Sentence("Wombats, you say?", kind="generated"),)))
    for _ in range(2):
        assert library.answers.find("a", 30) == answer("a", question_used="", suggestions=(), timings_ms={})
        assert library.answers.find("b", 30) is None
        library.answers.flush()
    assert "wombat" not in str(rows(library))


def test_the_first_of_two_answers_under_one_id_stays(library: Library) -> None:
    for text in ("First.", "Second."):
        library.answers.keep(answer("a", answer=text))
        library.answers.flush()
    assert cast(Answer, library.answers.find("a", 30)).answer == "First."


def test_answers_go_when_their_days_are_over(library: Library, stores: Stores) -> None:
    library.answers.keep(answer("a"))
    library.answers.claim("m" * 32, "a")
    library.answers.flush()
    now = datetime.now(UTC)
    runner = Runner(Settings(keep_answers=7), stores, lambda: cast(Assistant, None), clock=lambda: now)
    last = runner.tidy()
    assert len(rows(library)) == 2
    with closing(sqlite3.connect(stores.data / "library.db")) as db:
        db.execute("UPDATE answers SET created = ?", [(now - timedelta(days=8)).isoformat(timespec="seconds")])
        db.commit()
    assert library.answers.find("a", 7) is None, "too old, although nobody has tidied yet"
    assert library.answers.find("a", 9)
    now += timedelta(days=8)
    runner.tidy(last)
    assert rows(library) == []


def test_an_erased_answer_is_gone_also_before_it_was_written(library: Library) -> None:
    for flush in (library.answers.flush, lambda: None):
        library.answers.keep(answer("a"))
        library.answers.claim("m" * 32, "a")
        flush()
        assert (library.answers.erase("a"), library.answers.erase("a")) == (1, 0)
        library.answers.flush()
        assert library.answers.find("a", 30) is None
    assert rows(library) == []


def test_staff_erase_an_answer_over_http(library: Library) -> None:
    _, secret = library.keys.create("Ana", "staff")
    with serving(Scripted(library)) as client:
        id_ = ask(client).json()["id"]
        erased = client.delete(f"/api/v1/answers/{id_}", headers={"Authorization": f"Bearer {secret}"})
        assert (erased.status_code, erased.json()) == (200, {"erased": 1})
        assert client.get(f"/api/v1/answers/{id_}").status_code == 404


def test_the_privacy_page_tells_of_kept_answers_while_some_are_kept() -> None:
    assert "<td>12 days</td>" in told(Keeping(answers=12), "x")
    assert "given to programs" in told(Keeping(on=False), "x")
    assert "given to programs" not in told(Keeping(answers=0), "x")


# --- the same request again


def test_the_same_request_has_the_very_same_answer_after_another_edition(okapi: tuple[httpx.Client, Any]) -> None:
    client, rename = okapi
    key = str(uuid.uuid4())
    first = ask(client, key)
    rename("Waltraud")
    again = ask(client, key)
    assert again.json() == said(first.json())
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert "Waltraud" in ask(client).json()["answer"]
    with httpx.Client(base_url=client.base_url, headers={"Idempotency-Key": key}) as same:
        streamed = events(same, NAMED)
    assert streamed[-1].json() == again.json()


def test_a_key_with_another_body_is_refused(library: Library) -> None:
    assistant = Scripted(library)
    with serving(assistant) as client:
        ask(client, "1")
        for path in (ASK, f"{ASK}/stream"):
            refused = client.post(path, json={"question": "Why?"}, headers={"Idempotency-Key": "1"})
            assert (refused.status_code, "new key" in refused.json()["remedy"]) == (422, True)
        spaced = client.post(
            ASK, content=b'{ "question" : "What is the okapi of the Talk called?" }', headers=as_json("1")
        )
        assert spaced.headers["Idempotent-Replayed"], "the body is compared, not its bytes"
    assert len(assistant.editions) == 1


def as_json(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key, "Content-Type": "application/json"}


def test_two_clients_with_one_key_have_two_answers(library: Library) -> None:
    secrets = [library.keys.create(name, "reader")[1] for name in ("Ana", "Ben")]
    with serving(Scripted(library)) as client:
        ids = [
            client.post(ASK, json=NAMED, headers={"Idempotency-Key": "1", **sender}).json()["id"]
            for sender in (*({"Authorization": f"Bearer {secret}"} for secret in secrets), {})
        ]
    assert len(set(ids)) == 3


def test_the_id_stays_where_no_answer_is_kept_and_ids_without_a_key_are_random(library: Library) -> None:
    with serving(Scripted(library), Settings(keep_answers=0)) as client:
        assert ask(client, "k").json()["id"] == ask(client, "k").json()["id"]
        assert ask(client).json()["id"] != ask(client).json()["id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "é"])
def test_a_key_that_cannot_be_used_is_refused(library: Library, key: str) -> None:
    with serving(Scripted(library)) as client:
        refused = client.post(ASK, json=NAMED, headers={b"Idempotency-Key": key.encode()})
    assert refused.status_code == 422
    assert "Idempotency-Key" in refused.json()["detail"]


def test_the_secret_is_one_for_all_processes_and_differs_by_library(stores: Stores, tmp_path: Path) -> None:
    same = Library(f"sqlite:///{stores.data / 'library.db'}")
    other = Library(f"sqlite:///{tmp_path / 'other.db'}")
    marks = [library.secret.mark("answer", "a", "b") for library in (stores.library, same, other)]
    assert (marks[0] == marks[1], marks[0] == marks[2]) == (True, False)
    assert stores.library.secret.mark("answer", "ab") != stores.library.secret.mark("answer", "a", "b")
    same.close()
    other.close()


def test_a_refusal_that_is_told_again_is_noted_once(library: Library) -> None:
    class Refusing(Scripted):
        def stream(self, question: Any, edition: Any = None) -> Any:
            yield Done(answer("x", abstained=True, reason=Reason.NOT_IN_CORPUS))

    with serving(Refusing(library)) as client:
        assert ask(client, "k").json()["id"] == ask(client, "k").json()["id"]
    assert len(library.missed.rows("")) == 1


def test_the_header_parameters_are_declared(server: Server) -> None:
    with server.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
    headers = {
        path: {p["name"] for p in paths[path]["post"]["parameters"] if p["in"] == "header"}
        for path in (ASK, f"{ASK}/stream")
    }
    assert headers[ASK] == {"Idempotency-Key"}
    assert headers[f"{ASK}/stream"] == {"Idempotency-Key", "Last-Event-ID"}
    batch = paths[f"{ASK}/batch"]["post"]
    assert set(batch["requestBody"]["content"]) == {"application/x-ndjson", "application/json"}
    assert set(batch["responses"]) >= {"200", "400", "413", "422", "429", "503"}
