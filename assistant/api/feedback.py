"""Feedback on answers: anyone may rate; staff read it at once, tick off and erase. None is taken if INSIGHTS is off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, field_validator

from assistant.api.auth import get_staff
from assistant.api.limits import client_of
from assistant.api.problems import responses
from assistant.api.state import Ready, StateNow
from assistant.errors import NotFound
from assistant.insights import note_feedback
from assistant.language import EU_LANGUAGES

Rating = Literal["up", "down"]
Fault = Literal["wrong_source", "wrong", "incomplete", "outdated", "unclear", "other"]
Named = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]

router = APIRouter(prefix="/api/v1")
staff = APIRouter(tags=["staff"], dependencies=[Depends(get_staff)], responses=responses(401, 403, 422, 503))


class FeedbackIn(BaseModel):
    """What somebody thinks of an answer. The question is kept of a "down" only, and without personal data."""

    model_config = ConfigDict(extra="forbid")

    answer: Named = Field(description="id of the answer")
    rating: Rating
    reason: Fault | None = None
    comment: str = Field("", max_length=2_000)
    question: str | None = Field(None, max_length=4_000)
    document: Named | None = Field(None, description="id of the document that the feedback is about")
    language: str = Field(examples=["de"])
    edition: int = Field(ge=0, le=2**31 - 1, strict=True)

    @field_validator("language")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in EU_LANGUAGES:
            raise ValueError("is no EU language code")
        return value


@dataclass(frozen=True)
class Noted:
    """The number of a rating."""

    id: int


@dataclass(frozen=True)
class Feedback:
    """A rating of an answer; `done` tells when it was dealt with."""

    id: int
    answer: str
    rating: str
    reason: str | None
    comment: str
    question: str | None
    document: str | None
    language: str
    edition: int
    created: str
    done: str | None


@dataclass(frozen=True)
class Erased:
    """How many notes were erased."""

    erased: int


@router.post("/feedback", status_code=201, tags=["ask"], responses=responses(404, 413, 422, 429, 503))
def rate(body: FeedbackIn, assistant: Ready, state: StateNow, request: Request) -> Noted:
    """Say whether an answer helped; a second rating of an answer replaces the first. 404 where feedback is off."""
    if not state.keeping.on:
        raise NotFound("Feedback is switched off here.", "Whoever runs this assistant can set CLUSTER_TALKS_INSIGHTS.")
    return Noted(note_feedback(assistant.library, **body.model_dump(), client=client_of(request.scope)))


@staff.get("/feedback")
def listed(
    assistant: Ready, rating: Rating | None = None, count: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[Feedback]:
    """The latest feedback, newest first."""
    return [Feedback(**row) for row in assistant.library.feedback.latest(count, rating)]


@staff.post("/feedback/{id}/done", status_code=204, responses=responses(404))
def done(id: Number, assistant: Ready) -> None:
    """Note that feedback is dealt with."""
    assistant.library.feedback.done(id)


@staff.delete("/answers/{answer}", responses=responses(404))
def erase(answer: Annotated[str, Path(max_length=64)], assistant: Ready) -> Erased:
    """Erase what is kept under the id of an answer: the answer, the refused question and its rating."""
    library = assistant.library
    erased = library.answers.erase(answer) + library.feedback.erase(answer) + library.missed.erase(answer)
    if not erased:
        raise NotFound("Nothing is kept under this answer.", "Send the id that came with the answer.")
    return Erased(erased)


router.include_router(staff)
