"""The tables of the library database, as the newest revision has them; `migrations` brings older ones there.

One process at a time brings a database up to date or moves the pointer, under the lock that ALONE names for its kind.
"""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

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
    Column("digest", String(64)),
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
REVISION = Table("revision", SCHEMA, Column("version_num", String(32), primary_key=True))  # the column is Alembic's

ALONE = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(1309)"}  # any fixed number

State = Literal["empty", "older", "current"]


def alone(db: Connection) -> None:
    """Let no other process in until the transaction ends that begins here."""
    if lock := ALONE.get(db.dialect.name):
        db.exec_driver_sql(lock)
