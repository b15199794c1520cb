"""What is asked: the body of a question, and what is done with its answer whichever route it is asked at.

The routes: stream.py answers one question, as JSON or as a stream of events, batch.py many, answers.py tells one again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Literal

from fastapi import BackgroundTasks, Depends, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from assistant.api.examples import QUESTION
from assistant.api.limits import client_of
from assistant.api.state import Ready, State, StateNow
from assistant.ask import MAX_HISTORY, MAX_QUESTION, Assistant, check
from assistant.insights import note_missed
from assistant.records import Answer, Filters, Question, Turn


def _written(value: object) -> object:
    if isinstance(value, str | int | float) and not re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)):
        raise ValueError("is no day such as 2026-01-31")
    return value


Day = Annotated[date, BeforeValidator(_written)]  # alone, pydantic reads numbers as seconds since 1970


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

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [QUESTION]})

    question: str = Field(description=f"at most {MAX_QUESTION:,} characters")
    history: list[TurnIn] = Field([], description=f"at most {MAX_HISTORY} turns, oldest first")
    language: str = Field("auto", description='"auto" or an EU language code')
    as_of: Day | None = Field(None, description="the day whose rules count; default today")
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


def finish(question: Question, answer: Answer, assistant: Assistant, state: State, request: Request) -> None:
    """What is done with an answer once it is whole: its question is noted if it was refused, the answer is kept."""
    note_missed(
        assistant.library,
        question.text,
        answer,
        client_of(request.scope),
        state.keeping,
        restricted=question.filters != Filters() or question.as_of not in (None, date.today()),
        asked_after=bool(question.history),
    )
    if state.keeping.answers:
        assistant.library.answers.keep(answer)


Finish = Callable[[Question, Answer], None]


def _finishing(assistant: Ready, state: StateNow, request: Request, tasks: BackgroundTasks) -> Finish:
    """Finishes an answer; what is kept of it is written once it has been sent."""

    def finishing(question: Question, answer: Answer) -> None:
        finish(question, answer, assistant, state, request)
        tasks.add_task(assistant.library.answers.flush)

    return finishing


Finishing = Annotated[Finish, Depends(_finishing)]
