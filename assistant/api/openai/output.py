"""What the Responses API answers with. Fields that steer a language model say what is the case: nothing does."""

from __future__ import annotations

import time
from dataclasses import asdict, field
from typing import Any, Literal

from pydantic.dataclasses import dataclass

from assistant.api.openai.questions import MODEL
from assistant.api.openai.wording import Piece, usage
from assistant.records import Answer, Question


@dataclass(frozen=True)
class ResponseCitation:
    """Characters `start_index` to `end_index` (the one after the last) of the text are the mark of this source."""

    start_index: int
    end_index: int
    url: str
    title: str
    type: Literal["url_citation"] = "url_citation"


@dataclass(frozen=True)
class ResponseText:
    """The text of the answer."""

    text: str
    annotations: tuple[ResponseCitation, ...] = ()
    logprobs: tuple[Any, ...] = ()
    type: Literal["output_text"] = "output_text"


@dataclass(frozen=True)
class ResponseItem:
    """The message of the answer."""

    id: str
    status: Literal["in_progress", "completed"]
    content: tuple[ResponseText, ...] = ()
    role: Literal["assistant"] = "assistant"
    type: Literal["message"] = "message"


@dataclass(frozen=True)
class InputDetails:
    """Nothing is cached."""

    cached_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True)
class OutputDetails:
    """No model reasons."""

    reasoning_tokens: int = 0


@dataclass(frozen=True)
class ResponseUsage:
    """Words and punctuation marks of what was read and said."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: InputDetails = InputDetails()
    output_tokens_details: OutputDetails = OutputDetails()


@dataclass(frozen=True)
class ResponseFailure:
    """Why there is no answer."""

    message: str
    code: Literal["server_error"] = "server_error"


@dataclass(frozen=True)
class ResponseOut:
    """An answer; `cluster_talks` is the same as POST /api/v1/ask answers."""

    id: str
    created_at: int
    status: Literal["in_progress", "completed", "failed"] = "in_progress"
    completed_at: int | None = None
    output: tuple[ResponseItem, ...] = ()
    usage: ResponseUsage | None = None
    error: ResponseFailure | None = None
    cluster_talks: Answer | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    model: str = MODEL
    object: Literal["response"] = "response"
    background: Literal[False] = False
    incomplete_details: None = None
    instructions: None = None
    max_output_tokens: None = None
    parallel_tool_calls: Literal[False] = False
    previous_response_id: None = None
    store: Literal[False] = False
    temperature: None = None
    text: dict[str, dict[str, str]] = field(default_factory=lambda: {"format": {"type": "text"}})
    tool_choice: Literal["none"] = "none"
    tools: tuple[Any, ...] = ()
    top_p: None = None
    truncation: Literal["disabled"] = "disabled"

    @property
    def item(self) -> str:
        """The id of its message."""
        return f"msg_{self.id.partition('_')[2]}"


def new_response(answer: str, metadata: dict[str, str]) -> ResponseOut:
    """A response whose answer, which will have this id, is still to come."""
    return ResponseOut(f"resp_{answer}", int(time.time()), metadata=metadata)


def text_of(piece: Piece) -> ResponseText:
    """A piece as content of a message."""
    return ResponseText(piece.text, tuple(ResponseCitation(**asdict(citation)) for citation in piece.citations))


def usage_of(question: Question, whole: Piece) -> ResponseUsage:
    """What was read and said."""
    return ResponseUsage(*usage(question, whole))
