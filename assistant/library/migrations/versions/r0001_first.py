"""The tables as they were when revisions began. A library of before has no revision: it may lack tables, indexes, and
the columns of LATER, and gets them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alembic import op
from sqlalchemy import (
    JSON,
    Column,
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
)

from assistant.library.migrations import RESTORE, Unfit

revision = "0001"
down_revision = None

SCHEMA = MetaData()

VERSIONS = Table(
    "versions",
    SCHEMA,
    Column("digest", String(64), primary_key=True),
    Column("document", String(32), index=True, nullable=False),
    Column("uri", Text().with_variant(Text(collation="C"), "postgresql"), nullable=False),  # one order everywhere
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


def upgrade() -> None:
    """Make what is lacking. Raises Unfit where a table is not as any program of ours made it."""
    known = inspect(op.get_bind())
    _check(known)
    SCHEMA.create_all(op.get_bind())
    for column in _columns(inspect(op.get_bind())):
        op.add_column(column.table.name, Column(column.name, column.type))
    for index in _indexes(inspect(op.get_bind())):
        index.drop(op.get_bind(), checkfirst=True)
        index.create(op.get_bind())


def _check(known: Inspector) -> None:
    for name in set(known.get_table_names()) & set(SCHEMA.tables):
        has = {column["name"] for column in known.get_columns(name)}
        knows = {column.name for column in SCHEMA.tables[name].columns}
        needs = knows - {column.name for column in LATER if column.table.name == name}
        if odd := sorted((has - knows) | (needs - has)):
            raise Unfit(
                f"The library has no revision, and its table {name} is not ours: look at the column {odd[0]}.",
                f"{RESTORE}, or give the assistant a database of its own with CLUSTER_TALKS_DATABASE_URL.",
            )


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
