"""What people ask that the documents do not answer, for staff: as JSON and as a table; see `assistant.insights`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from assistant.api.auth import get_staff
from assistant.api.problems import responses
from assistant.api.state import Ready, StateNow
from assistant.errors import BadRequest
from assistant.insights import Theme, mark_done, themes

COLUMNS = ("question", "other wordings", "questions", "people", "languages", "reasons", "change", "document", "title",
           "first", "last")  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # how a cell begins that a spreadsheet computes

router = APIRouter(
    prefix="/api/v1", tags=["staff"], dependencies=[Depends(get_staff)], responses=responses(401, 403, 422, 503)
)


@dataclass(frozen=True)
class Insights:
    """The themes of the last `days`, each of at least so many `people`; `on`: whether questions are kept at all."""

    on: bool
    people: int
    days: int
    themes: list[Theme]


def _asked(
    assistant: Ready,
    state: StateNow,
    people: Annotated[
        int | None, Query(ge=1, description="default: the setting INSIGHTS_PEOPLE, also the least")
    ] = None,
    days: Annotated[int | None, Query(ge=1, le=3650, description="default: the setting KEEP_DAYS")] = None,
) -> Insights:
    keeping = state.keeping
    if people is not None and people < keeping.people:
        raise BadRequest(f"A theme of fewer than {keeping.people} people is not shown.", "Ask for more people.")
    people, days = people or keeping.people, days or keeping.days
    found = themes(assistant.library, assistant.retriever.embedder, people=people, days=days) if keeping.on else []
    return Insights(keeping.on, people, days, found)


Found = Annotated[Insights, Depends(_asked)]


@router.get("/insights")
def insights(found: Found) -> Insights:
    """What people ask that the documents do not answer, most people first; nothing when `on` is false."""
    return found


@router.get("/insights.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def table(found: Found) -> Response:
    """The same as a table for a spreadsheet."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(COLUMNS)
    rows.writerows([_cell(value) for value in _row(theme)] for theme in found.themes)
    headers = {"Content-Disposition": 'attachment; filename="insights.csv"'}
    return Response("\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/insights/{theme}/done", status_code=204, responses=responses(404))
def done(theme: str, found: Found, assistant: Ready) -> None:
    """Do not show a theme any longer; `people` and `days` as when it was listed."""
    mark_done(assistant.library, found.themes, theme)


def _row(theme: Theme) -> Iterable[Any]:
    return (
        theme.question,
        "\n".join(theme.questions),
        theme.count,
        theme.people,
        _told(theme.languages),
        _told(theme.reasons),
        theme.change,
        theme.document or "",
        theme.title or "",
        theme.first,
        theme.last,
    )


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _cell(value: Any) -> Any:  # noqa: ANN401
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA) else value
