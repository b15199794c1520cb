"""Errors as RFC 9457 problem documents: what is wrong and what to do."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.errors import ClusterTalksError
from assistant.telemetry.logs import REQUEST
from assistant.telemetry.requests import route_of

MAX_BODY = 1_000_000
MEDIA_TYPE = "application/problem+json"
SEND_JSON = "Send a JSON object with the header `Content-Type: application/json`."


class Problem(BaseModel):
    """An RFC 9457 problem document."""

    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(examples=["The request cannot be used"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["The question is empty."])
    remedy: str = Field("", examples=["Write a question."])


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries for the problem documents that a route can answer with."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": HTTPStatus(status).phrase, "model": Problem, "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }


def problem(status: int, title: str, detail: str, remedy: str = "", retry: int = 0) -> Response:
    """The response; `retry` seconds go into its Retry-After header."""
    body = Problem(title=title, status=status, detail=detail, remedy=remedy).model_dump()
    headers = {"Retry-After": str(retry)} if retry else None
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def told(error: ClusterTalksError) -> Response:
    """The response to one of our errors."""
    return problem(error.status, error.title, error.detail, error.remedy, error.wait)


def install(app: FastAPI) -> None:
    """Answer every error of the application as a problem document."""
    app.add_exception_handler(ClusterTalksError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(_: Request, error: Exception) -> Response:
    assert isinstance(error, ClusterTalksError)  # noqa: S101 - the handler is registered for this class
    return told(error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - the handler is registered for this class
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return problem(400, "The body is not JSON", f"{first['ctx']['error']}.", "Send a JSON object.")
    if first["loc"] == ("body",) and "json" not in request.headers.get("content-type", ""):
        return problem(422, "The request cannot be used", "The body is not sent as JSON.", SEND_JSON)
    where = ".".join(str(part) for part in first["loc"][1:]) or "body"
    return problem(422, "The request cannot be used", f"{where}: {first['msg']}.", "See /docs for the fields.")


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the handler is registered for this class
    phrase = HTTPStatus(error.status_code).phrase
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return problem(400, "The body cannot be read", f"{error.detail}.", "Send JSON encoded in UTF-8.")
    response = problem(error.status_code, phrase, str(error.detail), "See /docs for what exists.")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = _allowed(request) or (error.headers or {}).get("Allow", "")
    return response


def _allowed(request: Request) -> str:
    """Every method of the path that was asked for; the route that refuses knows its own."""
    methods = request.app.openapi()["paths"].get(route_of(request.scope), {})
    return ", ".join(method.upper() for method in methods)


async def _unexpected(_: Request, error: Exception) -> Response:
    if isinstance(error, ClusterTalksError):  # raised before the handlers, as by the door
        return told(error)
    logging.getLogger(__name__).error("Unexpected error", exc_info=error)
    remedy = f"Try again; then tell us the number of the request: {REQUEST.get()}."
    return problem(500, "Something went wrong", "The server met an unexpected error.", remedy)


class BodyLimit:
    """Refuse a body over MAX_BODY before it is read, also when it comes without a length."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > MAX_BODY:
            refusal = problem(413, "The request is too large", f"Over {MAX_BODY:,} bytes.", "Send less.")
            return await refusal(scope, receive, send)
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MAX_BODY:
                raise HTTPException(413, f"Over {MAX_BODY:,} bytes")
            return message

        return await self._app(scope, counted, send)
