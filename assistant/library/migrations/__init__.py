"""The revisions of the library's tables, and how a database is brought to the newest one.

To change a table: change `tables.py`, add a file versions/rNNNN_what.py that does the same to what is there, and record
the new schema (tests/contract/schemas/record.py). A revision keeps every row, and imports nothing of ours that may
change. An empty database gets `tables.py` as it stands; only where there is something to do is Alembic imported.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, inspect, select

from assistant.errors import ClusterTalksError
from assistant.library.tables import REVISION, SCHEMA, State, alone

HERE = Path(__file__).parent
REVISIONS = sorted(file.name[1:5] for file in (HERE / "versions").glob("r[0-9]*_*.py"))
NEWEST = REVISIONS[-1]
RESTORE = "Restore a backup with `cluster-talks restore FILE --force`"


class Unfit(ClusterTalksError):
    """The tables of the library are not those that this program can use."""

    title = "The library does not fit this program"


def prepare(engine: Engine) -> State:
    """Make the tables, or bring them to the newest revision; what was found before. Raises Unfit where the library is
    of a newer program, or its tables are of something else; then nothing has changed."""
    if state(engine) == "current":
        return "current"
    with engine.begin() as db:
        alone(db)
        found = _state(db)  # another process may have been first
        if found == "empty":
            SCHEMA.create_all(db)
            db.execute(insert(REVISION).values(version_num=NEWEST))
        elif found == "older":
            _migrate(db)
    return found


def state(engine: Engine) -> State:
    """Whether a database has none of the tables, those of an earlier revision, or the newest. Raises Unfit for a newer
    one."""
    with engine.connect() as db:
        return _state(db)


def _state(db: Connection) -> State:
    there = set(inspect(db).get_table_names())
    number = db.scalar(select(REVISION.c.version_num)) if REVISION.name in there else None
    if number is None:
        return "older" if there & set(SCHEMA.tables) else "empty"
    if number not in REVISIONS:
        raise Unfit(
            f"The library was used by a newer program: its revision is {number}, this program knows {NEWEST}.",
            f"Install the newer version again. {RESTORE}, if one was made with this version.",
        )
    return "current" if number == NEWEST else "older"


def _migrate(db: Connection) -> None:
    """Do the revisions that are lacking, in the transaction of a connection."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": db})
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    with _copy(db) as copied:
        try:
            command.upgrade(config, "head")
        except ClusterTalksError:
            raise
        except Exception as error:  # whatever the database or Alembic reports
            why = " ".join(str(getattr(error, "orig", error)).split())
            kept = f" A copy of it stands in {copied}." if copied else ""
            raise Unfit(
                f"The library could not be brought up to date, and is as it was: {why}.{kept}",
                "Install the version before again, and report this.",
            ) from error


@contextmanager
def _copy(db: Connection) -> Iterator[Path | None]:
    """A copy of an SQLite library, beside it until all is done; None where the database is another."""
    file = db.engine.url.database
    if db.dialect.name != "sqlite" or not file or file == ":memory:":
        yield None
        return
    copied = Path(f"{file}.before-{NEWEST}")
    try:
        _copy_file(Path(file), copied)
    except (OSError, sqlite3.Error) as error:
        remedy = "Make room in its folder, where this user can write. Nothing has changed."
        raise Unfit(f"Before it is brought up to date the library cannot be copied: {error}.", remedy) from error
    yield copied
    copied.unlink()


def _copy_file(file: Path, copied: Path) -> None:
    copied.unlink(missing_ok=True)
    copied.touch(0o600)
    with closing(sqlite3.connect(file)) as reading, closing(sqlite3.connect(copied)) as writing:
        reading.backup(writing)
