"""How the library database is opened: to be used, or only to be looked at.

A database server may go away and come back: a connection is tried before it is used, and what fails is told as Away.
The disk of an SQLite file may be full or fail: that is told as LibraryUnwritable, and what is there can still be read.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError

from assistant.away import Away
from assistant.errors import BadSetting, ClusterTalksError

PRAGMAS = ("busy_timeout=10000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")
POSTGRES = "postgresql+psycopg"
# Seconds: a server that does not take a connection is away; a line that is dead is noticed.
PATIENCE = {"connect_timeout": 5, "keepalives_idle": 30, "tcp_user_timeout": 20_000}
UNWRITABLE = {  # SQLite's result codes
    sqlite3.SQLITE_FULL: "its disk is full",
    sqlite3.SQLITE_READONLY: "it may only be read",
    sqlite3.SQLITE_IOERR: "its disk fails",
}


class LibraryAway(Away, SQLAlchemyError):
    """The database server does not answer, or broke off."""


class LibraryUnwritable(ClusterTalksError, SQLAlchemyError):
    """The file of the library takes nothing now; what is there can still be read."""

    status = 503
    title = "Nothing can be kept now"


def opened(url: str) -> Engine:
    """An engine for reading and writing. Raises BadSetting for an address that cannot be used."""
    if not url.startswith("sqlite"):
        return _served(url)
    engine = create_engine(url)
    event.listen(engine, "connect", _tune)
    event.listen(engine, "handle_error", _unwritable)
    return engine


def looked_at(url: str) -> Engine:
    """An engine that makes no SQLite file and changes none."""
    if not url.startswith("sqlite"):
        return _served(url)
    engine = create_engine(url)
    if not engine.url.database:
        return engine
    file = Path(engine.url.database)
    return create_engine(url, creator=lambda: look(file))


def look(file: Path) -> sqlite3.Connection:
    """An SQLite library, not to be changed. Nor is a journal left beside it: where there is none, nobody writes."""
    how = "mode=ro" if file.with_name(f"{file.name}-wal").exists() else "mode=ro&immutable=1"
    return sqlite3.connect(f"{file.absolute().as_uri()}?{how}", uri=True, timeout=5, check_same_thread=False)


def _tune(connection: Any, _: object) -> None:  # noqa: ANN401
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _unwritable(context: ExceptionContext) -> LibraryUnwritable | None:
    """What is raised instead where the file cannot be written."""
    code = getattr(context.original_exception, "sqlite_errorcode", 0) & 0xFF  # without what extends it
    if why := UNWRITABLE.get(code):
        return unwritable(why)
    return None


def unwritable(why: str) -> LibraryUnwritable:
    """The error for what keeps a library from being written."""
    return LibraryUnwritable(f"The library cannot be written: {why}.", "`cluster-talks doctor` tells what to mend.")


# --- a database server


def _served(url: str) -> Engine:
    try:
        address = _address(url)
        patience = {k: v for k, v in PATIENCE.items() if k not in address.query}
        options = {"connect_args": patience} if address.drivername == POSTGRES else {}
        engine = create_engine(address, pool_pre_ping=True, **options)
    except (ArgumentError, NoSuchModuleError) as error:
        remedy = "Write for example postgresql://user:password@host:5432/name."
        raise BadSetting("CLUSTER_TALKS_DATABASE_URL is no address of a database.", remedy) from error
    except ModuleNotFoundError as error:
        remedy = "Install it; for PostgreSQL: .venv/bin/pip install -e '.[postgres]'."
        raise BadSetting(f"The driver {error.name} of the database is not installed.", remedy) from error
    event.listen(engine, "handle_error", _told)
    event.listen(engine, "before_cursor_execute", _without_nul, retval=True)
    return engine


def _address(url: str) -> URL:
    """The address with the driver that is installed with us."""
    address = make_url(url)
    return address.set(drivername=POSTGRES) if address.drivername in ("postgres", "postgresql") else address


def _told(context: ExceptionContext) -> LibraryAway | None:
    """What is raised instead where the server is away; a ping that fails is not told: another connection is made."""
    away = context.is_disconnect or isinstance(context.sqlalchemy_exception, OperationalError)
    if context.is_pre_ping or not away:
        return None
    why = " ".join(str(context.original_exception).split())
    logging.getLogger(__name__).warning("The library database does not answer: %s", why)
    return LibraryAway("The library database", "CLUSTER_TALKS_DATABASE_URL")


def _without_nul(_: object, __: object, statement: str, parameters: Any, *___: object) -> tuple[str, Any]:  # noqa: ANN401
    """PostgreSQL keeps no character 0; it becomes one that says so, and texts keep their lengths."""
    return statement, [*map(_replaced, parameters)] if isinstance(parameters, list) else _replaced(parameters)


def _replaced(values: Any) -> Any:  # noqa: ANN401
    if not isinstance(values, dict):
        return values
    return {k: v.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(v, str) else v for k, v in values.items()}
