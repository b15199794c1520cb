"""The library of a backup: a copy of one moment, taken while others read and write, without what must not travel."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from assistant.errors import NotReady
from assistant.library import Library
from assistant.progress import Progress
from assistant.records import Edition

PAGES = 500  # between two tellings of progress
PATIENCE = 10  # seconds
ENDED = json.dumps({"detail": "The run had not ended when the backup was made.", "remedy": "Start it again."})
# Table -> what is done to it in the copy: nobody stays logged in, and a run is not done again elsewhere by itself.
LEFT_OUT = {
    "sessions": "DELETE FROM sessions",
    "secrets": "DELETE FROM secrets",
    "runs": f"UPDATE runs SET status = 'failed', report = '{ENDED}' WHERE status IN ('requested', 'running')",  # noqa: S608
}
COPYING = "Copying the library"


def copy_library(source: Path, target: Path, progress: Progress, *, secret: bool) -> None:
    """Copy an SQLite library to the file `target`; `secret`: with the secret, where an older version has it inside."""
    with closing(sqlite3.connect(target)) as writing:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=PATIENCE)) as reading:
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on one moment is read
            reading.backup(
                writing, pages=PAGES, progress=lambda _, left, whole: progress(COPYING, whole - left, max(whole, 1))
            )
        writing.execute("PRAGMA journal_mode=DELETE")  # one file, with no journal beside it
        there = set(columns_of(writing))
        for table, statement in LEFT_OUT.items():
            if table in there and not (secret and table == "secrets"):
                writing.execute(statement)
        writing.commit()
        writing.execute("VACUUM")  # of what was deleted, here or before, nothing is left


def columns_of(db: sqlite3.Connection) -> dict[str, list[str]]:
    """The columns of each table."""
    query = """SELECT tables.name, columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
        WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%' ORDER BY 1, columns.cid"""
    found: dict[str, list[str]] = {}
    for table, column in db.execute(query):
        found.setdefault(table, []).append(column)
    return found


def rows_of(db: sqlite3.Connection) -> dict[str, int]:
    """The number of rows of each table."""
    counting = {table: f'SELECT count(*) FROM "{table}"' for table in columns_of(db)}  # noqa: S608
    return {table: int(db.execute(query).fetchone()[0]) for table, query in counting.items()}


def served_in(file: Path) -> Edition | None:
    """The edition that a library serves, None where it serves none."""
    with closing(Library(f"sqlite:///{file}", create=False)) as library:
        try:
            return library.current()
        except NotReady:
            return None
