"""Who is logged in: a cookie that holds a random token, and its session in the library, which knows the key.

A key opens a session of the staff pages when its role may do what staff may do; where the setting REQUIRE_KEY is on, a
key of any role opens one of the chat page, and the cookie holds for both. A key that is revoked or expires ends its
sessions at their next request. Refused keys are counted by client address: after LIMIT a client that sends another is
told to wait. A right key always opens. It is the length of keys, 256 random bits, that keeps them from being guessed;
the limit only slows who tries.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict
from urllib.parse import urlsplit

from fastapi import Depends, Request
from limits import parse
from starlette.responses import Response

from assistant.api.access import COOKIE, session_key
from assistant.api.state import Ready, State
from assistant.errors import Forbidden, Unauthorized
from assistant.keys import Key
from assistant.library import Library

PATH = "/staff"
PATHS = {"/", PATH}  # of the cookie, with REQUIRE_KEY and without
HOURS = 8
LIMIT = parse("10/minute")


class Reach(TypedDict):
    """The part of a cookie that tells where it is sent."""

    path: str
    samesite: Literal["lax", "strict"]


def open_session(library: Library, text: str, role: str) -> str | None:
    """The token of a new session for the holder of a key, None when the key is not accepted or has not this role."""
    key = library.keys.find(text)
    return library.sessions.open(key.id, HOURS) if key and key.may(role) and key.opens_pages() else None


def close_session(library: Library, request: Request) -> None:
    """End the session that a request came in, if any."""
    if token := request.cookies.get(COOKIE):
        library.sessions.close(token)


def hand_over(response: Response, token: str, request: Request) -> None:
    """Give the token of a new session to the browser, in the place of one from before REQUIRE_KEY was changed."""
    secure, reach = request.url.scheme == "https", _reach(request)
    response.set_cookie(COOKIE, token, max_age=HOURS * 3600, secure=secure, httponly=True, **reach)
    for path in PATHS - {reach["path"]}:
        response.delete_cookie(COOKIE, path)


def take_back(response: Response) -> None:
    """Have the browser forget its session."""
    for path in PATHS:
        response.delete_cookie(COOKIE, path)


def _reach(request: Request) -> Reach:
    """Where the browser sends the cookie: where the chat page needs it too, also when a link of another site leads
    there."""
    state: State = request.app.state.assistant
    return {"path": "/", "samesite": "lax"} if state.settings.require_key else {"path": PATH, "samesite": "strict"}


def find_key(library: Library, request: Request, role: str = "staff") -> Key | None:
    """The key whose session a request comes in, None when it has not this role or is not accepted any longer."""
    token = request.cookies.get(COOKIE, "")
    key = session_key(library, token) if token else None
    return key if key and key.may(role) else None


def get_staff(request: Request, assistant: Ready) -> Key:
    """The key of who is logged in, for pages. Raises Unauthorized."""
    if key := find_key(assistant.library, request):
        return key
    raise Unauthorized("Log in to see this page.", "A session lasts eight hours.")


Staff = Annotated[Key, Depends(get_staff)]


def get_maintainer(key: Staff) -> Key:
    """The same, for what only maintainers may do. Raises Forbidden."""
    if key.may("maintainer"):
        return key
    raise Forbidden("Only a maintainer may do this.", "Log in with a maintainer's key.")


Maintainer = Annotated[Key, Depends(get_maintainer)]


def from_here(request: Request) -> None:
    """Refuse a form that another site sent, which SameSite alone leaves to the browser. Raises Forbidden."""
    if request.method == "POST" and not _same_origin(request):
        raise Forbidden("This form was sent from another site.", "Open the page under /staff and send it from there.")


def _same_origin(request: Request) -> bool:
    if site := request.headers.get("sec-fetch-site"):
        return site == "same-origin"
    # Browsers leave Sec-Fetch-Site out where the address is neither https nor this machine.
    return urlsplit(request.headers.get("origin", "")).netloc == request.url.netloc != ""
