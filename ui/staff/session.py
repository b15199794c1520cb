"""Who is logged in: a cookie that holds a random token, and its session in the library, which knows the key.

A key opens a session when its role may do what staff may do. Revoking the key ends its sessions at their next request.
Refused keys are counted by client address: after LIMIT a client that sends another is told to wait. A right key always
opens. It is the length of keys, 256 random bits, that keeps them from being guessed; the limit only slows who tries.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from limits import parse
from starlette.responses import Response

from assistant.api.state import Ready
from assistant.errors import Forbidden, Unauthorized
from assistant.keys import Key
from assistant.library import Library

COOKIE = "staff"
PATH = "/staff"
HOURS = 8
LIMIT = parse("10/minute")


def open_session(library: Library, secret: str) -> str | None:
    """The token of a new session for the holder of a key, None when the key is unknown or may not do this."""
    key = library.keys.find(secret)
    return library.sessions.open(key.id, HOURS) if key and key.may("staff") else None


def close_session(library: Library, request: Request) -> None:
    """End the session that a request came in, if any."""
    if token := request.cookies.get(COOKIE):
        library.sessions.close(token)


def hand_over(response: Response, token: str, request: Request) -> None:
    """Give the token of a new session to the browser."""
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, token, max_age=HOURS * 3600, path=PATH, secure=secure, httponly=True, samesite="strict")


def find_key(library: Library, request: Request) -> Key | None:
    """The key whose session a request comes in; None, and no session any longer, when the key was revoked."""
    token = request.cookies.get(COOKIE, "")
    id_ = library.sessions.find(token) if token else None
    if id_ is None:
        return None
    for key in library.keys.all():
        if key.id == id_ and not key.revoked and key.may("staff"):
            return key
    library.sessions.close(token)
    return None


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
    raise Forbidden("Only a maintainer may change which edition is served.", "Log in with a maintainer's key.")


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
