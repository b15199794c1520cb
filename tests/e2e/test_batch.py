"""Many questions in one request: a line each, in order, and a bad one costs no more than its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant.api.limits import rate_limit
from assistant.ask_file import ask_file
from assistant.asking import HttpAsker, LocalAsker
from assistant.errors import TooMany
from assistant.library import Library
from assistant.wiring import Stores
from tests.conftest import Server, cluster_talks
from tests.e2e.test_streams import Scripted
from tests.serving import serving

BATCH = "/api/v1/ask/batch"
LASTED = {"question": "How long did the Talk last?", "ref": "a"}
REFUSED = {"question": "What does the okapi subsidy of Atlantis cost on Mars?"}
LINES = (
    json.dumps(LASTED),
    json.dumps({"question": " ", "ref": "b"}),
    "{not json",
    json.dumps({"question": "Why?", "ref": "d", "temperature": 1}),
    json.dumps({"question": "why " * 5000, "ref": "e"}),
    json.dumps(["a list"]),
    json.dumps(REFUSED),
)
STATUSES = [None, 422, 422, 422, 413, 422, None]


@pytest.fixture
def library(stores: Stores) -> Library:
    stores.library.finish_edition(number := stores.library.begin_edition("words", 64))
    stores.library.publish(number)
    return stores.library


def rows(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]


def test_each_question_is_answered_in_order_and_a_bad_line_says_what_is_wrong(server: Server) -> None:
    with server.client() as client:
        found = rows(client.post(BATCH, content="\n\n".join(LINES), headers={"Content-Type": "application/x-ndjson"}))
        single = client.post("/api/v1/ask", json={"question": LASTED["question"]}).json()
    assert [row["index"] for row in found] == list(range(7))
    assert [row["ref"] for row in found] == ["a", "b", None, "d", "e", None, None]
    assert [row["error"]["status"] if "error" in row else None for row in found] == STATUSES
    assert [set(row) for row in found] == [{"index", "ref", "error" if s else "answer"} for s in STATUSES]
    errors = [row["error"] for row in found if "error" in row]
    assert all(set(error) == {"type", "title", "status", "detail", "remedy"} and error["remedy"] for error in errors)
    assert "temperature" in found[3]["error"]["detail"]
    assert found[0]["answer"].keys() == single.keys()
    assert found[0]["answer"]["answer"] == single["answer"]
    assert found[6]["answer"]["abstained"]


def test_a_refused_question_of_a_batch_is_kept_and_its_answers_can_be_read_again(server: Server) -> None:
    library = Library(f"sqlite:///{server.data / 'library.db'}")
    asked = [LASTED, {"question": "What does the bandicoot subsidy of Atlantis cost on Mars?"}]
    with server.client() as client:
        answers = [row["answer"] for row in rows(client.post(BATCH, json=asked))]
        again = [client.get(f"/api/v1/answers/{answer['id']}").json() for answer in answers]
    assert [answer["citations"] for answer in again] == [answer["citations"] for answer in answers]
    kept = {row["answer"]: row["question"] for row in library.missed.rows("")}
    assert "bandicoot" in kept[answers[1]["id"]]
    assert answers[0]["id"] not in kept
    library.close()


def test_a_line_separator_within_a_question_ends_no_line(library: Library) -> None:
    with serving(Scripted(library)) as client:
        found = rows(client.post(BATCH, content=json.dumps({"question": "a\u2028b\x85c"}, ensure_ascii=False)))
    assert [row["answer"]["question_used"] for row in found] == ["a\u2028b\x85c"]


BAD: dict[str, tuple[bytes, int, str]] = {
    "101 questions": (b'{"question": "Why?"}\n' * 101, 413, "101 questions"),
    "an array of 101": (json.dumps([{"question": "Why?"}] * 101).encode(), 413, "101 questions"),
    "nothing": (b" \n ", 422, "empty"),
    "an empty array": (b"[]", 422, "empty"),
    "no array after all": (b'[{"question": ', 422, "read"),
    "too deep": (b"[" * 200_000, 422, "read"),
    "not UTF-8": (b'{"question": "\xff\xfe"}', 422, "read"),
    "over a megabyte": (b'{"question": "' + b"x" * 1_000_000 + b'"}', 413, "bytes"),
}


def test_a_batch_that_cannot_be_used_is_refused_whole(library: Library) -> None:
    assistant = Scripted(library)
    with serving(assistant) as client:
        for name, (body, status, says) in BAD.items():
            response = client.post(BATCH, content=body)
            assert (response.status_code, says in response.json()["detail"]) == (status, True), (name, response.text)
            assert response.json()["remedy"]
        assert len(rows(client.post(BATCH, content=BAD["101 questions"][0][:-21]))) == 100
    assert len(assistant.editions) == 100


def test_a_question_that_breaks_costs_one_line(library: Library) -> None:
    class Breaking(Scripted):
        def stream(self, question: Any, edition: Any = None) -> Any:
            if question.text == "break":
                raise RuntimeError("not for users")
            return super().stream(question, edition)

    with serving(Breaking(library)) as client:
        found = rows(client.post(BATCH, json=[{"question": "break"}, {"question": "Why?"}]))
    assert (found[0]["error"]["status"], "not for users" in json.dumps(found[0])) == (500, False)
    assert found[1]["answer"]["answer"] == "All."


def test_a_ref_that_is_no_text_breaks_nothing(library: Library) -> None:
    lines = '{"question": "Why?", "ref": "\\ud800"}\n{"question": "Why?", "ref": 5}\n{"question": "Why?"}'
    with serving(Scripted(library)) as client:
        found = rows(client.post(BATCH, content=lines))
    assert [(row["ref"], "answer" in row) for row in found] == [(None, False), (None, False), (None, True)]


def test_the_first_answer_comes_before_the_last_is_worked_out(library: Library) -> None:
    assistant = Scripted(library, count=1, pause=0.1)
    with serving(assistant) as client, client.stream("POST", BATCH, json=[LASTED] * 20) as response:
        first = json.loads(next(response.iter_lines()))
        assert (first["index"], assistant.said < 20) == (0, True)


def test_each_question_counts_for_the_rate_limit(library: Library) -> None:
    with serving(Scripted(library), limit=rate_limit("10/minute")) as client:
        assert len(rows(client.post(BATCH, json=[LASTED] * 8))) == 8
        refused = client.post(BATCH, json=[LASTED] * 5)
        assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")


def test_a_batch_that_the_rate_limit_never_allows_is_told_the_largest(library: Library) -> None:
    with serving(Scripted(library), limit=rate_limit("10/minute")) as client:
        refused = client.post(BATCH, json=[LASTED] * 11)
        assert (refused.status_code, "retry-after" in refused.headers) == (413, False)
        assert refused.json()["detail"] == "These are 11 questions, more than 10 per 1 minute."
        assert refused.json()["remedy"] == "Send 10 at most."


# --- the command


def test_a_file_of_questions_is_asked_through_the_server(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(LINES[:3]) + "\n")
    done = cluster_talks("ask", "--file", str(file), env=server.environment())
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["index"], row["ref"], "answer" in row) for row in found] == [
        (0, "a", True), (1, "b", False), (2, None, False),
    ]  # fmt: skip
    assert "75 minutes" in found[0]["answer"]["answer"]
    assert done.returncode == 1, "two could not be asked"
    assert "Asking questions" in done.stderr
    file.write_text("\n")
    assert "is empty" in cluster_talks("ask", "--file", str(file), env=server.environment()).stderr


def test_a_file_may_hold_more_than_one_request(library: Library, tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join([LINES[0], LINES[2]] * 120))
    seen: list[tuple[int, int]] = []
    asker: Any = LocalAsker(Scripted(library))  # type: ignore[arg-type]
    found = list(ask_file(file, asker, lambda stage, done, total: seen.append((done, total))))
    assert [row["index"] for row in found] == list(range(240))
    assert ["answer" in row for row in found] == [True, False] * 120
    assert seen[-1] == (240, 240)
    with serving(Scripted(library)) as client:
        through: Any = HttpAsker(client)
        assert [row["ref"] for row in ask_file(file, through, lambda *_: None)] == [row["ref"] for row in found]


def test_a_file_is_asked_as_fast_as_the_rate_limit_allows(library: Library, tmp_path: Path) -> None:
    file, seen = tmp_path / "questions.jsonl", []
    file.write_text("\n".join(json.dumps({"question": "Why?", "ref": str(n)}) for n in range(12)))
    with serving(Scripted(library), limit=rate_limit("5/second")) as client:
        asker: Any = HttpAsker(client)
        found = list(ask_file(file, asker, lambda stage, done, total: seen.append((stage, done))))
    assert [(row["index"], row["ref"], "answer" in row) for row in found] == [(n, str(n), True) for n in range(12)]
    assert "Waiting for the rate limit" in {stage for stage, _ in seen}
    assert seen[-1] == ("Asking questions", 12)


def test_a_file_is_given_up_where_the_wait_is_too_long(library: Library, tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join([LINES[0]] * 3))
    with serving(Scripted(library), limit=rate_limit("2/day")) as client:
        asker: Any = HttpAsker(client)
        with pytest.raises(TooMany, match="Ask again in"):
            list(ask_file(file, asker, lambda *_: None))


def test_lines_that_are_too_long_together_go_apart(library: Library, tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(["x" * 300_000] * 3))
    asker: Any = LocalAsker(Scripted(library))  # type: ignore[arg-type]
    assert [row["index"] for row in ask_file(file, asker, lambda *_: None)] == [0, 1, 2]
