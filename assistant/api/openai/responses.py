"""The Responses API: the same answer as an output message, whole or as events. Nothing is stored.

A stream has the events that OpenAI sends for a text: created, in_progress, the item and its part added, a delta a
sentence with its annotations, then everything once more as done, and completed; or failed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Annotated, Any, Literal, NoReturn

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from assistant.api.openai.errors import Refused, refusals, told
from assistant.api.openai.examples import EVENTS, RESPONSE, RESPONSE_IN, answered
from assistant.api.openai.output import (
    ResponseFailure,
    ResponseItem,
    ResponseOut,
    ResponseText,
    new_response,
    text_of,
    usage_of,
)
from assistant.api.openai.questions import (
    AskingNow,
    MessageIn,
    PartIn,
    RequestIn,
    question_of,
    server_sent,
    streamed,
)
from assistant.api.openai.wording import Piece, gathered, joined
from assistant.api.running import last
from assistant.api.stream import GONE
from assistant.records import Question, Waiting

router = APIRouter(prefix="/v1", tags=["openai"])


class ItemIn(BaseModel):
    """One item of the conversation. Messages are read, an item of another kind changes nothing."""

    type: str | None = "message"
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: str | list[PartIn] | None = None


class ResponseIn(RequestIn):
    """A question, or a conversation that ends in one. `store` counts as false."""

    model_config = ConfigDict(json_schema_extra={"examples": [RESPONSE_IN]})

    input: str | list[ItemIn]
    metadata: dict[str, str] | None = None

    def messages(self) -> Iterator[MessageIn]:
        """The messages of the input. Raises Refused for one that the server is to look up."""
        items = [ItemIn(role="user", content=self.input)] if isinstance(self.input, str) else self.input
        for item in items:
            if item.type == "item_reference":
                raise Refused("Items are not kept, so none can be referred to.", "Send the item.", param="input")
            if item.type in (None, "message") and item.role:
                yield MessageIn(role=item.role, content=item.content)


@router.post(
    "/responses",
    response_model=ResponseOut,
    responses=answered(RESPONSE, EVENTS) | refusals(400, 401, 404, 413, 429, 503),
)
async def create(body: ResponseIn, asking: AskingNow, request: Request) -> ResponseOut | Response:
    """Answer the last message of the user from the documents, as a response or as the events of one."""
    question = question_of(body, body.messages(), "input")
    started = new_response(asking.id, body.metadata or {})
    if body.stream:
        return streamed(_events(started, asking.pieces(question), question))
    end = await last(gathered(asking.pieces(question), partial(_completed, started, question)), request)
    return end if isinstance(end, ResponseOut) else Response(status_code=GONE)


Id = Annotated[str, Path(alias="id", examples=["resp_1"])]


@router.get("/responses/{id}", status_code=404, response_model=None, responses=refusals(401, 404))
@router.delete("/responses/{id}", status_code=404, response_model=None, responses=refusals(401, 404))
def kept(id_: Id) -> NoReturn:
    """Nothing: responses are not kept."""
    raise Refused(f"There is no response {id_[:100]!r}: none is kept.", "Ask again.", param="id", status=404)


def _completed(started: ResponseOut, question: Question, whole: Piece) -> ResponseOut:
    return replace(
        started,
        status="completed",
        completed_at=int(time.time()),
        output=(ResponseItem(started.item, "completed", (text_of(whole),)),),
        usage=usage_of(question, whole),
        cluster_talks=whole.answer,
    )


def _events(started: ResponseOut, parts: Iterator[Piece | Waiting], question: Question) -> Iterator[str | Waiting]:
    write = _Writer(started.item)
    said: list[Piece] = []
    try:
        yield write("response.created", response=started)
        yield write("response.in_progress", response=started)
        yield write.item("response.output_item.added", item=ResponseItem(started.item, "in_progress"))
        yield write.part("response.content_part.added", part=ResponseText(""))
        for piece in parts:
            if isinstance(piece, Waiting):
                yield piece
                continue
            said.append(piece)
            yield from write.piece(piece)
        yield from _done(write, _completed(started, question, joined(said)))
    except Exception as error:
        failure = ResponseFailure(told(error)["error"]["message"])
        yield write("response.failed", response=replace(started, status="failed", error=failure))


def _done(write: _Writer, response: ResponseOut) -> Iterator[str]:
    item = response.output[0]
    text = item.content[0]
    yield write.part("response.output_text.done", text=text.text, logprobs=())
    yield write.part("response.content_part.done", part=text)
    yield write.item("response.output_item.done", item=item)
    yield write("response.completed", response=response)


class _Writer:
    """Writes the events of one response, numbered from 0, and the annotations of its text, likewise."""

    def __init__(self, item: str) -> None:
        self._item = item
        self._events, self._annotations = count(), count()

    def __call__(self, type_: str, **fields: Any) -> str:  # noqa: ANN401
        return server_sent({"type": type_, "sequence_number": next(self._events), **fields}, type_)

    def item(self, type_: str, **fields: Any) -> str:  # noqa: ANN401
        """An event of the message."""
        return self(type_, output_index=0, **fields)

    def part(self, type_: str, **fields: Any) -> str:  # noqa: ANN401
        """An event of the message's text."""
        return self.item(type_, item_id=self._item, content_index=0, **fields)

    def piece(self, piece: Piece) -> Iterator[str]:
        """Some of the text, and its annotations."""
        if piece.text:
            yield self.part("response.output_text.delta", delta=piece.text, logprobs=())
        for annotation in text_of(piece).annotations:
            number = next(self._annotations)
            yield self.part("response.output_text.annotation.added", annotation_index=number, annotation=annotation)
