"""Chat completions: the last message of the user is the question, the answer comes whole or a sentence a chunk.

A refusal is an ordinary message: the field `refusal` is for answers that a model will not give, clients show it as an
error or not at all, and what we say then (what is known nearby, where to ask) is meant to be read. Programs find it in
`cluster_talks`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, StrictBool
from pydantic.dataclasses import dataclass
from starlette.responses import Response

from assistant.api.openai.errors import refusals, told
from assistant.api.openai.examples import CHAT, CHUNKS, COMPLETION, answered
from assistant.api.openai.questions import (
    MODEL,
    Asking,
    AskingNow,
    MessageIn,
    RequestIn,
    question_of,
    server_sent,
    streamed,
)
from assistant.api.openai.wording import Piece, UrlCitation, gathered, joined, usage
from assistant.api.running import last
from assistant.api.stream import GONE
from assistant.records import Answer, Question, Waiting

router = APIRouter(prefix="/v1", tags=["openai"])


class StreamOptionsIn(BaseModel):
    """What a stream sends besides the answer."""

    include_usage: StrictBool | None = False


class ChatIn(RequestIn):
    """A conversation that ends in a question."""

    model_config = ConfigDict(json_schema_extra={"examples": [CHAT]})

    messages: list[MessageIn]
    stream_options: StreamOptionsIn | None = None

    @property
    def wants_usage(self) -> bool:
        """Whether a stream is to end with its usage."""
        return bool(self.stream_options and self.stream_options.include_usage)


@dataclass(frozen=True)
class ChatAnnotation:
    """The source of a mark in the text."""

    url_citation: UrlCitation
    type: Literal["url_citation"] = "url_citation"


@dataclass(frozen=True)
class ChatMessage:
    """The answer, or what is said instead of one."""

    content: str
    annotations: list[ChatAnnotation]
    role: Literal["assistant"] = "assistant"
    refusal: None = None


@dataclass(frozen=True)
class ChatChoice:
    """The one answer."""

    message: ChatMessage
    index: int = 0
    finish_reason: Literal["stop"] = "stop"
    logprobs: None = None


@dataclass(frozen=True)
class ChatUsage:
    """Words and punctuation marks of what was read and said."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


@dataclass(frozen=True)
class Completion:
    """The answer to a conversation; `cluster_talks` is the same as POST /api/v1/ask answers."""

    id: str
    created: int
    choices: list[ChatChoice]
    usage: ChatUsage
    cluster_talks: Answer
    object: Literal["chat.completion"] = "chat.completion"
    model: str = MODEL


@router.post(
    "/chat/completions",
    response_model=Completion,
    responses=answered(COMPLETION, CHUNKS) | refusals(400, 401, 404, 413, 429, 503),
)
async def completions(body: ChatIn, asking: AskingNow, request: Request) -> Completion | Response:
    """Answer the last message of the user from the documents, as a chat completion or as chunks of one."""
    question = question_of(body, body.messages, "messages")
    if body.stream:
        return streamed(_chunks(asking, question, body.wants_usage))
    end = await last(gathered(asking.pieces(question), partial(_completed, asking, question)), request)
    return end if isinstance(end, Completion) else Response(status_code=GONE)


def _completed(asking: Asking, question: Question, whole: Piece) -> Completion:
    assert whole.answer is not None  # noqa: S101 - the last piece brings it
    choice = ChatChoice(ChatMessage(whole.text, _annotations(whole)))
    return Completion(_id(asking), int(time.time()), [choice], _usage(question, whole), whole.answer)


def _chunks(asking: Asking, question: Question, wants_usage: bool) -> Iterator[str | Waiting]:
    chunks = _Chunks(_id(asking), wants_usage)
    said: list[Piece] = []
    try:
        yield chunks.said({"role": "assistant", "content": "", "refusal": None})
        for piece in asking.pieces(question):
            if isinstance(piece, Waiting):
                yield piece
                continue
            said.append(piece)
            if piece.answer is None:
                yield chunks.said({"content": piece.text})
        whole = joined(said)
        end = {"content": said[-1].text, "annotations": _annotations(whole)}
        yield chunks.said(end, cluster_talks=whole.answer)
        yield chunks.said({}, "stop")
        if wants_usage:
            yield chunks.usage(_usage(question, whole))
        yield "data: [DONE]\n\n"
    except Exception as error:
        yield server_sent(told(error))


class _Chunks:
    """Writes the chunks of one completion."""

    def __init__(self, id_: str, with_usage: bool) -> None:
        self._same = {"id": id_, "object": "chat.completion.chunk", "created": int(time.time()), "model": MODEL}
        self._no_usage = {"usage": None} if with_usage else {}

    def said(self, delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:  # noqa: ANN401
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return server_sent({**self._same, "choices": [choice], **self._no_usage, **more})

    def usage(self, usage: ChatUsage) -> str:
        return server_sent({**self._same, "choices": [], "usage": usage})


def _annotations(whole: Piece) -> list[ChatAnnotation]:
    return [ChatAnnotation(citation) for citation in whole.citations]


def _usage(question: Question, whole: Piece) -> ChatUsage:
    return ChatUsage(*usage(question, whole))


def _id(asking: Asking) -> str:
    return f"chatcmpl-{asking.id}"
