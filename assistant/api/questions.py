"""The questions that every new edition is asked before it is served: a maintainer lists, adds and removes them.

`assistant.golden` keeps them: what is added here is our own and can be removed, the maintainers' file is only read. A
theme becomes a question in `assistant.api.insights`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field, field_validator

from assistant.api.auth import get_maintainer
from assistant.api.problems import responses
from assistant.api.state import Ready, State, StateNow
from assistant.ask import Assistant
from assistant.errors import BadRequest, NotFound
from assistant.evaluate import Case
from assistant.golden import Asked, add_asked, doubts, make_case, read_asked, remove_asked
from assistant.insights import MAX_KEPT
from assistant.language import EU_LANGUAGES

KINDS = Literal["answerable", "unanswerable"]
LATEST = 1000  # ratings among which one is looked for, as many as GET /feedback lists
Spelling = Annotated[str, Field(min_length=1, max_length=200)]
Group = Annotated[list[Spelling], Field(min_length=1, max_length=20)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]

router = APIRouter(
    prefix="/api/v1", tags=["maintain"], dependencies=[Depends(get_maintainer)], responses=responses(401, 403, 409, 503)
)


class QuestionIn(BaseModel):
    """What a new edition is asked. Personal data is taken out; what is left out comes from what was asked."""

    model_config = ConfigDict(extra="forbid")

    question: str | None = Field(None, max_length=MAX_KEPT, description="default: as it was asked")
    language: str | None = Field(None, description="default: the language in which it was asked", examples=["de"])
    kind: KINDS = Field("answerable", description="whether it should be answered or refused")
    must_include: list[Group] = Field(
        [],
        max_length=20,
        description="key facts, each with its accepted spellings; at least one where it should be answered",
        examples=[[["fee", "charge"]]],
    )
    document: str = Field("", max_length=2000, description="uri of the document that should be cited")

    @field_validator("language")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and value not in EU_LANGUAGES:
            raise ValueError("is no EU language code")
        return value


@dataclass(frozen=True)
class Added:
    """A question that every new edition is asked from now on; `warnings`: where the served documents do not fit it."""

    question: Case
    warnings: list[str]


def add(body: QuestionIn, asked: str, language: str, assistant: Assistant, state: State) -> Added:
    """Add what a maintainer wants to be asked, by default what was `asked` in that language.

    Raises BadRequest, and Conflict as `assistant.golden.add_asked`.
    """
    case = make_case(
        body.question or asked, body.language or language, body.kind, body.must_include, document=body.document
    )
    warnings = doubts(assistant.library, case)
    add_asked(state.settings, case)
    return Added(case, warnings)


def add_rated(number: int, body: QuestionIn, assistant: Assistant, state: State) -> Added:
    """Add the question of a rating, which is dealt with thereby. Raises NotFound, and what `add` raises."""
    row = _rated(assistant, number)
    if not (body.question or row["question"]):
        raise BadRequest(f"Feedback {number} has no question.", "Send the question.")
    added = add(body, row["question"] or "", row["language"], assistant, state)
    assistant.library.feedback.done(number)
    return added


def _rated(assistant: Assistant, number: int) -> dict[str, Any]:
    for row in assistant.library.feedback.latest(LATEST):
        if row["id"] == number:
            return row
    raise NotFound(f"There is no feedback {number}.", "GET /api/v1/feedback lists the latest.")


@router.get("/questions")
def listed(state: StateNow) -> list[Asked]:
    """What every new edition is asked before it is served; those that are `own` can be removed."""
    return read_asked(state.settings)


@router.post("/feedback/{id}/question", status_code=201, responses=responses(404, 422))
def from_feedback(id: Number, body: QuestionIn, assistant: Ready, state: StateNow) -> Added:
    """Turn the question of a down-vote into one that every new edition is asked; the feedback is dealt with."""
    return add_rated(id, body, assistant, state)


@router.delete("/questions/{id}", status_code=204, responses=responses(404))
def delete(id: Annotated[str, Path(max_length=200)], state: StateNow) -> None:
    """Ask an `own` question no longer."""
    remove_asked(state.settings, id)
