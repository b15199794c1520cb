"""Log lines: their two forms, what is escaped, what is left out."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sql
from pydantic import BaseModel

from assistant.telemetry.logs import FORMS, REQUEST, configure, escaped

MARK = "ZEBRAMARK"


def line(form: str, message: str, *args: object, error: Exception | None = None, **fields: object) -> str:
    given = (error and (type(error), error, error.__traceback__)) or None
    record = logging.LogRecord("assistant.x", logging.ERROR, "x.py", 1, message, args, given)
    record.fields = fields
    return FORMS[form]().format(record)


@contextmanager
def request(id_: str) -> Iterator[None]:
    token = REQUEST.set(id_)
    yield
    REQUEST.reset(token)


def test_a_json_line_holds_what_programs_look_for() -> None:
    with request("abc"):
        told = json.loads(line("json", "Served %s", "this", status=200, route="/x"))
    assert told.pop("time").endswith("+00:00")
    assert told == {
        "level": "error",
        "logger": "assistant.x",
        "message": "Served this",
        "request_id": "abc",
        "status": 200,
        "route": "/x",
    }


def test_a_text_line_names_the_request_and_none_outside_of_one() -> None:
    with request("abc"):
        assert line("text", "Served").endswith("ERROR   assistant.x: Served [abc]")
    assert line("text", "Served").endswith(": Served")


@pytest.mark.parametrize("form", list(FORMS))
@pytest.mark.parametrize("sign", ["\n", "\r", "\x1b[2J", "\x00", "\x85", "\u2028"])
def test_nobody_can_write_a_line_or_a_command_of_the_terminal(form: str, sign: str) -> None:
    written = line(form, "Said %s", f"a{sign}12:00:00 INFO forged")
    assert len(written.splitlines()) == 1
    assert sign not in written
    assert "forged" in written


def test_plain_text_of_any_language_stays() -> None:
    assert escaped("Żółć – 東京 😀 «déjà»") == "Żółć – 東京 😀 «déjà»"


@pytest.mark.parametrize("form", list(FORMS))
def test_the_lines_of_a_traceback_cannot_be_taken_for_records(form: str) -> None:
    written = line(form, "Broke", error=ValueError("a\n12:00:00 INFO forged\x1b[2J"))
    assert "ValueError" in written
    assert "\x1b" not in written
    assert all(part.startswith("    ") for part in written.splitlines()[1:])


class Asked(BaseModel):
    number: int


def failed_query() -> Exception:
    with pytest.raises(sql.exc.SQLAlchemyError) as caught, sql.create_engine("sqlite://").connect() as db:
        db.execute(sql.text("insert into missing values (:question)"), {"question": MARK})
    return caught.value


def failed_check() -> Exception:
    with pytest.raises(ValueError) as caught:
        Asked(number=f"{MARK}\nor")  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize("form", list(FORMS))
@pytest.mark.parametrize("broken", [failed_query, failed_check])
def test_what_libraries_repeat_of_a_question_is_left_out(form: str, broken: Any) -> None:
    error = broken()
    assert MARK in str(error)
    outer = RuntimeError("The answer broke")
    outer.__cause__ = error
    written = line(form, "Broke", error=outer)
    assert MARK not in written
    assert type(error).__name__ in written


@pytest.mark.parametrize("form", list(FORMS))
def test_what_is_left_out_stays_out_in_a_group_of_errors(form: str) -> None:
    written = line(form, "Broke", error=ExceptionGroup("Two broke", [KeyError("x"), failed_query()]))
    assert "OperationalError" in written
    assert MARK not in written


def test_libraries_are_heard_from_warnings_on_and_we_from_the_level_that_is_set(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        configure("json", "info")
        for name in ("assistant.x", "httpx"):
            logging.getLogger(name).info("told")
            logging.getLogger(name).warning("warned")
        logging.getLogger("assistant.x").debug("whispered")
        told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    finally:
        logging.captureWarnings(False)
        root.handlers, root.level = before, level
    assert [(one["logger"], one["message"]) for one in told] == [
        ("assistant.x", "told"),
        ("assistant.x", "warned"),
        ("httpx", "warned"),
    ]
