"""How the library database is opened: to be used, or only to be looked at."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event

PRAGMAS = ("busy_timeout=10000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")


def opened(url: str) -> Engine:
    """An engine for reading and writing."""
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _tune)
    return engine


def looked_at(url: str) -> Engine:
    """An engine that makes no SQLite file and changes none."""
    engine = create_engine(url)
    if engine.dialect.name != "sqlite" or not engine.url.database:
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
