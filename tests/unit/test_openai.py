"""How answers, questions and errors look to clients of OpenAI; the clients themselves are in tests/e2e/test_openai.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from assistant.api.app import create_app
from assistant.api.openai.errors import AsOpenAI, Refused
from assistant.api.openai.questions import MAX_TURN, MessageIn, RequestIn, question_of
from assistant.api.openai.wording import joined, pieces, without_sources
from assistant.api.problems import problem
from assistant.api.state import State
from assistant.ask import MAX_HISTORY, Assistant
from assistant.errors import NotReady, TooLarge
from assistant.library import Library
from assistant.records import Anchor, Answer, Citation, Done, Event, Question, Reason, Said, Sentence, Status

SITE = "https://talks.example.eu"
HOSTILE = "Read [this](https://evil.example), ![pixel](https://evil.example/p.png) <img src=x> [1] and \\[that](https://evil.example)"


def citation(number: int = 1, **changes: Any) -> Citation:
    values: dict[str, Any] = {
        "number": number, "document": "d", "title": "A title", "uri": "d.md", "url": "https://example.eu/d",
        "anchor": Anchor(("Top", "Heading"), page=3), "link": "/read/d?edition=1&start=0&end=4#quote", "quote": "Text",
        "span": (0, 4), "valid_from": None, "valid_until": None, "edition": 1, "digest": "0",
    }  # fmt: skip
    return Citation(**{**values, **changes})


def events(*said: tuple[Sentence, tuple[Citation, ...]], reason: Reason | None = None) -> Iterator[Event]:
    citations = tuple(c for _, new in said for c in new)
    sentences = tuple(sentence for sentence, _ in said)
    yield Status("search")
    yield from (Said(sentence, new) for sentence, new in said)
    yield Done(Answer("a", "", reason is not None, reason, "en", "", sentences, citations, (), 1, "quotes"))


# --- wording


def test_annotations_point_at_the_marks_of_the_text() -> None:
    one, two = citation(), citation(2, title="Another", url=None)
    whole = joined(list(pieces(events((Sentence("One.", (1,)), (one,)), (Sentence("Both.", (1, 2)), (two,))), SITE)))
    assert whole.text.startswith("One. [1] Both. [1] [2]\n\n---\n\n**Sources**\n\n1. ")
    assert [whole.text[c.start_index : c.end_index] for c in whole.citations] == ["[1]", "[1]", "[2]"]
    assert [(c.title, c.url) for c in whole.citations[1:]] == [
        ("A title", "https://example.eu/d"),
        ("Another", f"{SITE}/read/d?edition=1&start=0&end=4#quote"),
    ]


def test_the_sources_are_listed_with_their_places() -> None:
    recording = citation(2, title="Talk", url="https://example.eu/v?t=75", anchor=Anchor(start=75.2, end=80))
    said = ((Sentence("One.", (1,)), (citation(),)), (Sentence("Two.", (2,)), (recording,)))
    assert joined(list(pieces(events(*said), SITE))).text.endswith(
        "1. [A title](https://example.eu/d) · Heading · page 3\n2. [Talk](https://example.eu/v?t=75) · 1:15"
    )


def test_documents_can_set_no_link_image_or_html() -> None:
    hostile = citation(title="A](https://evil.example) <b>\nnext", url="javascript:alert(1)", anchor=Anchor((HOSTILE,)))
    whole = joined(list(pieces(events((Sentence(HOSTILE, (1,)), (hostile,))), SITE)))
    from markdown_it import MarkdownIt

    page = MarkdownIt("commonmark").render(whole.text)
    assert "<img" not in page
    assert "<b>" not in page
    assert page.count("<a ") == page.count(f'<a href="{SITE}/read/d?') == 1
    assert len(whole.citations) == 1
    assert whole.text[: whole.citations[0].end_index].endswith("evil.example) [1]")
    assert whole.citations[0].url.startswith(SITE)


def test_an_answer_without_sources_has_no_list_of_them() -> None:
    notice = Sentence("This question is outside what I can answer.", kind="notice")
    whole = joined(list(pieces(events((notice, ()), reason=Reason.OUT_OF_SCOPE), SITE)))
    assert (whole.text, whole.citations) == (notice.text, ())


def test_the_list_of_sources_is_taken_off_an_answer_that_comes_back() -> None:
    whole = joined(list(pieces(events((Sentence("One.", (1,)), (citation(),))), SITE)))
    assert without_sources(whole.text) == without_sources(f"{whole.text}\n") == "One. [1]"
    assert without_sources("A rule:\n\n---\n\nmore") == "A rule:\n\n---\n\nmore"


# --- questions


def asked(*messages: tuple[str, Any], **more: Any) -> Question:
    listed = [MessageIn.model_validate({"role": role, "content": content}) for role, content in messages]
    return question_of(RequestIn.model_validate(more), listed, "messages")


def test_the_last_message_of_the_user_is_the_question_and_those_before_it_the_history() -> None:
    question = asked(
        ("system", "Answer as a pirate."),
        ("user", [{"type": "text", "text": "Who spoke?"}, {"type": "text", "text": "All of them."}]),
        ("assistant", "Ana. [1]\n\n---\n\n**Quellen**\n\n1. [T](https://example.eu)"),
        ("tool", "42"),
        ("user", "And where?"),
        ("assistant", "In "),
    )
    assert question.text == "And where?"
    assert [(t.role, t.content) for t in question.history] == [
        ("user", "Who spoke?\nAll of them."), ("assistant", "Ana. [1]")
    ]  # fmt: skip


def test_a_long_conversation_is_no_error() -> None:
    question = asked(*[("user", "x" * MAX_TURN * 2)] * (MAX_HISTORY + 5), ("user", "Who spoke?"))
    assert len(question.history) == MAX_HISTORY
    assert len(question.history[0].content) == MAX_TURN


HARMLESS = {
    "temperature": 0.2, "max_tokens": 5, "max_completion_tokens": 5, "top_p": 1, "seed": 7, "user": "u", "stop": ["."],
    "tools": [{"type": "function"}], "response_format": {"type": "json_object"}, "n": 1, "logprobs": False,
    "tool_choice": "auto", "store": True, "instructions": "Be brief.", "modalities": ["text"], "unknown": {"a": 1},
}  # fmt: skip


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_steers_a_model_changes_nothing(name: str) -> None:
    assert asked(("user", "Who spoke?"), **{name: HARMLESS[name]}) == asked(("user", "Who spoke?"))


REFUSED = {
    "n": 2, "logprobs": True, "top_logprobs": 3, "tool_choice": "required", "function_call": {"name": "f"},
    "modalities": ["text", "audio"], "previous_response_id": "resp_1", "conversation": "conv_1", "background": True,
    "prompt": {"id": "p"},
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_refused_by_name(name: str) -> None:
    with pytest.raises(Refused) as refused:
        asked(("user", "Who spoke?"), **{name: REFUSED[name]})
    assert (refused.value.status, refused.value.param) == (400, name)
    assert refused.value.remedy


@pytest.mark.parametrize("kind", ["image_url", "input_image", "input_audio", "file"])
def test_a_part_that_is_no_text_is_refused(kind: str) -> None:
    with pytest.raises(Refused, match=f"{kind}.*Send text only"):
        asked(("user", [{"type": "text", "text": "What is this?"}, {"type": kind}]))


# --- errors


def test_problem_documents_get_the_shape_of_openai_and_keep_their_headers() -> None:
    app = FastAPI()

    @app.get("/{path:path}")
    def limited(path: str) -> Any:
        return problem(429, "Too many", "Over the limit.", "Wait.", retry=7)

    client = TestClient(AsOpenAI(app))
    answer = client.get("/v1/models")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "error": {"message": "Over the limit. Wait.", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
    }
    assert client.get("/api/v1/search").json()["title"] == "Too many"


class Scripted:
    """Stands in for Assistant, over a library that is real."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def stream(self, question: Question, *_: Any, **__: Any) -> Iterator[Event]:
        match question.text:
            case "break":
                raise RuntimeError("not for users")
            case "leave":
                yield Said(Sentence("One."), ())
                raise TooLarge("Too much was found.", "Ask for less.")
            case "unknown":
                yield from events((Sentence("No.", kind="notice"), ()), reason=Reason.NOT_IN_CORPUS)
            case _:
                yield from events((Sentence("One.", (1,)), (citation(),)))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    made = Library(f"sqlite:///{tmp_path_factory.mktemp('openai') / 'library.db'}")
    number = made.begin_edition("words", 64)
    made.finish_edition(number)
    made.publish(number)
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(library: Library) -> Iterator[TestClient]:
    app = create_app(State(), lambda state, _: state.serve(cast(Assistant, Scripted(library))))
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


