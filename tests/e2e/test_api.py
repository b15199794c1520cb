"""The HTTP interface of a real server, as its clients rely on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from httpx_sse import connect_sse

from tests.conftest import Server

ASK = "/api/v1/ask"


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as made:
        yield made


def ask(client: httpx.Client, question: str, **more: Any) -> dict[str, Any]:
    response = client.post(ASK, json={"question": question, **more})
    assert response.status_code == 200, response.text
    return dict(response.json())


def test_an_answer_keeps_the_contract(client: httpx.Client) -> None:
    answer = ask(client, "When did the EU Clusters Talk on innovation procurement take place?")
    assert set(answer) == {
        "id", "answer", "abstained", "reason", "language", "question_used", "sentences", "citations",
        "suggestions", "edition", "engine", "margin", "timings_ms", "settings", "version", "edition_digest", "as_of",
    }  # fmt: skip
    assert "13 September 2023" in answer["answer"]
    assert "[1]" in answer["answer"]
    assert (answer["abstained"], answer["reason"], answer["language"], answer["engine"]) == (
        False,
        None,
        "en",
        "quotes",
    )
    assert answer["timings_ms"]["total"] > 0
    sentence, citation = answer["sentences"][0], answer["citations"][0]
    assert set(sentence) >= {"text", "citations", "kind"}
    assert sentence["kind"] == "quote"
    assert set(citation) >= {
        "number", "document", "title", "uri", "url", "anchor", "link", "quote", "valid_from", "valid_until", "edition",
        "digest",
    }  # fmt: skip
    assert set(citation["anchor"]) >= {"heading", "page", "slide", "start", "end", "sheet", "row", "speaker"}
    assert citation["uri"].startswith("events/")
    assert citation["url"].startswith("https://nca.cz/")


QUESTIONS = (
    "Who are the announced speakers?",
    "Who owns the intellectual property after a PCP?",
    "How long did the Talk last?",
    "How many people attended the Talk?",
    "Wer hat den Talk organisiert?",
)


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_quote_is_verbatim_at_its_place(client: httpx.Client, question: str) -> None:
    answer = ask(client, question)
    assert answer["citations"]
    quoted = [s for s in answer["sentences"] if s["kind"] == "quote"]
    assert all(sentence["citations"] for sentence in quoted)
    for citation in answer["citations"]:
        text = client.get(
            f"/api/v1/sources/{citation['document']}/text", params={"edition": citation["edition"]}
        ).json()
        start, end = citation["span"]
        assert text["text"][start:end] == citation["quote"]
        assert text["document"]["digest"] == citation["digest"]
        for heading in citation["anchor"]["heading"]:
            assert heading in text["text"][:start]
        parts = [s["text"] for s in quoted if citation["number"] in s["citations"]]
        assert all(part in citation["quote"] for part in parts)


def test_the_link_of_a_citation_shows_the_quote_marked(client: httpx.Client) -> None:
    citation = ask(client, "Who organised the Talk?")["citations"][0]
    page = client.get(citation["link"])
    assert page.status_code == 200
    assert '<mark id="quote">' in page.text
    assert citation["quote"].split(".")[0].replace("'", "&#x27;") in page.text


def test_what_is_not_known_is_refused_with_what_is_known_and_where_to_ask(client: httpx.Client) -> None:
    answer = ask(client, "How many people attended the Talk?")
    assert (answer["abstained"], answer["reason"]) == (True, "not_in_corpus")
    assert "number of participants" in answer["answer"]
    assert "https://www.clustercollaboration.eu" in answer["answer"]


REFUSALS = {
    "en": "what is the best pizza recipe with mushrooms",
    "de": "Wie wird morgen das Wetter in Hamburg?",
    "fr": "Quelle est la meilleure recette de pizza aux champignons ?",
    "es": "¿Quién ganó el partido de fútbol de ayer?",
    "it": "Che tempo farà domani a Roma?",
    "pl": "Jaka będzie jutro pogoda w Krakowie?",
}
FIRST_WORDS = {
    "en": "This question", "de": "Diese Frage", "fr": "Cette question", "es": "Esta pregunta", "it": "Questa domanda",
    "pl": "Na to pytanie",
}  # fmt: skip


@pytest.mark.parametrize("language", REFUSALS)
def test_other_subjects_are_refused_in_the_language_of_the_question(client: httpx.Client, language: str) -> None:
    answer = ask(client, REFUSALS[language])
    assert answer["abstained"]
    assert answer["language"] == language
    assert answer["reason"] in ("out_of_scope", "not_in_corpus")
    if answer["reason"] == "out_of_scope":
        assert answer["answer"].startswith(FIRST_WORDS[language])


def test_a_german_question_gets_a_german_frame_around_english_quotes(client: httpx.Client) -> None:
    answer = ask(client, "Wem gehören nach einer vorkommerziellen Auftragsvergabe die Schutzrechte?")
    assert answer["language"] == "de"
    assert "ownership" in answer["answer"].lower()
    assert answer["sentences"][-1]["kind"] == "notice"


def test_a_follow_up_is_read_with_the_question_before_it(client: httpx.Client) -> None:
    history = [{"role": "user", "content": "Who organised the Talk?"}, {"role": "assistant", "content": "The ECCP."}]
    answer = ask(client, "and how long was it?", history=history)
    assert answer["question_used"] == "Who organised the Talk? and how long was it?"
    assert "75 minutes" in answer["answer"]


@pytest.mark.parametrize(("follow_up", "language"), [("PPI?", "de"), ("Et les délais ?", "fr")])
def test_a_follow_up_that_does_not_tell_its_language_has_that_of_the_question_before(
    client: httpx.Client, follow_up: str, language: str
) -> None:
    history = [{"role": "user", "content": "Was ist der Unterschied zwischen PCP und anderen Verfahren?"}]
    assert ask(client, follow_up, history=history)["language"] == language


def test_the_stream_tells_the_same_as_the_answer(client: httpx.Client) -> None:
    question = {"question": "How long did the Talk last?"}
    with connect_sse(client, "POST", f"{ASK}/stream", json=question) as source:
        events = [(event.event, json.loads(event.data)) for event in source.iter_sse()]
    names = [name for name, _ in events]
    done = events[-1][1]
    assert names[0] == "status"
    assert names[-1] == "done"
    streamed = [data for name, data in events if name == "sentence"]
    assert [s["text"] for s in streamed] == [s["text"] for s in done["sentences"]]
    assert [c for s in streamed for c in s["new_citations"]] == done["citations"]
    assert done["answer"] == client.post(ASK, json=question).json()["answer"]


def test_search_and_sources(client: httpx.Client) -> None:
    found = client.get("/api/v1/search", params={"q": "intellectual property", "count": 3}).json()
    assert len(found["passages"]) == 3
    assert found["passages"][0]["uri"] == "procedures/pcp-intellectual-property.md"
    only = client.get("/api/v1/search", params={"q": "intellectual property", "kind": "events"}).json()
    assert {passage["uri"].split("/")[0] for passage in only["passages"]} == {"events"}
    listed = client.get("/api/v1/sources").json()
    assert len(listed["documents"]) == 4
    assert {"id", "title", "uri", "publisher", "licence", "retrieved"} <= set(listed["documents"][0])


def test_filters_hold_for_answers(client: httpx.Client) -> None:
    answer = ask(client, "Who keeps the intellectual property in a PCP?", filters={"kind": ["events"]})
    assert all(citation["uri"].startswith("events/") for citation in answer["citations"])


def test_filters_hold_for_recorded_gaps_too(client: httpx.Client) -> None:
    question = "How many people attended the Talk?"
    assert {c["uri"].split("/")[0] for c in ask(client, question)["citations"]} == {"events"}
    answer = ask(client, question, filters={"kind": ["procedures"]})
    assert {c["uri"].split("/")[0] for c in answer["citations"]} <= {"procedures"}


BAD = {
    "empty": (b'{"question": "  "}', 422, "empty"),
    "20 kB": (json.dumps({"question": "why " * 5000}).encode(), 413, "characters"),
    "not UTF-8": (b'{"question": "\xff\xfe"}', 400, "read"),
    "not JSON": (b"question=why", 400, "JSON"),
    "no question": (b"{}", 422, "question"),
    "unknown field": (b'{"question": "Why?", "temperature": 1}', 422, "temperature"),
    "200 turns": (
        json.dumps({"question": "Why?", "history": [{"role": "user", "content": "x"}] * 200}).encode(), 413, "turns"),
    "unknown language": (b'{"question": "Why?", "language": "tlh"}', 422, "tlh"),
    "bad role": (b'{"question": "Why?", "history": [{"role": "system", "content": "x"}]}', 422, "role"),
    "bad date": (b'{"question": "Why?", "as_of": "tomorrow"}', 422, "as_of"),
    "2 MB": (b'{"question": "' + b"x" * 2_000_000 + b'"}', 413, "large"),
}  # fmt: skip


@pytest.mark.parametrize("path", [ASK, f"{ASK}/stream"])
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_a_problem_document_that_says_what_to_do(client: httpx.Client, path: str, name: str) -> None:
    body, status, says = BAD[name]
    response = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert set(problem) == {"type", "title", "status", "detail", "remedy"}
    assert says in problem["title"] + problem["detail"]
    assert problem["remedy"]


def test_a_body_without_its_type_says_which_header_is_missing(client: httpx.Client) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}  # what curl -d sends
    refused = client.post(ASK, content=b'{"question": "Why?"}', headers=form)
    assert (refused.status_code, "`Content-Type: application/json`" in refused.json()["remedy"]) == (422, True)


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/api/v1/sources/nothing/text", "/api/v1/sources?edition=99", "/read/nothing"]
)
def test_what_does_not_exist_is_404(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_markup_in_a_question_stays_text(client: httpx.Client) -> None:
    answer = ask(client, "<script>alert(1)</script> who organised the Talk?")
    assert "<script>" not in answer["answer"]


def test_health_and_documentation(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz").json()
    assert (ready["status"], ready["documents"]) == ("ready", 4)
    assert (ready["reader"], ready["warnings"]) == ("bundled", [])
    schema = client.get("/openapi.json").json()
    assert {ASK, f"{ASK}/stream", "/api/v1/search", "/api/v1/sources", "/api/v1/sources/{document}/text"} <= set(
        schema["paths"]
    )
    assert client.get("/docs").status_code == 200


def test_it_listens_at_once(server: Server) -> None:
    assert server.first_state == 503, "it must listen before it is ready, not wait for models"
