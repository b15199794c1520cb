"""The tables of the library database. A column that a table gets later may be empty, and is a line of LATER.

One process at a time brings a database up to date, under the lock that ALONE names for its kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from sqlalchemy import (
    JSON,
    Column,
    Engine,
    Float,
    ForeignKey,
    Index,
    Inspector,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    inspect,
    text,
)
from sqlalchemy.schema import CreateColumn

SCHEMA = MetaData()

VERSIONS = Table(
    "versions",
    SCHEMA,
    Column("digest", String(64), primary_key=True),
    Column("document", String(32), index=True, nullable=False),
    Column("uri", Text, nullable=False),
    Column("record", JSON, nullable=False),
    Column("text", Text, nullable=False),
)
CHUNKS = Table(
    "chunks",
    SCHEMA,
    Column("digest", ForeignKey("versions.digest"), primary_key=True),
    Column("id", String(32), primary_key=True, index=True),
    Column("position", Integer, nullable=False),
    Column("record", JSON, nullable=False),
)
EDITIONS = Table(
    "editions",
    SCHEMA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("embedder", Text, nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("status", String(12), nullable=False),
    Column("created", String(32), nullable=False),
)
MEMBERS = Table(
    "members",
    SCHEMA,
    Column("edition", ForeignKey("editions.number"), primary_key=True),
    Column("digest", ForeignKey("versions.digest"), primary_key=True, index=True),
)
POINTER = Table(
    "pointer",
    SCHEMA,
    Column("name", String(16), primary_key=True),
    Column("edition", ForeignKey("editions.number"), nullable=False),
)
SKETCHES = Table(
    "sketches",
    SCHEMA,
    Column("digest", ForeignKey("versions.digest"), primary_key=True),
    Column("sketch", JSON, nullable=False),
)
VISITS = Table(
    "visits",
    SCHEMA,
    Column("address", Text, primary_key=True),
    Column("etag", Text),
    Column("modified", Text),
    Column("digest", String(64), nullable=False),
    Column("said", Text, nullable=False),
    Column("at", String(32), nullable=False),
)
RUNS = Table(
    "runs",
    SCHEMA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("status", String(12), nullable=False),
    Column("asked", JSON, nullable=False),
    Column("progress", Float, nullable=False, default=0.0),
    Column("stage", Text, nullable=False, default=""),
    Column("report", JSON),
    Column("created", String(32), nullable=False),
)
KEYS = Table(
    "keys",
    SCHEMA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("role", String(12), nullable=False),
    Column("digest", String(64), unique=True, nullable=False),
    Column("created", String(32), nullable=False),
    Column("revoked", String(32)),
    Column("handle", String(16), index=True, unique=True),
    Column("expires", String(10)),
    Column("used", String(10)),
    Column("scopes", Text),
)


def _grouped() -> tuple[Column[Any], ...]:
    """What a question has that is grouped with others into themes, until that is dealt with."""
    return (
        Column("vector", LargeBinary),
        Column("embedder", Text),
        Column("created", String(32), index=True, nullable=False),
        Column("done", String(32)),
    )


FEEDBACK = Table(
    "feedback",
    SCHEMA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("answer", String(64), index=True, nullable=False),
    Column("rating", String(4), nullable=False),
    Column("reason", String(16)),
    Column("comment", Text, nullable=False),
    Column("question", Text),
    Column("document", String(64)),
    Column("language", String(8), nullable=False),
    Column("edition", Integer, nullable=False),
    Column("asker", String(16)),
    *_grouped(),
    sqlite_autoincrement=True,  # the id of an erased row is not given to another
)
MISSED = Table(
    "missed",
    SCHEMA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("answer", String(64), index=True, nullable=False),
    Column("question", Text, nullable=False),
    Column("language", String(8), nullable=False),
    Column("reason", String(16), nullable=False),
    Column("document", String(64)),
    Column("edition", Integer, nullable=False),
    Column("asker", String(16), nullable=False),
    *_grouped(),
    sqlite_autoincrement=True,  # the id of an erased row is not given to another
)
SESSIONS = Table(
    "sessions",
    SCHEMA,
    Column("digest", String(64), primary_key=True),
    Column("key", Integer, nullable=False),
    Column("expires", String(32), nullable=False),
)
ANSWERS = Table(
    "answers",
    SCHEMA,
    Column("id", String(64), primary_key=True),
    Column("record", JSON, nullable=False),
    Column("created", String(32), index=True, nullable=False),
)
CLAIMS = Table(
    "claims",
    SCHEMA,
    Column("mark", String(32), primary_key=True),
    Column("answer", String(64), index=True, nullable=False),
    Column("created", String(32), index=True, nullable=False),
)
SECRETS = Table(
    "secrets",
    SCHEMA,
    Column("name", String(16), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
LATER = (FEEDBACK.c.asker, KEYS.c.handle, KEYS.c.expires, KEYS.c.used, KEYS.c.scopes)

ALONE = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(1309)"}  # any fixed number

State = Literal["empty", "older", "current"]


def create(engine: Engine) -> None:
    """Create the tables and indexes that a database lacks, and the columns of LATER in one made before them."""
    if state(engine) == "current":
        return
    with engine.begin() as db:
        if lock := ALONE.get(engine.dialect.name):
            db.exec_driver_sql(lock)
        SCHEMA.create_all(db)
        for column in _columns(inspect(db)):
            db.execute(text(f"ALTER TABLE {column.table.name} ADD COLUMN {CreateColumn(column).compile(engine)}"))
        for index in _indexes(inspect(db)):
            index.drop(db, checkfirst=True)
            index.create(db)


def state(engine: Engine) -> State:
    """Whether a database has none of the tables, not yet all that belongs to them, or everything."""
    with engine.connect() as db:
        known = inspect(db)
        lacking = set(SCHEMA.tables) - set(known.get_table_names())
        if len(lacking) == len(SCHEMA.tables):
            return "empty"
        return "older" if lacking or [*_columns(known), *_indexes(known)] else "current"


def _columns(known: Inspector) -> Iterator[Column[Any]]:
    """The columns of LATER that are lacking."""
    for column in LATER:
        if column.name not in {there["name"] for there in known.get_columns(column.table.name)}:
            yield column


def _indexes(known: Inspector) -> Iterator[Index]:
    """The indexes that are lacking, or that do not keep unique what must be."""
    for table in SCHEMA.tables.values():
        unique = {there["name"]: bool(there["unique"]) for there in known.get_indexes(table.name)}
        yield from (index for index in table.indexes if unique.get(index.name) != bool(index.unique))
