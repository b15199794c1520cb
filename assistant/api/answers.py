"""Answers that were given before, told again by their id."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from assistant.api.problems import responses
from assistant.api.state import Ready, StateNow
from assistant.errors import NotFound
from assistant.records import Answer

router = APIRouter(prefix="/api/v1", tags=["ask"])


@router.get("/answers/{answer}", responses=responses(404, 422, 503))
def again(
    answer: Annotated[str, Path(max_length=64, description="id of the answer")], assistant: Ready, state: StateNow
) -> Answer:
    """An answer as it was given, with the citations of its edition, also after that was retired. Questions are not
    kept: `question_used` is empty, and so are `suggestions`, `as_of` and `timings_ms`. Whoever has the id may read
    it."""
    days = state.keeping.answers
    if found := assistant.library.answers.find(answer, days):
        return found
    if not days:
        raise NotFound("Answers are not kept here.", "Whoever runs this assistant can set CLUSTER_TALKS_KEEP_ANSWERS.")
    raise NotFound(f"No answer is kept under this id; answers go after {days} days.", "Ask the question again.")
