"""Asking: one answer as JSON, or the same as an event stream."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from assistant.api.limits import client_of
from assistant.api.problems import responses
from assistant.api.state import Ready, StateNow
from assistant.ask import MAX_HISTORY, MAX_QUESTION, check
from assistant.errors import ClusterTalksError
from assistant.insights import note_missed
from assistant.records import Answer, Citation, Done, Filters, Question, Said, Sentence, Status, Turn

router = APIRouter(prefix="/api/v1", tags=["ask"])


class TurnIn(BaseModel):
    """One message of the conversation so far."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant"]
    content: str = Field(max_length=20_000)


class FiltersIn(BaseModel):
    """Answer only from documents of these kinds, ids or languages; an empty list does not restrict."""

    model_config = ConfigDict(extra="forbid")

    kind: list[str] = Field([], examples=[["rules"]])
    source: list[str] = []
    language: list[str] = []


class AskIn(BaseModel):
    """A question with its conversation."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"question": "Wer bleibt bei einer PCP Eigentümer der Schutzrechte?", "language": "auto"}]
        },
    )

    question: str = Field(description=f"at most {MAX_QUESTION:,} characters")
    history: list[TurnIn] = Field([], description=f"at most {MAX_HISTORY} turns, oldest first")
    language: str = Field("auto", description='"auto" or an EU language code')
    as_of: date | None = Field(None, description="the day whose rules count; default today")
    filters: FiltersIn = FiltersIn()

    def question_record(self) -> Question:
        """The same as the record that the ask flow takes."""
        return Question(
            text=self.question,
            history=tuple(Turn(turn.role, turn.content) for turn in self.history),
            language=self.language,
            as_of=self.as_of,
            filters=Filters(tuple(self.filters.kind), tuple(self.filters.source), tuple(self.filters.language)),
        )


def _checked(body: AskIn) -> Question:
    """The question, refused here if it cannot be used: once a stream has begun its status is sent."""
    question = body.question_record()
    check(question)
    return question


Asked = Annotated[Question, Depends(_checked)]


def _noting(question: Asked, assistant: Ready, state: StateNow, request: Request) -> Callable[[Answer], None]:
    """What keeps the question once its answer is known, if that is a refusal."""
    return lambda answer: note_missed(
        assistant.library,
        question.text,
        answer,
        client_of(request.scope),
        state.keeping,
        restricted=question.filters != Filters() or question.as_of not in (None, date.today()),
        asked_after=bool(question.history),
    )


Note = Annotated[Callable[[Answer], None], Depends(_noting)]


@router.post("/ask", responses=responses(400, 413, 422, 429, 503))
def ask(question: Asked, assistant: Ready, note: Note) -> Answer:
    """Answer a question from the documents, each sentence with its citations, or refuse and say why."""
    answer = assistant.ask(question)
    note(answer)
    return answer


@router.post("/ask/stream", response_class=EventSourceResponse, responses=responses(400, 413, 422, 429, 503))
def ask_stream(question: Asked, assistant: Ready, note: Note) -> Iterator[ServerSentEvent]:
    """The same as an event stream: `status`, `sentence` …, then `done` with the whole answer, or `error`."""
    try:
        for number, event in enumerate(assistant.stream(question)):
            if isinstance(event, Done):
                note(event.answer)
            yield _as_sse(event, number)
    except ClusterTalksError as error:
        yield ServerSentEvent(event="error", data={"title": error.title, "detail": str(error), "status": error.status})
    except Exception:
        logging.getLogger(__name__).exception("A stream broke")
        yield ServerSentEvent(
            event="error", data={"title": "Something went wrong", "detail": "Try again.", "status": 500}
        )


_SENTENCE = TypeAdapter(Sentence)
_CITATIONS = TypeAdapter(tuple[Citation, ...])
_ANSWER = TypeAdapter(Answer)


def _as_sse(event: Status | Said | Done, number: int) -> ServerSentEvent:
    name, data = _payload(event)
    return ServerSentEvent(event=name, data=data, id=str(number))


def _payload(event: Status | Said | Done) -> tuple[str, Any]:
    match event:
        case Status():
            return "status", {"stage": event.stage}
        case Said():
            sentence = _SENTENCE.dump_python(event.sentence, mode="json")
            return "sentence", {**sentence, "new_citations": _CITATIONS.dump_python(event.citations, mode="json")}
        case Done():
            return "done", _ANSWER.dump_python(event.answer, mode="json")
