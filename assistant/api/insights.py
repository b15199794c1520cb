"""What people ask that the documents do not answer, for staff: as JSON and as a table; see `assistant.insights`.

The feedback as a table is here too. A maintainer turns a theme into a question that new editions are asked.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from assistant.api import questions
from assistant.api.auth import get_staff
from assistant.api.feedback import Feedback
from assistant.api.feedback import listed as listed_feedback
from assistant.api.problems import responses
from assistant.api.questions import Added, QuestionIn
from assistant.api.state import Ready, State, StateNow
from assistant.ask import Assistant
from assistant.errors import BadRequest
from assistant.insights import Theme, find_theme, mark_done, themes

COLUMNS = ("question", "other wordings", "questions", "people", "languages", "reasons", "change", "document", "title",
           "first", "last")  # fmt: skip
VOICES = ("id", "rating", "reason", "question", "comment", "language", "document", "edition", "answer", "created",
          "done")  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # how a cell begins that a spreadsheet computes

TABLE: dict[int | str, dict[str, object]] = {200: {"content": {"text/csv": {}}}}

router = APIRouter()
staff = APIRouter(
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


@staff.get("/insights")
def insights(found: Found) -> Insights:
    """What people ask that the documents do not answer, most people first; nothing when `on` is false."""
    return found


@staff.get("/insights.csv", response_class=Response, responses=TABLE)
def table(found: Found) -> Response:
    """The same as a table for a spreadsheet."""
    return saved(themes_table(found.themes), "insights.csv")


@staff.get("/feedback.csv", response_class=Response, responses=TABLE)
def feedback_as_table(found: Annotated[list[Feedback], Depends(listed_feedback)]) -> Response:
    """The latest feedback, newest first, as a table for a spreadsheet."""
    return saved(feedback_table(found), "feedback.csv")


@staff.post("/insights/{theme}/done", status_code=204, responses=responses(404))
def done(theme: str, found: Found, assistant: Ready) -> None:
    """Do not show a theme any longer; `people` and `days` as when it was listed."""
    mark_done(assistant.library, find_theme(found.themes, theme))


@questions.router.post("/insights/{theme}/question", status_code=201, responses=responses(404, 422))
def question(theme: str, body: QuestionIn, found: Found, assistant: Ready, state: StateNow) -> Added:
    """Turn a theme into a question that every new edition is asked before it is served; the theme is done."""
    return add_theme(theme, found.themes, body, assistant, state)


router.include_router(staff)
router.include_router(questions.router)


def add_theme(id_: str, listed: Sequence[Theme], body: QuestionIn, assistant: Assistant, state: State) -> Added:
    """Add the question of a theme that is listed, which is done thereby. Raises NotFound, and what `questions.add`
    raises."""
    theme = find_theme(listed, id_)
    added = questions.add(body, theme.question, next(iter(theme.languages)), assistant, state)
    mark_done(assistant.library, theme)
    return added


# --- tables


def themes_table(themes: Iterable[Theme]) -> str:
    """Themes as CSV, a row each."""
    return _table(COLUMNS, map(_row, themes))


def feedback_table(rows: Iterable[Feedback]) -> str:
    """Ratings as CSV, a row each."""
    return _table(VOICES, ([asdict(row)[name] or "" for name in VOICES] for row in rows))


def saved(text: str, name: str, kind: str = "text/csv") -> Response:
    """A file that a browser saves under this name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=f"{kind}; charset=utf-8", headers=headers)


def _table(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return "\ufeff" + text.getvalue()


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
