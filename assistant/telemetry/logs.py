"""Log lines: one text line or one JSON object a record, each with the id of the request it belongs to.

What is logged can come from outside, so control characters are escaped: nobody can write a line of their own. A module
that logs values for programs gives them as `extra={"fields": {...}}`; they become members of the JSON object.
"""

from __future__ import annotations

import json
import logging
import logging.config
import re
import sys
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Literal, TextIO

Form = Literal["auto", "text", "json"]
REQUEST: ContextVar[str] = ContextVar("request", default="")
"""The id of the request being answered, "" outside of one."""

OURS = ("assistant", "ui", "ingest")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def configure(form: Form = "auto", level: str = "info") -> None:
    """Write log lines to the error output from now on: our own from `level` on, those of libraries from warnings on.
    "auto" is text on a terminal and JSON elsewhere."""
    if form == "auto":
        form = "text" if sys.stderr.isatty() else "json"
    logging.captureWarnings(True)
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"()": FORMS[form]}},
            "handlers": {"errors": {"()": Errors, "formatter": "line"}},
            "root": {"level": "WARNING", "handlers": ["errors"]},
            "loggers": {name: {"level": level.upper()} for name in OURS},
        }
    )


def escaped(text: str) -> str:
    """`text` on one line: control characters as escapes."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class Errors(logging.StreamHandler[TextIO]):
    """Writes to the error output as it is at that moment: above a progress bar, while there is one."""

    @property
    def stream(self) -> TextIO:
        """The error output."""
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None: ...


class TextLine(logging.Formatter):
    """`12:30:05 INFO assistant.access GET /healthz 200 … [request id]`, a traceback indented below it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        request = f" [{REQUEST.get()}]" if REQUEST.get() else ""
        when = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        line = f"{when} {record.levelname:7} {record.name}: {escaped(record.getMessage())}{request}"
        return "\n    ".join((line, *_traceback(record)))


class JsonLine(logging.Formatter):
    """One JSON object: time, level, logger, message, request_id, what `fields` holds, error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": escaped(record.getMessage()),
            "request_id": REQUEST.get() or None,
            **getattr(record, "fields", {}),
        }
        if error := "\n".join(_traceback(record)):
            told["error"] = error
        return json.dumps(told, default=str)


FORMS: dict[str, type[logging.Formatter]] = {"text": TextLine, "json": JsonLine}


def _traceback(record: logging.LogRecord) -> Iterator[str]:
    """Its lines. Values that libraries put into their messages are left out: they may be what somebody asked."""
    if not record.exc_info or record.exc_info[1] is None:
        return
    for error in _chain(record.exc_info[1]):
        if hasattr(error, "hide_parameters"):  # of SQLAlchemy
            error.hide_parameters = True
    for part in traceback.format_exception(record.exc_info[1]):
        yield from map(escaped, _without_input(part).splitlines())


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            yield from chain.from_iterable(map(_chain, error.exceptions))
        error = error.__cause__ or error.__context__


def _without_input(text: str) -> str:
    """Without the values that pydantic repeats."""
    return re.sub(r"input_value=.*?, input_type=", "input_value=…, input_type=", text, flags=re.DOTALL)
