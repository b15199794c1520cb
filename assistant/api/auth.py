"""Who may do what: keys sent as `Authorization: Bearer …`."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.responses import Response

from assistant.api.problems import problem
from assistant.api.state import Ready
from assistant.errors import Forbidden, Unauthorized
from assistant.keys import Key

REMEDY = "Send `Authorization: Bearer` and a key; `cluster-talks keys create NAME --role maintainer` makes one."
_bearer = HTTPBearer(
    auto_error=False, scheme_name="key", description="A key that `cluster-talks keys create NAME --role ROLE` made."
)
Sent = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


def get_key(assistant: Ready, sent: Sent) -> Key:
    """The key that came with a request. Raises Unauthorized."""
    if sent is None:
        raise Unauthorized("A key is needed here.", REMEDY)
    key = assistant.library.keys.find(sent.credentials)
    if key is None:
        raise Unauthorized("The key is unknown or revoked.", REMEDY)
    return key


def get_staff(key: Annotated[Key, Depends(get_key)]) -> Key:
    """The key, for routes that staff and maintainers may use. Raises Forbidden."""
    return _with_role(key, "staff")


def get_maintainer(key: Annotated[Key, Depends(get_key)]) -> Key:
    """The key, for routes that only maintainers may use. Raises Forbidden."""
    return _with_role(key, "maintainer")


def _with_role(key: Key, role: str) -> Key:
    if not key.may(role):
        raise Forbidden(f"A {key.role} may not do this.", f"Use a key with the role {role}.")
    return key


Staff = Annotated[Key, Depends(get_staff)]
Maintainer = Annotated[Key, Depends(get_maintainer)]


def install(app: FastAPI) -> None:
    """Tell clients without a key which kind of key is wanted."""
    app.add_exception_handler(Unauthorized, _unauthorized)


async def _unauthorized(_: Request, error: Exception) -> Response:
    assert isinstance(error, Unauthorized)  # noqa: S101 - the handler is registered for this class
    response = problem(error.status, error.title, error.detail, error.remedy)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response
