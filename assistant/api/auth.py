"""Who may do what: the routes that need a role take `Staff` or `Maintainer`, and get the key that `Door` found."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.responses import Response

from assistant.api.access import Access, unauthorized
from assistant.api.state import Ready
from assistant.errors import Forbidden, Unauthorized
from assistant.keys import REMEDY, Key

# How a key is sent, for the description of the interface; `Door` reads it.
MADE = "A key that `cluster-talks keys create NAME --role ROLE` made."
SENT = (
    Security(HTTPBearer(auto_error=False, scheme_name="key", description=MADE)),
    Security(APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="key_header", description=MADE)),
)


def get_key(_: Ready, request: Request, bearer: object = SENT[0], header: object = SENT[1]) -> Key:
    """The key that came with a request. Raises Unauthorized."""
    access: Access = request.state.access
    if access.key:
        return access.key
    raise access.refused or Unauthorized("A key is needed here.", REMEDY)


def get_staff(key: Annotated[Key, Depends(get_key)]) -> Key:
    """The key, for routes that staff and maintainers may use. Raises Forbidden."""
    return _with_role(key, "staff")


def get_maintainer(key: Annotated[Key, Depends(get_key)]) -> Key:
    """The key, for routes that only maintainers may use. Raises Forbidden."""
    return _with_role(key, "maintainer")


def _with_role(key: Key, role: str) -> Key:
    if not key.may(role):
        raise Forbidden(f"The role {key.role} may not do this.", f"Use a key with the role {role}.")
    return key


Staff = Annotated[Key, Depends(get_staff)]
Maintainer = Annotated[Key, Depends(get_maintainer)]


def install(app: FastAPI) -> None:
    """Tell clients without a key which kind of key is wanted."""
    app.add_exception_handler(Unauthorized, _unauthorized)


async def _unauthorized(_: Request, error: Exception) -> Response:
    assert isinstance(error, Unauthorized)  # noqa: S101 - the handler is registered for this class
    return unauthorized(error)
