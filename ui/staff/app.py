"""The staff area as an application of its own below /staff: its headers, its errors as pages, its way in."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from assistant.api.headers import ALWAYS, SafeHeaders
from assistant.api.limits import Window
from assistant.api.state import State
from assistant.errors import ClusterTalksError, Unauthorized
from assistant.keys import Key
from ui.staff import session
from ui.staff.pages import SECTIONS, page
from ui.staff.routes import login, router

HEADERS = {
    **ALWAYS,
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
}


def install(app: FastAPI, state: State) -> None:
    """Put the staff pages at /staff of an application; before whatever takes all other addresses."""
    staff = FastAPI(dependencies=[Depends(session.from_here)], openapi_url=None)
    staff.state.assistant, staff.state.attempts = state, Window(session.LIMIT)
    staff.include_router(router)
    for kind in (ClusterTalksError, RequestValidationError, HTTPException, Exception):
        staff.add_exception_handler(kind, _answer)
    app.router.routes.append(Route(session.PATH, _guarded(RedirectResponse(f"{session.PATH}/"))))
    app.mount(session.PATH, _guarded(staff))


def _guarded(app: ASGIApp) -> ASGIApp:
    return SafeHeaders(app, lambda path: HEADERS)


def _answer(request: Request, error: Exception) -> Response:
    """An error as a page that says what to do; without a session, the page to log in on."""
    if isinstance(error, Unauthorized):
        section = request.url.path.rpartition("/")[2]
        return login(error.status, error.detail, section if section in SECTIONS else next(iter(SECTIONS)))
    status, title, detail, remedy = _told(error)
    return page("problem", _key(request), status=status, title=title, detail=detail, remedy=remedy)


def _told(error: Exception) -> tuple[int, str, str, str]:
    if isinstance(error, ClusterTalksError):
        return error.status, error.title, error.detail, error.remedy
    if isinstance(error, RequestValidationError):
        return 422, "This address or form cannot be used", "A part of it is missing or wrong.", "Start from a section."
    if isinstance(error, HTTPException):
        return error.status_code, HTTPStatus(error.status_code).phrase, "There is no such page.", "Choose a section."
    logging.getLogger(__name__).error("Unexpected error", exc_info=error)
    return 500, "Something went wrong", "The server met an unexpected error.", "Try again; then tell us."


def _key(request: Request) -> Key | None:
    state: State = request.app.state.assistant
    return session.find_key(state.assistant.library, request) if state.ready else None
