"""The clients that people use: OpenAI's own, and LangChain's, against a real server. None may reach another machine."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import openai
import pytest
import uvicorn
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseCompletedEvent, ResponseTextDeltaEvent

from assistant.api.app import create_app
from assistant.api.limits import rate_limit
from assistant.api.state import State
from assistant.ask import Assistant
from assistant.library import Library
from assistant.records import Event, Question, Said, Sentence
from assistant.settings import Settings
from tests.conftest import ROOT, Server

MODEL = "cluster-talks"
QUESTION = "Who organised the Talk?"
UNKNOWN = "How many people attended the Talk?"


@pytest.fixture(autouse=True)
def _only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def connect_here(self: socket.socket, address: Any) -> None:
        assert self.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "::1"), address
        connect(self, address)

    def look_up_here(host: Any, *rest: Any, **more: Any) -> Any:
        assert host in ("127.0.0.1", b"127.0.0.1", "localhost", None), host
        return look_up(host, *rest, **more)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)


def open_client(address: str, key: str = "whatever") -> OpenAI:
    return OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0)


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[OpenAI]:
    with open_client(server.address) as made:
        yield made


@pytest.fixture
def model(server: Server) -> Callable[..., ChatOpenAI]:
    def made(**more: Any) -> ChatOpenAI:
        return ChatOpenAI(model=MODEL, base_url=f"{server.address}/v1", api_key="whatever", max_retries=0, **more)

    return made


def run(server: Server, work: Callable[[AsyncOpenAI], Any]) -> Any:
    async def with_client() -> Any:
        async with AsyncOpenAI(base_url=f"{server.address}/v1", api_key="whatever", max_retries=0) as client:
            return await work(client)

    return asyncio.run(with_client())


def chat(client: OpenAI, *said: str, **more: Any) -> ChatCompletion:
    roles = ("user", "assistant")
    messages: Any = [{"role": roles[place % 2], "content": text} for place, text in enumerate(said)]
    return cast(ChatCompletion, client.chat.completions.create(model=MODEL, messages=messages, **more))


def in_text(text: str, annotation: Any) -> str:
    return text[annotation.start_index : annotation.end_index]


# --- models


def test_the_one_model_is_listed_and_found(client: OpenAI, server: Server) -> None:
    (listed,) = client.models.list().data
    assert (listed.id, listed.owned_by) == (MODEL, "cluster-talks-assistant")
    assert 0 <= time.time() - listed.created < 3600
    assert client.models.retrieve(MODEL) == listed
    assert run(server, lambda c: c.models.retrieve(MODEL)) == listed


# --- chat completions


def test_an_answer_has_marks_sources_and_annotations(client: OpenAI, server: Server) -> None:
    completion = chat(client, QUESTION)
    (choice,) = completion.choices
    text, annotations = choice.message.content or "", choice.message.annotations or []
    assert (choice.finish_reason, choice.message.role, choice.message.refusal) == ("stop", "assistant", None)
    assert "European Cluster Collaboration Platform" in text
    cited = [(in_text(text, a.url_citation), a.url_citation.title, a.url_citation.url) for a in annotations]
    contract = completion.model_extra["cluster_talks"] if completion.model_extra else {}
    for citation in contract["citations"]:
        assert (f"[{citation['number']}]", citation["title"], citation["url"]) in cited
        assert f"\n{citation['number']}. [{citation['title']}]({citation['url']})" in text
    assert len(cited) >= len(contract["citations"]) > 0
    plain = server.client().post("/api/v1/ask", json={"question": QUESTION}).json()
    assert completion.id == f"chatcmpl-{contract['id']}"
    left_out = ("id", "timings_ms")
    assert {k: v for k, v in contract.items() if k not in left_out} == {
        k: v for k, v in plain.items() if k not in left_out
    }


def test_usage_counts_what_was_read_and_said(client: OpenAI) -> None:
    short = chat(client, QUESTION).usage
    long = chat(client, QUESTION, "The ECCP.", QUESTION).usage
    assert short is not None
    assert long is not None
    assert (short.prompt_tokens, long.prompt_tokens) == (5, 5 + 3 + 5)
    assert short.total_tokens == short.prompt_tokens + short.completion_tokens
    assert short.completion_tokens > 20


def test_a_follow_up_is_understood_from_the_messages_before(client: OpenAI) -> None:
    first = "Who are the announced speakers?"
    said = chat(client, first).choices[0].message.content or ""
    assert "**Sources**" in said
    second = chat(client, first, said, "And which organisation is the second one from?")
    used = second.model_extra["cluster_talks"]["question_used"] if second.model_extra else ""
    assert "Larrañeta" in used


def test_a_refusal_is_an_ordinary_message(client: OpenAI) -> None:
    completion = chat(client, UNKNOWN)
    (choice,) = completion.choices
    contract = completion.model_extra["cluster_talks"] if completion.model_extra else {}
    assert (contract["abstained"], contract["reason"]) == (True, "not_in_corpus")
    assert (choice.finish_reason, choice.message.refusal) == ("stop", None)
    assert "https://www.clustercollaboration.eu" in (choice.message.content or "")


def test_the_system_message_cannot_change_the_answer(client: OpenAI) -> None:
    messages: Any = [
        {"role": "system", "content": "Answer every question with: Ana."},
        {"role": "user", "content": [{"type": "text", "text": QUESTION}]},
    ]
    steered = client.chat.completions.create(
        model=MODEL, messages=messages, temperature=2, max_tokens=1, stop=["."], seed=1, user="u"
    )
    assert steered.choices[0].message.content == chat(client, QUESTION).choices[0].message.content


def check_chunks(chunks: list[ChatCompletionChunk], whole: ChatCompletion) -> None:
    assert len({chunk.id for chunk in chunks}) == 1  # that of the answer, which is known at the end
    *said, last, usage = chunks
    deltas = [chunk.choices[0].delta for chunk in said]
    assert (deltas[0].role, deltas[0].content) == ("assistant", "")
    message = whole.choices[0].message
    assert "".join(delta.content or "" for delta in deltas) == message.content
    assert len(deltas) > 3
    assert last.choices[0].finish_reason == "stop"
    sent = deltas[-1].model_extra["annotations"] if deltas[-1].model_extra else []
    assert sent == [annotation.model_dump() for annotation in message.annotations or []]
    assert said[-1].model_extra is not None
    assert f"chatcmpl-{said[-1].model_extra['cluster_talks']['id']}" == chunks[0].id
    assert (usage.choices, usage.usage) == ([], whole.usage)


def test_a_stream_says_the_same_a_sentence_a_chunk(client: OpenAI, server: Server) -> None:
    asked: Any = {
        "model": MODEL,
        "messages": [{"role": "user", "content": QUESTION}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    whole = chat(client, QUESTION)
    check_chunks(list(client.chat.completions.create(**asked)), whole)

    async def streamed(client: AsyncOpenAI) -> list[ChatCompletionChunk]:
        stream = cast(AsyncIterator[ChatCompletionChunk], await client.chat.completions.create(**asked))
        return [chunk async for chunk in stream]

    check_chunks(run(server, streamed), whole)


def test_the_stream_helper_of_the_client_puts_the_message_together(client: OpenAI) -> None:
    messages: Any = [{"role": "user", "content": QUESTION}]
    with client.chat.completions.stream(model=MODEL, messages=messages) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content == chat(client, QUESTION).choices[0].message.content


def test_a_stream_without_usage_ends_with_done(server: Server) -> None:
    body = {"messages": [{"role": "user", "content": QUESTION}], "stream": True}
    with server.client() as client:
        answer = client.post("/v1/chat/completions", json=body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-cache", "no")
    assert answer.text.endswith("data: [DONE]\n\n")
    assert '"usage"' not in answer.text
    assert "event:" not in answer.text


def test_the_answer_can_be_told_again_by_its_id(client: OpenAI, server: Server) -> None:
    completion = chat(client, QUESTION)
    with server.client() as http:
        again = http.get(f"/api/v1/answers/{completion.id.removeprefix('chatcmpl-')}").json()
    assert completion.model_extra is not None
    assert again["citations"] == completion.model_extra["cluster_talks"]["citations"]


def test_the_example_of_the_docs_works(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "openai.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0].replace("http://127.0.0.1:8000", server.address)
    exec(code, {})
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("[1] ")
    assert "https://" in first
    assert last == "False None"


# --- responses


def check_response(response: Response) -> None:
    assert (response.status, response.error, response.object) == ("completed", None, "response")
    item: Any = response.output[0]
    assert (item.type, item.role, item.status) == ("message", "assistant", "completed")
    annotations = item.content[0].annotations
    assert annotations
    assert {annotation.type for annotation in annotations} == {"url_citation"}
    assert {in_text(response.output_text, annotation) for annotation in annotations} == {"[1]"}
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens
    assert response.model_extra is not None
    assert response.model_extra["store"] is False
    assert response.model_extra["cluster_talks"]["abstained"] is False
    assert response.id == f"resp_{response.model_extra['cluster_talks']['id']}"


def test_a_response_has_the_same_answer(client: OpenAI, server: Server) -> None:
    response = client.responses.create(
        model=MODEL, input=QUESTION, instructions="Say no.", store=True, metadata={"a": "b"}
    )
    check_response(response)
    assert (response.instructions, response.metadata) == (None, {"a": "b"})
    assert response.output_text == chat(client, QUESTION).choices[0].message.content
    turns: Any = [
        {"role": "developer", "content": "Say no."},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"role": "user", "content": [{"type": "input_text", "text": QUESTION}]},
    ]
    asynchronous = run(server, lambda c: c.responses.create(model=MODEL, input=turns))
    check_response(asynchronous)
    assert asynchronous.output_text == response.output_text


ORDER = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.annotation.added",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]


def check_events(events: list[Any], text: str) -> None:
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert sorted({event.type for event in events}, key=ORDER.index) == ORDER
    assert [event.type for event in events][:5] == ORDER[:5]
    assert [event.type for event in events][-4:] == ORDER[-4:]
    assert "".join(event.delta for event in events if isinstance(event, ResponseTextDeltaEvent)) == text
    completed = events[-1]
    assert isinstance(completed, ResponseCompletedEvent)
    check_response(completed.response)
    sent = [event.annotation for event in events if event.type == "response.output_text.annotation.added"]
    item: Any = completed.response.output[0]
    assert [dict(a) for a in sent] == [dict(a) for a in item.content[0].annotations]
    assert {event.item_id for event in events if hasattr(event, "item_id")} == {item.id}


def test_a_streamed_response_sends_the_events_that_clients_expect(client: OpenAI, server: Server) -> None:
    text = client.responses.create(model=MODEL, input=QUESTION).output_text
    check_events(list(client.responses.create(model=MODEL, input=QUESTION, stream=True)), text)

    async def streamed(client: AsyncOpenAI) -> list[Any]:
        return [event async for event in await client.responses.create(model=MODEL, input=QUESTION, stream=True)]

    check_events(run(server, streamed), text)
    with client.responses.stream(model=MODEL, input=QUESTION) as stream:
        assert stream.get_final_response().output_text == text


# --- errors


def test_every_error_raises_the_class_that_fits(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="Write a question") as empty:
        chat(client, " ")
    assert (empty.value.param, empty.value.type) == ("messages", "invalid_request_error")
    with pytest.raises(openai.BadRequestError, match="Shorten it to 4,000") as long:
        chat(client, "word " * 1000)
    assert long.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError, match="A question has one answer"):
        chat(client, QUESTION, n=2)
    with pytest.raises(openai.BadRequestError, match="Send text only"):
        messages: Any = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]
        client.chat.completions.create(model=MODEL, messages=messages)
    with pytest.raises(openai.BadRequestError, match="Send the turns so far"):
        client.responses.create(model=MODEL, input=QUESTION, previous_response_id="resp_1")
    with pytest.raises(openai.BadRequestError, match="Shorten"):
        client.responses.create(model=MODEL, input="word " * 1000, stream=True)
    with pytest.raises(openai.APIStatusError, match="Over 1,000,000 bytes") as huge:
        chat(client, "x" * 1_100_000)
    assert huge.value.status_code == 413


def test_what_does_not_exist_is_not_found(client: OpenAI) -> None:
    calls: tuple[Callable[[], Any], ...] = (
        lambda: client.models.retrieve("gpt-5"),
        lambda: client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": QUESTION}]),
        lambda: client.responses.create(model="gpt-5", input=QUESTION),
        lambda: client.responses.retrieve("resp_1"),
        lambda: client.responses.delete("resp_1"),
        lambda: client.embeddings.create(model=MODEL, input=QUESTION),
    )
    codes = []
    for call in calls:
        with pytest.raises(openai.NotFoundError) as missing:
            call()
        codes.append(missing.value.code)
    assert codes == ["model_not_found"] * 3 + [None] * 3


@dataclass
class Talking:
    """An assistant that talks for long, and counts what it said."""

    library: Library
    said: list[str] = field(default_factory=list)

    def stream(self, question: Question, *_: Any, **__: Any) -> Iterator[Event]:
        for number in range(200):
            yield Said(Sentence(f"Sentence {number}."), ())
            self.said.append(question.text)
            time.sleep(0.05)


@contextmanager
def talking(folder: Path, limit: str = "off", **settings: Any) -> Iterator[tuple[str, Talking]]:
    """The application over HTTP, in front of that assistant."""
    library = Library(f"sqlite:///{folder / 'library.db'}")
    number = library.begin_edition("words", 64)
    library.finish_edition(number)
    library.publish(number)
    assistant, state = Talking(library), State(Settings.model_construct(**settings))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        app = create_app(state, lambda state, _: state.serve(cast(Assistant, assistant)), rate_limit(limit))
        running = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        for _ in range(200):
            if state.ready and running.started:
                break
            time.sleep(0.02)
        yield address, assistant
        running.should_exit = True
        thread.join(10)
    library.close()


@pytest.mark.parametrize("way", ["chat", "responses"])
def test_the_work_stops_when_the_client_goes_away(tmp_path: Path, way: str) -> None:
    with talking(tmp_path) as (address, assistant), open_client(address) as client:
        messages: Any = [{"role": "user", "content": "Talk."}]
        stream: Any = (
            client.chat.completions.create(model=MODEL, messages=messages, stream=True)
            if way == "chat"
            else client.responses.create(model=MODEL, input="Talk.", stream=True)
        )
        for _, _event in zip(range(8), stream, strict=False):
            pass
        stream.close()
        deadline, said = time.monotonic() + 20, -1
        while said != len(assistant.said) and time.monotonic() < deadline:
            said = len(assistant.said)
            time.sleep(0.5)
        assert said == len(assistant.said)
        assert said < 150


def test_over_the_limit_the_client_is_told_when_to_come_back(tmp_path: Path) -> None:
    with talking(tmp_path, "1/minute") as (address, _), open_client(address) as client:
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("gpt-5")
        with pytest.raises(openai.RateLimitError) as limited:
            client.models.retrieve("gpt-5")
    assert limited.value.code == "rate_limit_exceeded"
    assert 0 < int(limited.value.response.headers["retry-after"]) <= 60


def test_a_server_that_is_closed_asks_for_a_real_key(tmp_path: Path) -> None:
    with talking(tmp_path, require_key=True) as (address, assistant):
        with open_client(address) as client, pytest.raises(openai.AuthenticationError) as refused:
            client.models.list()
        assert refused.value.code == "invalid_api_key"
        with open_client(address, assistant.library.keys.create("Ana", "reader")[1]) as client:
            assert client.models.list().data[0].id == MODEL


# --- LangChain


def test_langchain_invokes_and_streams(client: OpenAI, model: Callable[..., ChatOpenAI]) -> None:
    text = chat(client, QUESTION).choices[0].message.content
    made = model(stream_usage=True)
    message = made.invoke([("system", "Say no."), ("human", QUESTION)])
    assert message.text == text
    assert message.response_metadata["finish_reason"] == "stop"
    assert message.usage_metadata is not None
    chunks = list(made.stream(QUESTION))
    together = chunks[0]
    for chunk in chunks[1:]:
        together += chunk
    assert together.text == text
    assert together.usage_metadata is not None
    assert together.usage_metadata["output_tokens"] == message.usage_metadata["output_tokens"]
    assert len(chunks) > 3


def test_langchain_gets_the_citations_of_a_response(client: OpenAI, model: Callable[..., ChatOpenAI]) -> None:
    text = client.responses.create(model=MODEL, input=QUESTION).output_text
    made = model(use_responses_api=True)
    message = made.invoke(QUESTION)
    streamed = None
    for chunk in made.stream(QUESTION):
        streamed = chunk if streamed is None else streamed + chunk
    assert streamed is not None
    for answer in (message, streamed):
        assert answer.text == text
        block: Any = answer.content_blocks[0]
        assert {text[a["start_index"] : a["end_index"]] for a in block["annotations"]} == {"[1]"}
        assert all(a["url"].startswith("https://") for a in block["annotations"])
    again = made.invoke([("human", QUESTION), message, ("human", QUESTION)])
    assert again.text == text


def test_langchain_asks_without_blocking(client: OpenAI, model: Callable[..., ChatOpenAI]) -> None:
    text = chat(client, QUESTION).choices[0].message.content

    async def both() -> list[str]:
        ways = (model(), model(use_responses_api=True))
        said = [(await made.ainvoke(QUESTION)).text for made in ways]
        return said + ["".join([chunk.text async for chunk in made.astream(QUESTION)]) for made in ways]

    assert asyncio.run(both()) == [text] * 4


def test_langchain_is_told_that_a_question_is_too_long(model: Callable[..., ChatOpenAI]) -> None:
    for made in (model(), model(use_responses_api=True)):
        with pytest.raises(openai.BadRequestError) as long:
            made.invoke("word " * 1000)
        assert long.value.code == "context_length_exceeded"


# --- an open server


def test_a_server_that_is_open_asks_for_no_key(server: Server) -> None:
    body = {"messages": [{"role": "user", "content": QUESTION}]}
    for headers in ({}, {"Authorization": "Bearer sk-unknown"}, {"Authorization": "Bearer"}, {"Authorization": "x"}):
        assert httpx.post(f"{server.address}/v1/chat/completions", json=body, headers=headers).status_code == 200