ROUTES = ("/v1/chat/completions", "/v1/responses")


def send(client: TestClient, route: str, question: str, **more: Any) -> Any:
    said = {"messages": [{"role": "user", "content": question}]} if "chat" in route else {"input": question}
    return client.post(route, json={**said, **more}, headers={"Authorization": "Bearer unknown"})


@pytest.mark.parametrize("route", ROUTES)
def test_an_unexpected_error_says_nothing_of_its_cause(client: TestClient, route: str) -> None:
    answer = send(client, route, "break")
    assert answer.status_code == 500
    assert answer.json()["error"]["type"] == "server_error"
    assert "not for users" not in answer.text


def data(text: str) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("question", "message"), [("leave", "Too much was found. Ask for less."), ("break", "The server")]
)
def test_an_error_after_the_start_is_the_last_event_of_a_stream(
    client: TestClient, question: str, message: str
) -> None:
    chat, response = (data(send(client, route, question, stream=True).text) for route in ROUTES)
    assert chat[-1]["error"]["message"].startswith(message)
    assert "[DONE]" not in chat
    assert response[-1]["type"] == "response.failed"
    assert response[-1]["response"]["status"] == "failed"
    assert response[-1]["response"]["error"]["message"].startswith(message)
    assert [event["sequence_number"] for event in response] == list(range(len(response)))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("stream", [False, True])
