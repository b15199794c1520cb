"""A request of an OpenAI client → the Question that it asks, or a refusal that says what to send instead.

What only steers a language model (temperature, max_tokens, tools, a system message …) is accepted and changes nothing;
what the client could not do without is refused: the table UNSUPPORTED. To refuse another parameter, add a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from pydantic_core import to_json
from starlette.responses import StreamingResponse

from assistant.api.ask import Finish, Finishing
from assistant.api.crowd import Free
from assistant.api.openai.errors import Refused
from assistant.api.openai.wording import Piece, pieces, without_sources
from assistant.api.running import stages
from assistant.api.ticket import Ticket, events_of, new_ticket
from assistant.ask import MAX_HISTORY, Assistant, check
from assistant.errors import BadRequest, TooLarge
from assistant.records import Question, Turn, Waiting

MODEL = "cluster-talks"
MAX_TURN = 20_000  # characters of an earlier message that are read
TEXTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}  # kind of part: its field


class PartIn(BaseModel):
    """A part of a message; only text can be read."""

    type: str = Field(examples=["text"])
    text: str = ""
    refusal: str = ""


class MessageIn(BaseModel):
    """One message. Those of user and assistant are read; the assistant follows no instructions and calls no tools."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[PartIn] | None = None


class RequestIn(BaseModel):
    """What both ways of asking share; what is not named here is accepted and changes nothing, save UNSUPPORTED."""

    model_config = ConfigDict(extra="allow")

    model: str = MODEL
    stream: StrictBool | None = False


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A parameter that can only have its `harmless` values."""

    name: str
    harmless: tuple[Any, ...]
    why: str
    remedy: str


_NO_MEMORY = ("Responses are not kept, so none can be continued.", "Send the turns so far as `input`.")
_NO_TOOLS = ("The assistant calls no tools.", 'Leave it out, or send "auto" or "none".')
_NO_CHANCES = ("Answers are quotes: their words have no probabilities.", "Leave it out.")
UNSUPPORTED = (
    Unsupported("n", (None, 1), "A question has one answer.", "Leave `n` out, or send 1."),
    Unsupported("logprobs", (None, False), *_NO_CHANCES),
    Unsupported("top_logprobs", (None, 0), *_NO_CHANCES),
    Unsupported("tool_choice", (None, "auto", "none"), *_NO_TOOLS),
    Unsupported("function_call", (None, "auto", "none"), *_NO_TOOLS),
    Unsupported(
        "modalities", (None, [], ["text"]), "The assistant answers in text.", 'Leave it out, or send ["text"].'
    ),
    Unsupported("previous_response_id", (None, ""), *_NO_MEMORY),
    Unsupported("conversation", (None,), *_NO_MEMORY),
    Unsupported("background", (None, False), "An answer comes at once.", "Leave `background` out."),
    Unsupported("prompt", (None,), "There are no stored prompts.", "Send the question as `input`."),
)


def question_of(request: RequestIn, messages: Iterable[MessageIn], field: str) -> Question:
    """The last message of the user, after those before it; `field` is where the request has its messages.

    Raises Refused with what to send instead.
    """
    _check_request(request)
    turns = [Turn(m.role, _text(m, field)) for m in messages if m.role in ("user", "assistant")]
    last = next((place for place in reversed(range(len(turns))) if turns[place].role == "user"), None)
    if last is None:
        raise Refused("There is no question.", "Send a message with the role user.", param=field)
    # Older turns than these change nothing: the search looks back a few questions only.
    question = Question(turns[last].content, tuple(map(_earlier, turns[:last][-MAX_HISTORY:])))
    try:
        check(question)
    except BadRequest as error:
        code = "context_length_exceeded" if isinstance(error, TooLarge) else None
        raise Refused(error.detail, error.remedy, param=field, code=code) from error
    return question


def _check_request(request: RequestIn) -> None:
    if request.model != MODEL:
        raise unknown_model(request.model)
    sent = request.model_extra or {}
    for parameter in UNSUPPORTED:
        if sent.get(parameter.name) not in parameter.harmless:
            raise Refused(parameter.why, parameter.remedy, param=parameter.name, code="unsupported_value")


def unknown_model(name: str) -> Refused:
    """The refusal of a model that does not exist."""
    detail = f"There is no model {name[:100]!r} here."
    return Refused(detail, f'The only one is "{MODEL}".', param="model", code="model_not_found", status=404)


def _text(message: MessageIn, field: str) -> str:
    if not isinstance(message.content, list):
        return message.content or ""
    if others := [part.type for part in message.content if part.type not in TEXTS]:
        raise Refused(f"A part of type {others[0][:50]!r} cannot be read.", "Send text only.", param=field)
    return "\n".join(getattr(part, TEXTS[part.type]) for part in message.content)


def _earlier(turn: Turn) -> Turn:
    text = without_sources(turn.content) if turn.role == "assistant" else turn.content
    return Turn(turn.role, text[:MAX_TURN])


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks one question; `site` is the address of this server as the client knows it."""

    assistant: Assistant
    ticket: Ticket
    finish: Finish
    site: str

    @property
    def id(self) -> str:
        """The id that the answer will have."""
        return self.ticket.id

    def pieces(self, question: Question) -> Iterator[Piece | Waiting]:
        """The answer as it comes about; once it is whole, what is done after /api/v1/ask is done with it."""
        return pieces(events_of(self.ticket, question, self.assistant, self.finish), self.site)


def _asking(assistant: Free, finish: Finishing, request: Request) -> Asking:
    return Asking(assistant, new_ticket(assistant.library.current()), finish, str(request.base_url).rstrip("/"))


AskingNow = Annotated[Asking, Depends(_asking)]


def server_sent(event: dict[str, Any], name: str = "") -> str:
    """One event of a stream; records in it are written as JSON objects."""
    return (f"event: {name}\n" if name else "") + f"data: {to_json(event).decode()}\n\n"


def streamed(events: Iterator[str | Waiting]) -> StreamingResponse:
    """The response that sends events as they come, also through a proxy; work stops when the client goes away."""
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(stages(events), media_type="text/event-stream", headers=headers)
