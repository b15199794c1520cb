"""Many questions in one request: one line in, one line out, in order, each as soon as it is ready.

The lines are JSON objects with the fields of POST /api/v1/ask and a `ref` of the client's own. A line that cannot be
used costs one line that says why.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, BackgroundTasks, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, ValidationError

from assistant.api.ask import AskIn, Finish, Finishing
from assistant.api.crowd import Free
from assistant.api.examples import LINES, QUESTIONS, ndjson
from assistant.api.limits import spend
from assistant.api.problems import Problem, responses
from assistant.api.running import stages
from assistant.api.ticket import events_of, new_ticket
from assistant.ask import Assistant, check
from assistant.errors import BadRequest, ClusterTalksError, TooLarge
from assistant.records import Answer, Done, Event

MAX_QUESTIONS = 100
NDJSON = "application/x-ndjson"

router = APIRouter(prefix="/api/v1", tags=["ask"])


class BatchIn(AskIn):
    """A question of a batch."""

    ref: str | None = Field(None, max_length=200, description="comes back with the answer")


class BatchOut(BaseModel):
    """A line of the response: the answer to the question of the line `index`, counted from 0, or what is wrong."""

    index: int
    ref: str | None
    answer: Answer | None = None
    error: Problem | None = None

    def line(self) -> str:
        """As JSON in ASCII, since clients part lines at more characters than JSON escapes, with the one of `answer` and
        `error` that there is."""
        missing = {name for name in ("answer", "error") if getattr(self, name) is None}
        return json.dumps(self.model_dump(mode="json", exclude=missing)) + "\n"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a request, as it came."""

    index: int
    text: str

    @property
    def ref(self) -> str | None:
        """The client's own name of it, also where the rest cannot be used."""
        try:
            ref = json.loads(self.text)["ref"]
            ref.encode()  # what is no text cannot be sent
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None
        return str(ref)


def read_lines(body: bytes) -> list[Line]:
    """The questions of a body, NDJSON or a JSON array. Raises BadRequest, TooLarge."""
    try:
        text = body.decode().strip()
        lines = [json.dumps(item) for item in json.loads(text)] if text.startswith("[") else text.split("\n")
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body cannot be read: {error}.", "Send a JSON object a line, or a JSON array.") from error
    asked = [line for line in lines if line.strip()]
    if not asked:
        raise BadRequest("The batch is empty.", f"Send 1 to {MAX_QUESTIONS} questions.")
    if len(asked) > MAX_QUESTIONS:
        raise TooLarge(f"The batch has {len(asked):,} questions.", f"Send {MAX_QUESTIONS} at most.")
    return [Line(index, line) for index, line in enumerate(asked)]


def answered(lines: list[Line], assistant: Assistant, finish: Finish) -> Iterator[Event | BatchOut]:
    """The line of each question when it is ready, and the events on the way there."""
    for line in lines:
        try:
            yield from _answered(line, assistant, finish)
        except Exception as error:
            yield BatchOut(index=line.index, ref=line.ref, error=_problem(error))


def _answered(line: Line, assistant: Assistant, finish: Finish) -> Iterator[Event | BatchOut]:
    sent = BatchIn.model_validate_json(line.text)
    question = sent.question_record()
    check(question)
    ticket = new_ticket(assistant.library.current())
    for event in events_of(ticket, question, assistant, finish):
        yield BatchOut(index=line.index, ref=sent.ref, answer=event.answer) if isinstance(event, Done) else event


def _problem(error: Exception) -> Problem:
    match error:
        case ClusterTalksError():
            return Problem(title=error.title, status=error.status, detail=error.detail, remedy=error.remedy)
        case ValidationError():
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "line"
            detail = f"{where}: {first['msg']}."
            return Problem(title=BadRequest.title, status=422, detail=detail, remedy="See /docs for the fields.")
    logging.getLogger(__name__).error("A question of a batch broke", exc_info=error)
    return Problem(title=ClusterTalksError.title, status=500, detail="This question failed.", remedy="Try again.")


class Lines(StreamingResponse):
    """Lines of JSON, as they come."""

    media_type = NDJSON


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """For the API's document, which holds the parts of it already."""
    schema = model.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    schema.pop("$defs")
    return schema


SENT = {
    NDJSON: {"schema": {"type": "string"}, "example": ndjson(QUESTIONS)},
    "application/json": {
        "schema": {"type": "array", "maxItems": MAX_QUESTIONS, "items": _schema(BatchIn)},
        "example": QUESTIONS,
    },
}
ANSWERED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One line a question",
        "content": {NDJSON: {"itemSchema": _schema(BatchOut), "example": LINES}},
    }
}


@router.post(
    "/ask/batch",
    response_class=Lines,
    responses=ANSWERED | responses(400, 413, 422, 429, 503),
    openapi_extra={"requestBody": {"required": True, "content": SENT}},
)
async def ask_batch(request: Request, assistant: Free, finish: Finishing, tasks: BackgroundTasks) -> Response:
    """Answer up to 100 questions, one JSON object a line (NDJSON) or a JSON array: each as for /ask, with an optional
    `ref`. The response has one line a question, in their order, each as soon as it is ready: `index`, `ref`, and
    `answer`, or `error` with a problem document. Each question counts for the rate limit."""
    lines = read_lines(await request.body())
    if refusal := await spend(request, len(lines) - 1):
        return refusal
    return Lines(_told(lines, assistant, finish), background=tasks)


async def _told(lines: list[Line], assistant: Assistant, finish: Finish) -> AsyncIterator[str]:
    async for event in stages(answered(lines, assistant, finish)):
        if isinstance(event, BatchOut):
            yield event.line()
