"""The staff pages of what people told: themes of questions, and feedback.

Staff read, save and tick off; maintainers also turn what was asked into questions that new editions are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import Field, ValidationError
from pydantic_core import to_json
from starlette.responses import Response

from assistant.api import feedback as rated
from assistant.api import insights as asked
from assistant.api import questions as golden
from assistant.api.feedback import Number
from assistant.api.questions import KINDS, Added, QuestionIn
from assistant.api.state import Ready, State, StateNow
from assistant.ask import Assistant
from assistant.errors import BadRequest, Conflict
from assistant.golden import Asked, doubts, read_asked, remove_asked
from assistant.insights import MAX_KEPT, Theme, find_theme, mark_done, themes
from ui.staff import figures
from ui.staff.pages import page
from ui.staff.session import PATH, Maintainer, Staff

router = APIRouter()
Show = Literal["open", "down", "up", "all"]
Ending = Literal["csv", "json"]
MOST = 400  # rows that are opened again; an address has room for so many
Rows = Annotated[list[Annotated[int, Field(ge=1, le=2**31 - 1)]], Field(max_length=MOST)]


def _back(where: str) -> RedirectResponse:
    return RedirectResponse(f"{PATH}/{where}", 303)


# --- questions


def _themes(assistant: Ready, state: StateNow) -> list[Theme]:
    keeping = state.keeping
    if not keeping.on:
        return []
    return themes(assistant.library, assistant.retriever.embedder, people=keeping.people, days=keeping.days)


Themes = Annotated[list[Theme], Depends(_themes)]


@router.get("/questions")
def listed(
    key: Staff,
    found: Themes,
    assistant: Ready,
    state: StateNow,
    missed: Annotated[Rows, Query()] = [],  # noqa: B006 - FastAPI copies it
    feedback: Annotated[Rows, Query()] = [],  # noqa: B006
    said: str = "",
    added: str = "",
) -> HTMLResponse:
    """What people ask that the documents do not answer; for maintainers also the questions of our own, and first the
    one that was `added` just now, from those `missed` and that `feedback`."""
    own, broken = _own(state) if key.may("maintainer") else ([], "")
    return page(
        "questions",
        key,
        said=said,
        themes=found,
        keeping=state.keeping,
        chart=figures.asked_a_week(assistant.library),
        trend=figures.trend,
        added=_added(added, own, assistant),
        own=[case for case in own if case.id != added],
        broken=broken,
        came_from={"missed": missed, "feedback": feedback},
    )


def _own(state: State) -> tuple[list[Asked], str]:
    """The questions that can be removed, newest first, and why they cannot be read."""
    try:
        return [case for case in read_asked(state.settings) if case.own][::-1], ""
    except Conflict as error:
        return [], str(error)


def _added(id_: str, own: Sequence[Asked], assistant: Assistant) -> Added | None:
    case = next((case for case in own if case.id == id_), None)
    return Added(case, doubts(assistant.library, case)) if case else None


@router.get("/questions.{ending}")
def saved_questions(_: Staff, ending: Ending, found: Themes) -> Response:
    """The themes as a file to keep."""
    if ending == "csv":
        return asked.saved(asked.themes_table(found), "questions.csv")
    return _as_json(found, "questions.json")


def _as_json(rows: Sequence[object], name: str) -> Response:
    return asked.saved(to_json(rows, indent=1).decode(), name, "application/json")


@router.post("/questions/done")
def question_done(_: Staff, found: Themes, assistant: Ready, theme: Annotated[str, Form(max_length=64)]) -> Response:
    """Do not show a theme any longer."""
    mark_done(assistant.library, find_theme(found, theme))
    return _back("questions?said=question")


def _wanted(
    question: Annotated[str, Form(max_length=MAX_KEPT)],
    kind: Annotated[KINDS, Form()],
    facts: Annotated[str, Form(max_length=4_000)] = "",
) -> QuestionIn:
    """What a form asks for: a key fact a line, with | between its spellings. Raises BadRequest."""
    groups = [[part.strip() for part in line.split("|")] for line in facts.splitlines() if line.strip()]
    try:
        return QuestionIn(question=question, kind=kind, must_include=groups)
    except ValidationError as error:
        raise BadRequest("A key fact cannot be used.", "Write up to 20, each in few words, none empty.") from error


Wanted = Annotated[QuestionIn, Depends(_wanted)]


@router.post("/questions/turn")
def turn_theme(
    _: Maintainer,
    found: Themes,
    wanted: Wanted,
    assistant: Ready,
    state: StateNow,
    theme: Annotated[str, Form(max_length=64)],
) -> Response:
    """Make a theme a question that every new edition is asked."""
    rows = find_theme(found, theme)
    return _turned(asked.add_theme(theme, found, wanted, assistant, state), rows.rows, rows.complaints)


@router.post("/questions/remove")
def remove(
    _: Maintainer,
    assistant: Ready,
    state: StateNow,
    id: Annotated[str, Form(max_length=200)],
    missed: Annotated[Rows, Form()] = [],  # noqa: B006
    feedback: Annotated[Rows, Form()] = [],  # noqa: B006
) -> Response:
    """Ask new editions a question no longer, and open again what it came from."""
    remove_asked(state.settings, id)
    assistant.library.missed.reopen(missed)
    assistant.library.feedback.reopen(feedback)
    return _back(f"questions?said={'reopened' if missed or feedback else 'removed'}")


def _turned(added: Added, missed: Sequence[int], feedback: Sequence[int]) -> Response:
    values = {"said": "turned", "added": added.question.id, "missed": missed[:MOST], "feedback": feedback[:MOST]}
    return _back(f"questions?{urlencode(values, doseq=True)}")


# --- feedback


@router.get("/feedback")
def feedback(key: Staff, assistant: Ready, state: StateNow, show: Show = "open", said: str = "") -> HTMLResponse:
    """The latest ratings with their comments."""
    rows, counts = figures.feedback(assistant.library, show)
    return page(
        "feedback",
        key,
        said=said,
        rows=rows,
        counts=counts,
        show=show,
        shows=figures.SHOWS,
        keeping=state.keeping,
        chart=figures.rated_a_week(assistant.library),
    )


@router.post("/feedback/{number}/done")
def feedback_done(_: Staff, number: Number, assistant: Ready, show: Annotated[Show, Form()] = "open") -> Response:
    """Note that a rating is dealt with."""
    assistant.library.feedback.done(number)
    return _back(f"feedback?show={show}&said=feedback")


@router.get("/feedback.{ending}")
def saved_feedback(_: Staff, ending: Ending, assistant: Ready) -> Response:
    """All feedback that is listed, as a file to keep."""
    rows = rated.listed(assistant, count=golden.LATEST)
    if ending == "csv":
        return asked.saved(asked.feedback_table(rows), "feedback.csv")
    return _as_json(rows, "feedback.json")


@router.post("/feedback/{number}/turn")
def turn_feedback(_: Maintainer, number: Number, wanted: Wanted, assistant: Ready, state: StateNow) -> Response:
    """Make the question of a down-vote one that every new edition is asked."""
    return _turned(golden.add_rated(number, wanted, assistant, state), [], [number])
