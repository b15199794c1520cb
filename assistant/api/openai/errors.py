"""Errors below /v1/ in OpenAI's shape, so that its clients raise the class that fits.

Whatever answers with a problem document (routes, limits, keys, the body limit) is rewritten here, on its way out. To
give a status another type or code, edit KINDS.
"""

from __future__ import annotations

import json
import logging
import re
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, Field
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.api.problems import MEDIA_TYPE
from assistant.errors import ClusterTalksError

PREFIX = "/v1/"
KINDS = {  # status: what OpenAI calls it, and its code
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("permission_error", "permission_denied"),
    413: ("invalid_request_error", "request_too_large"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("server_error", "not_ready"),
}
BROKEN = "The server met an unexpected error. Try again; then tell us."
_FIELD = re.compile(r"([\w.-]+): ")  # how the detail of a request that does not fit begins


class ErrorOut(BaseModel):
    """What went wrong: a sentence that also says what to do, and where in the request it is."""

    message: str = Field(examples=["The question is empty. Write a question."])
    type: str = Field(examples=["invalid_request_error"])
    param: str | None = Field(None, examples=["messages"])
    code: str | None = Field(None, examples=["context_length_exceeded"])


class ErrorsOut(BaseModel):
    """The body of every error."""

    error: ErrorOut


class Refused(ClusterTalksError):
    """A request that this API cannot serve: `param` names its field, `code` is one of OpenAI's."""

    def __init__(
        self, detail: str, remedy: str = "", *, param: str | None = None, code: str | None = None, status: int = 400
    ) -> None:
        super().__init__(detail, remedy)
        self.param, self.code, self.status = param, code, status


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries for the errors that a route can answer with."""
    named: dict[int | str, str] = {status: HTTPStatus(status).phrase for status in statuses}
    named["default"] = "Any other error"
    return {status: {"description": phrase, "model": ErrorsOut} for status, phrase in named.items()}


def error_of(status: int, message: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """The body of an error."""
    kind, usual = KINDS.get(status, KINDS[500 if status >= HTTPStatus.INTERNAL_SERVER_ERROR else 400])
    return {"error": {"message": message, "type": kind, "param": param, "code": code or usual}}


def told(error: Exception) -> dict[str, Any]:
    """The same for an error that came once a stream had begun; an unexpected one is logged."""
    if isinstance(error, ClusterTalksError):
        return error_of(error.status, str(error))
    logging.getLogger(__name__).error("A stream broke", exc_info=error)
    return error_of(500, BROKEN)


def install(app: FastAPI) -> None:
    """Answer what routes refuse as OpenAI does. `assistant.api.watch` puts AsOpenAI around everything else."""
    app.add_exception_handler(Refused, _refused)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - the handler is registered for this class
    return JSONResponse(error_of(error.status, str(error), error.param, error.code), status_code=error.status)


class AsOpenAI:
    """Rewrites problem documents below /v1/; everything else passes as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        ours = scope["type"] == "http" and scope["path"].startswith(PREFIX)
        await self._app(scope, receive, _Answer(send).send if ours else send)


class _Answer:
    """One response: kept back while it is a problem document, and sent in the other shape."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._kept: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        """ASGI."""
        if message["type"] == "http.response.start" and _is_problem(message):
            self._kept = message
        elif self._kept is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._rewritten(self._kept)

    async def _rewritten(self, start: Message) -> None:
        status = 400 if start["status"] == 422 else start["status"]  # noqa: PLR2004 - OpenAI knows no 422
        body = json.dumps(_rewritten(status, json.loads(self._body))).encode()
        headers = MutableHeaders(scope={"headers": list(start["headers"])})
        headers["content-type"], headers["content-length"] = "application/json", str(len(body))
        await self._send({**start, "status": status, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def _is_problem(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith(MEDIA_TYPE)


def _rewritten(status: int, problem: dict[str, Any]) -> dict[str, Any]:
    field = _FIELD.match(problem["detail"])
    sentences = (problem["detail"], problem.get("remedy", ""))
    message = " ".join(f"{sentence.rstrip('.')}." for sentence in sentences if sentence)
    return error_of(status, message, field.group(1) if field else None)
