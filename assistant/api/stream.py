"""One question: its answer as JSON, or the same as a stream of server-sent events that a client can go on with."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import TypeAdapter

from assistant.api.ask import Asked, Finishing
from assistant.api.crowd import Free
from assistant.api.examples import ANSWER, EVENTS
from assistant.api.problems import responses
from assistant.api.running import AtTheEnd, last, stages
from assistant.api.ticket import Resumed, Ticketed, events_of
from assistant.errors import ClusterTalksError
from assistant.records import Answer, Citation, Done, Said, Sentence, Status, Told

RETRY = 2_000  # milliseconds after which a client that lost a stream goes on with it
GONE = 499  # the status that servers log where the client went away; nobody reads it

router = APIRouter(prefix="/api/v1", tags=["ask"])

_SENTENCE = TypeAdapter(Sentence)
_CITATIONS = TypeAdapter(tuple[Citation, ...])
_ANSWER = TypeAdapter(Answer)

ANSWERED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The answer", "content": {"application/json": {"example": ANSWER}}}
}
STREAMED: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events", "content": {EventSourceResponse.media_type: {"example": EVENTS}}}
}


@router.post("/ask", response_model=Answer, responses=ANSWERED | responses(400, 413, 422, 429, 503))
async def ask(
    question: Asked, ticket: Ticketed, assistant: Free, finish: Finishing, request: Request
) -> Answer | Response:
    """Answer a question from the documents, each sentence with its citations, or refuse and say why. A repeated
    request (`Idempotency-Key`) has the header `Idempotent-Replayed` and leaves out `question_used`, `suggestions`,
    `as_of` and `timings_ms`. Work stops when the client goes away."""
    event = await last(events_of(ticket, question, assistant, finish), request)
    return event.answer if isinstance(event, Done) else Response(status_code=GONE)


@router.post("/ask/stream", response_class=EventSourceResponse, responses=STREAMED | responses(400, 413, 422, 429, 503))
async def ask_stream(
    question: Asked, ticket: Resumed, assistant: Free, finish: Finishing, end: AtTheEnd
) -> AsyncIterator[ServerSentEvent]:
    """The same as an event stream: `status`, `sentence` …, then `done` with the whole answer, or `error`. Send the
    same body with the id of the last event as `Last-Event-ID` to go on with a stream that broke off. A comment comes
    every 15 seconds while there is nothing to say."""
    try:
        number = 0
        events: AsyncGenerator[Told, None] = stages(events_of(ticket, question, assistant, finish))
        told = await end.enter_async_context(aclosing(events))
        async for event in told:
            number += 1
            if number > ticket.seen or isinstance(event, Done):
                yield _as_sse(event, ticket.event_id(number))
    except Exception as error:
        yield _failed(error)


def _as_sse(event: Told, id_: str) -> ServerSentEvent:
    name, data = _payload(event)
    return ServerSentEvent(event=name, data=data, id=id_, retry=RETRY)


def _failed(error: Exception) -> ServerSentEvent:
    """The status has been sent: an error is an event."""
    if isinstance(error, ClusterTalksError):
        told = {"title": error.title, "detail": str(error), "status": error.status}
    else:
        logging.getLogger(__name__).error("A stream broke", exc_info=error)
        told = {"title": "Something went wrong", "detail": "Try again.", "status": 500}
    return ServerSentEvent(event="error", data=told)


def _payload(event: Told) -> tuple[str, Any]:
    match event:
        case Status():
            return "status", {"stage": event.stage}
        case Said():
            sentence = _SENTENCE.dump_python(event.sentence, mode="json")
            return "sentence", {**sentence, "new_citations": _CITATIONS.dump_python(event.citations, mode="json")}
        case Done():
            return "done", _ANSWER.dump_python(event.answer, mode="json")
