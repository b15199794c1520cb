"""The routes of the staff pages: GET shows a section, POST changes one thing and leads back to it."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi import Path as InPath
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from starlette.responses import Response

from assistant.api import maintain
from assistant.api.limits import Window, client_of
from assistant.api.state import Ready, StateNow
from assistant.doctor import Check, examine
from assistant.editions import difference
from assistant.errors import Conflict
from assistant.keys import Key
from ui.staff import figures, voices
from ui.staff.pages import SECTIONS, page, versions
from ui.staff.session import PATH, Maintainer, Staff, close_session, find_key, hand_over, open_session, take_back

STYLE = Path(__file__).with_name("staff.css")
FIRST = "questions"
# Where visitors want to go, and not to a section of these: a page of this server, whatever an address says.
VISITED = re.compile(r"/(?:docs|read/[\w-]{1,64})?(?:\?[^\s\\]{0,1000})?")
MAX_THEN = 1_200
REFUSED = "This key does not open the staff pages. Check that it is complete, or ask for a key with the role staff."
REFUSED_CHAT = "This key does not open the page. Check that it is complete, or ask for another one."
WAIT = "Too many keys were refused. Try again in {seconds} seconds."

EXAMINING = threading.Lock()

router = APIRouter()
Number = Annotated[int, InPath(ge=1, le=2**31 - 1)]


# --- the door


@router.get("/")
def door(
    request: Request, assistant: Ready, said: str = "", then: Annotated[str, Query(max_length=MAX_THEN)] = FIRST
) -> Response:
    """The page to log in on."""
    if find_key(assistant.library, request, _role(then)):
        return _onward(then)
    return login(then=then, said=said)


@router.post("/")
def log_in(
    request: Request,
    assistant: Ready,
    key: Annotated[str, Form(max_length=200)] = "",
    then: Annotated[str, Form(max_length=MAX_THEN)] = FIRST,
) -> Response:
    """Open a session; an unknown key and one without the role are refused alike."""
    token = None if _guessed(request, assistant, key) else open_session(assistant.library, key.strip(), _role(then))
    if token is None:
        return _refuse(request, then)
    close_session(assistant.library, request)
    response = _onward(then)
    hand_over(response, token, request)
    return response


def _role(then: str) -> str:
    return "reader" if VISITED.fullmatch(then) else "staff"


def _onward(then: str) -> RedirectResponse:
    return RedirectResponse(then, 303) if VISITED.fullmatch(then) else _to(then if then in SECTIONS else FIRST)


def _guessed(request: Request, assistant: Ready, key: str) -> bool:
    """Whether a client that sent too many wrong keys sends one that nobody has: it is not worth its hash."""
    attempts: Window = request.app.state.attempts
    return bool(attempts.wait(client_of(request.scope))) and assistant.library.keys.is_stranger(key.strip())


def _refuse(request: Request, then: str) -> HTMLResponse:
    attempts: Window = request.app.state.attempts
    if wait := attempts.hit(client_of(request.scope)):
        return login(429, WAIT.format(seconds=wait), then, retry=wait)
    return login(401, REFUSED_CHAT if VISITED.fullmatch(then) else REFUSED, then)


@router.post("/logout")
def log_out(request: Request, assistant: Ready) -> Response:
    """End the session."""
    close_session(assistant.library, request)
    response = _to("", "out")
    take_back(response)
    return response


@router.get("/staff.css")
def style() -> FileResponse:
    """How the pages look."""
    return FileResponse(STYLE, media_type="text/css")


def login(status: int = 200, problem: str = "", then: str = FIRST, said: str = "", retry: int = 0) -> HTMLResponse:
    """The page to log in on, with what went wrong, if anything; `retry`: seconds to wait."""
    response = page("login", None, status=status, problem=problem, then=then, said=said)
    if retry:
        response.headers["Retry-After"] = str(retry)
    return response


def _to(section: str, said: str = "") -> RedirectResponse:
    return RedirectResponse(f"{PATH}/{section}" + (f"?said={said}" if said else ""), 303)


router.include_router(voices.router)


# --- editions and runs


@router.get("/editions")
def editions(key: Staff, assistant: Ready, said: str = "") -> HTMLResponse:
    """The newest editions and the latest runs."""
    library = assistant.library
    found = library.editions(figures.EDITIONS + 1)
    return page(
        "editions",
        key,
        said=said,
        known=figures.known_editions(library, found[: figures.EDITIONS]),
        more=len(found) > figures.EDITIONS,
        states=figures.STATES,
        runs=library.runs.latest(20),
        served=library.current().number,
    )


@router.get("/editions/{number}")
def edition(key: Staff, number: Number, assistant: Ready) -> HTMLResponse:
    """What differs between the served edition and this one; for maintainers the button that serves it."""
    library = assistant.library
    served = library.current().number
    differences = difference(library, served, number)
    both = figures.known_editions(library, [library.edition(one) for one in sorted({number, served})])
    return page(
        "edition",
        key,
        one=next(row for row in both if row.edition.number == number),
        served=served,
        both=both,
        states=figures.STATES,
        difference=differences,
        lines=figures.lines_of,
    )


@router.post("/editions/{number}/serve")
def serve(_: Maintainer, number: Number, assistant: Ready, served: Annotated[int, Form()]) -> Response:
    """Serve this edition from now on, unless another than `served` is served meanwhile."""
    if assistant.library.current().number != served:
        raise Conflict("Another edition is served meanwhile.", "Look at the differences again.")
    maintain.publish(number, assistant)
    return _to("editions", "served")


@router.get("/runs/{number}")
def run(key: Staff, number: Number, assistant: Ready) -> HTMLResponse:
    """What a run did."""
    found = assistant.library.runs.one(number)
    return page("run", key, run=found, ingested=figures.is_ingest(found))


@router.get("/runs/{number}/report")
def report(_: Staff, number: Number, assistant: Ready) -> HTMLResponse:
    """The report of an ingest run as a file to keep."""
    found = maintain.report(assistant.library.runs.one(number))
    return HTMLResponse(found, headers={"Content-Disposition": f'attachment; filename="run-{number}.html"'})


# --- quality and health


@router.get("/quality")
def quality(key: Staff, assistant: Ready) -> HTMLResponse:
    """How the editions compare."""
    known = figures.known_editions(assistant.library, assistant.library.editions(figures.EDITIONS))
    return page("quality", key, known=known, charts=figures.by_edition(known))


@router.get("/health")
def health(key: Staff, assistant: Ready, state: StateNow) -> HTMLResponse:
    """What runs here and whether it is well."""
    return _health(key, assistant, state)


@router.post("/health")
def examined(key: Staff, assistant: Ready, state: StateNow) -> HTMLResponse:
    """The same after each part was tried, which opens the models once more: only one request may at a time."""
    if not EXAMINING.acquire(blocking=False):
        raise Conflict("The parts are being tried already.", "Wait some seconds, then try them again.")
    try:
        return _health(key, assistant, state, list(examine(state.settings)))
    finally:
        EXAMINING.release()


def _health(key: Key, assistant: Ready, state: StateNow, checks: list[Check] | None = None) -> HTMLResponse:
    return page(
        "health",
        key,
        assistant=assistant,
        keeping=state.keeping,
        edition=assistant.library.current(),
        embedder=assistant.retriever.embedder.name,
        disk=figures.disk(state.settings.data),
        versions=versions(),
        checks=checks,
    )
