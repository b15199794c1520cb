"""Who a request comes from, and whether it may go on: found once, before any route.

A key comes as `Authorization: Bearer …` or `X-API-Key`. Its scopes are held here; its role is held by the routes that
need one (`assistant.api.auth`). Where the setting REQUIRE_KEY is on, everything but OPEN needs a key, or the session
that a browser gets for one at DOOR, which has the scopes of that key. What needs no key is a line of OPEN.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from anyio import CapacityLimiter, to_thread
from limits import parse
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.api.limits import Window, client_of
from assistant.api.problems import problem, told
from assistant.api.start_page import PAGE
from assistant.api.state import State
from assistant.errors import ClusterTalksError, Forbidden, NotReady, Unauthorized
from assistant.keys import REMEDY, Key, scope_of
from assistant.keytext import is_ours
from assistant.library import Library

COOKIE = "staff"
DOOR = "/staff/"
OPEN = ("/healthz", "/readyz", "/metrics", "/privacy", "/accessibility", "/staff", "/favicon.ico")
OPEN_BELOW = ("/staff/",)  # these pages ask for a session themselves
UNSCOPED = ("/docs", "/openapi.json", "/static-offline-docs/")
READ = "/read/"  # the passages that the page leads to
API = ("/api/", "/v1/", "/mcp", READ)
STRANGERS = parse("10/minute")  # keys that nobody has, of a client address
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Access:
    """What a request brought: a key, or why the one it sent was refused, whether that has the form of ours, and the key
    of its session. `wait`: seconds until a client that sent too many keys that nobody has may try another."""

    key: Key | None = None
    refused: Unauthorized | None = None
    ours: bool = False
    session: Key | None = None
    wait: int = 0


class Door:
    """Finds out who a request comes from, and turns away those that may not go on."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app, self._state = app, state
        self._closed = state.settings.require_key
        self._strangers = Window(STRANGERS)
        self._at_once = CapacityLimiter(AT_ONCE)  # hashing takes memory: not in as many threads as there are

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        access = await self._look(HTTPConnection(scope))
        scope.setdefault("state", {})["access"] = access
        refusal = self._refusal(scope, access)
        if refusal and scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        return await (refusal or self._app)(scope, receive, send)

    async def _look(self, sent: HTTPConnection) -> Access:
        text, token = key_of(sent), sent.cookies.get(COOKIE, "") if self._closed else ""
        if not self._state.ready or not (text or token):
            return Access()
        library = self._state.assistant.library
        return await to_thread.run_sync(self._find, library, text, token, client_of(sent.scope), limiter=self._at_once)

    def _find(self, library: Library, text: str, token: str, client: str) -> Access:
        session = session_key(library, token) if token else None
        if not text:
            return Access(session=session)
        keys = library.keys
        if (wait := self._strangers.wait(client)) and keys.is_stranger(text):
            return Access(wait=wait)
        tried = keys.was_tried(text)
        try:
            return Access(keys.check(text), session=session)
        except Unauthorized as error:
            if keys.was_tried(text) and not tried:
                self._strangers.hit(client)
            return Access(refused=error, ours=is_ours(text), session=session)

    def _refusal(self, scope: Scope, access: Access) -> Response | None:
        """What to answer instead of going on."""
        path = scope["path"]
        if access.wait:
            remedy = f"Try again in {access.wait} seconds."
            return problem(429, "Too many keys were refused", "None of them is known.", remedy, access.wait)
        if path in OPEN or path.startswith(OPEN_BELOW):
            return None
        if access.refused and access.ours and path.startswith(API):  # clients of OpenAI send what they like
            return unauthorized(access.refused)
        if access.key and not _in_scope(access.key, scope):
            return _out_of_scope(access.key, scope)
        return self._closed_to(access, path, scope) if self._closed and not access.key else None

    def _closed_to(self, access: Access, path: str, scope: Scope) -> Response | None:
        if access.session:
            allowed = path.startswith(READ) or _in_scope(access.session, scope)
            return None if allowed else _out_of_scope(access.session, scope)
        if not self._state.ready:
            return HTMLResponse(PAGE) if path == "/" else _not_ready(self._state)
        if scope.get("method") == "GET" and (path == "/" or _for_people(scope)):
            return RedirectResponse(f"{DOOR}?{urlencode({'then': _address(scope)})}", 303)
        return unauthorized(access.refused or Unauthorized("A key is needed here.", REMEDY))


def key_of(sent: HTTPConnection) -> str:
    """The key that came with a request, "" without one."""
    scheme, _, key = sent.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else sent.headers.get("x-api-key", "").strip()


def session_key(library: Library, token: str) -> Key | None:
    """The key whose session this is; None, and no session any longer, when the key is not accepted now."""
    id_ = library.sessions.find(token)
    if id_ is None:
        return None
    key = library.keys.usable(id_)
    if key is None:
        library.sessions.close(token)
    return key


def unauthorized(error: ClusterTalksError) -> Response:
    """The problem, which tells that a key is wanted."""
    response = told(error)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _in_scope(key: Key, scope: Scope) -> bool:
    path = scope["path"]
    if path.startswith(API):
        return key.covers(_request(scope))
    return path.startswith(UNSCOPED) or key.opens_pages()


def _out_of_scope(key: Key, scope: Scope) -> Response:
    wanted = scope_of(_request(scope))
    remedy = f"Use a key with the scope {wanted}, or with none." if wanted else "Use a key without scopes."
    return told(Forbidden(f"This key is only for {', '.join(key.scopes)}.", remedy))


def _request(scope: Scope) -> str:
    return f"{scope.get('method', 'GET')} {scope['path']}"


def _for_people(scope: Scope) -> bool:
    """Whether a browser opens a page that a key's session opens too."""
    accept = HTTPConnection(scope).headers.get("accept", "")
    return scope["path"].startswith((READ, "/docs")) and "text/html" in accept


def _address(scope: Scope) -> str:
    query = scope.get("query_string", b"").decode("latin-1")
    return str(scope["path"]) + (f"?{query}" if query else "")


def _not_ready(state: State) -> Response:
    try:
        _ = state.assistant
    except NotReady as error:
        return told(error)
    return told(NotReady("The server has just become ready.", "Try again."))