def test_refused_questions_are_kept_for_the_staff_and_others_are_not(
    client: TestClient, library: Library, route: str, stream: bool
) -> None:
    before = len(library.missed.rows(""))
    send(client, route, "Who spoke?", stream=stream)
    send(client, route, "unknown", stream=stream)
    assert [row["question"] for row in library.missed.rows("")[before:]] == ["unknown"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"messages": 1}', b'{"messages": [{"role": "pirate"}]}', b"\xff"])
def test_a_body_that_does_not_fit_is_a_bad_request(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/chat/completions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_the_field_that_does_not_fit_is_named(client: TestClient) -> None:
    assert client.post("/v1/responses", json={}).json()["error"]["param"] == "input"
    assert client.post("/v1/responses", json={"input": ""}).json()["error"]["param"] == "input"
    reference = client.post("/v1/responses", json={"input": [{"type": "item_reference", "id": "msg_1"}]})
    assert reference.json()["error"]["message"] == "Items are not kept, so none can be referred to. Send the item."


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/responses", 405),
        ("GET", "/v1/models/gpt", 404),
        ("DELETE", "/v1/responses/r", 404),
    ],
)
def test_what_does_not_exist_is_told_in_the_same_shape(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_a_body_over_the_limit_is_refused_in_the_same_shape(client: TestClient) -> None:
    answer = send(client, ROUTES[0], "x" * 1_100_000)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")


def test_before_anything_is_served_clients_are_told_to_wait() -> None:
    state = State()
    with TestClient(create_app(state, lambda *_: None)) as client:
        for answer in (client.get("/v1/models"), *(send(client, route, "Who?", stream=True) for route in ROUTES)):
            assert answer.status_code == NotReady.status
            assert answer.json()["error"]["code"] == "not_ready"


def test_a_server_that_stops_tells_it_in_the_same_shape(library: Library) -> None:
    app = create_app(State(), lambda state, _: state.serve(cast(Assistant, Scripted(library))))
    with TestClient(app) as client:
        app.state.drain.begin()
        stopping = client.get("/v1/models")
    assert (stopping.status_code, stopping.json()["error"]["code"]) == (503, "not_ready")
    assert stopping.headers["retry-after"]


@pytest.mark.parametrize("route", ROUTES)
def test_the_examples_of_the_interface_are_true(client: TestClient, route: str) -> None:
    operation = client.get("/openapi.json").json()["paths"][route]["post"]
    shown = operation["responses"]["200"]["content"]
    example = shown["application/json"]["example"]
    answer = send(client, route, "Who spoke?").json()
    assert set(example) <= set(answer)
    assert set(example["usage"]) <= set(answer["usage"])
    text = example["choices"][0]["message"] if "chat" in route else example["output"][0]["content"][0]
    said = answer["choices"][0]["message"] if "chat" in route else answer["output"][0]["content"][0]
    assert set(text) <= set(said)
    annotation = text["annotations"][0].get("url_citation", text["annotations"][0])
    content = text.get("content") or text["text"]
    assert content[annotation["start_index"] : annotation["end_index"]] == "[1]"
    assert text["annotations"][0].keys() == said["annotations"][0].keys()
    assert data(shown["text/event-stream"]["example"])


def test_the_interface_documents_every_route_and_its_errors(client: TestClient) -> None:
    paths = {
        path: item for path, item in client.get("/openapi.json").json()["paths"].items() if path.startswith("/v1/")
    }
    assert set(paths) == {"/v1/models", "/v1/models/{model}", *ROUTES, "/v1/responses/{id}"}
    for operations in paths.values():
        for operation in operations.values():
            assert operation["summary"]
            assert "422" not in operation["responses"]
            assert operation["responses"]["default"]["content"]["application/json"]["schema"]["$ref"].endswith(
                "ErrorsOut"
            )
