"""What an answer goes by: the ticket of a request holds the id of its answer and the edition it is taken from.

A request that names itself with an `Idempotency-Key` gets the same ticket each time, one that goes on with a stream
(`Last-Event-ID`) the ticket of that stream, any other a new one. Ids and the numbers of events are marked with the
library's secret over the body, so nobody can make an answer go by an id that another question has.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Header, Request, Response

from assistant.api.ask import Asked, AskIn, Finish
from assistant.api.limits import asker_of
from assistant.api.state import Ready, StateNow
from assistant.ask import Assistant, retold
from assistant.errors import BadRequest, NotFound
from assistant.library import Library
from assistant.records import Answer, Done, Edition, Event, Question

EVENT = re.compile(r"([0-9a-f]{32})\.(\d{1,9})\.(\d{1,9})\.([0-9a-f]{32})")

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="Names the request, for example with a UUID: sent again with the same body it has the same answer "
        "id, and the very same answer while that is kept. With another body it is refused.",
        examples=["7c5d7f3e-0f0e-4b52-9d3c-0a5a4f5b7f11"],
    ),
]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        description="The id of the last event that arrived of a stream that broke off: the same body sent again goes "
        "on behind it. One that cannot be used begins afresh.",
    ),
]


@dataclass(frozen=True, slots=True)
class Ticket:
    """`edition` is the number of the edition, `pinned` itself, to work the answer out from; `kept` is the answer where
    it was given before. `seen` counts the events that the client has, `mark` proves that they are of the same body."""

    id: str
    edition: int
    pinned: Edition | None = None
    kept: Answer | None = None
    seen: int = 0
    mark: str = ""

    def event_id(self, number: int) -> str:
        """The id of an event, counted from 1, as EVENT reads it."""
        return f"{self.id}.{self.edition}.{number}.{self.mark}"


def new_ticket(edition: Edition) -> Ticket:
    """A ticket under a random id."""
    return Ticket(uuid.uuid4().hex, edition.number, edition)


def events_of(ticket: Ticket, question: Question, assistant: Assistant, finish: Finish) -> Iterator[Event]:
    """The events of the answer that the ticket stands for: told again where it is kept, else worked out."""
    if ticket.kept:
        yield from retold(ticket.kept)
        return
    for event in assistant.stream(question, ticket.pinned):
        if isinstance(event, Done):
            answer = replace(event.answer, id=ticket.id)
            finish(question, answer)
            yield Done(answer)
        else:
            yield event


def _ticket(
    body: AskIn,
    question: Asked,  # a question that cannot be used takes no ticket
    assistant: Ready,
    state: StateNow,
    request: Request,
    response: Response,
    key: IdempotencyKey = None,
) -> Ticket:
    """The ticket of a request. Raises BadRequest where its key stands for another body."""
    library = assistant.library
    ticket = new_ticket(library.current())
    if key is None:
        return ticket
    named = library.secret.mark("request", asker_of(request.scope), key)
    id_ = library.secret.mark("answer", named, body.model_dump_json())
    if state.keeping.answers and library.answers.claim(named, id_) != id_:
        raise BadRequest("This Idempotency-Key came with another body before.", "Send a new key, such as a UUID.")
    kept = library.answers.find(id_, state.keeping.answers)
    if kept:
        response.headers["Idempotent-Replayed"] = "true"
        return Ticket(id_, kept.edition, kept=kept)
    return replace(ticket, id=id_)


Ticketed = Annotated[Ticket, Depends(_ticket)]


def _resumed(
    body: AskIn, ticket: Ticketed, assistant: Ready, state: StateNow, last_event: LastEventId = None
) -> Ticket:
    """The ticket of the stream that a client goes on with; a new one where that cannot be done."""
    again = _again(last_event or "", body, assistant, state.keeping.answers)
    ticket = again or ticket
    return replace(ticket, mark=_mark(ticket, body, assistant.library))


def _again(last_event: str, body: AskIn, assistant: Assistant, days: int) -> Ticket | None:
    if not (told := EVENT.fullmatch(last_event)):
        return None
    ticket = Ticket(told[1], int(told[2]), seen=int(told[3]), mark=told[4])
    if ticket.mark != _mark(ticket, body, assistant.library):
        return None
    kept, edition = assistant.library.answers.find(ticket.id, days), _usable(assistant, ticket.edition)
    again = edition if assistant.engine.repeats else None  # what a model writes anew would not go on where it broke off
    return replace(ticket, kept=kept, pinned=again) if kept or again else None


def _usable(assistant: Assistant, number: int) -> Edition | None:
    """An edition that can still be searched."""
    try:
        edition = assistant.library.edition(number)
    except NotFound:
        return None
    served = assistant.library.current()
    return edition if edition.status == "ready" and edition.embedder == served.embedder else None


def _mark(ticket: Ticket, body: AskIn, library: Library) -> str:
    return library.secret.mark("event", ticket.id, str(ticket.edition), body.model_dump_json())


Resumed = Annotated[Ticket, Depends(_resumed)]
