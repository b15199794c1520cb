"""The library database: documents, their text, chunks, editions and runs. Vectors and indexes derive from it.

A *version* is one state of one document, named by the digest of its content. An edition is a set of versions, so a new
edition adds a row a document and copies no text. Versions stay when an edition is retired: a citation of an old edition
still opens the text it cited.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from assistant.errors import NotFound, NotReady
from assistant.records import Chunk, Document, Edition

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


class Library:
    """Reads and writes of the library; every method is one short transaction."""

    def __init__(self, url: str) -> None:
        self._engine: Engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
        if url.startswith("sqlite"):
            event.listen(self._engine, "connect", _tune_sqlite)
        SCHEMA.create_all(self._engine)

    # --- editions

    def begin_edition(self, embedder: str, dimension: int) -> int:
        """Number of a new edition in state "building"."""
        with self._engine.begin() as db:
            row = db.execute(
                insert(EDITIONS).values(embedder=embedder, dimension=dimension, status="building", created=_now())
            )
            return int(row.inserted_primary_key[0])  # type: ignore[index]

    def add_members(self, edition: int, digests: Sequence[str]) -> None:
        """Put stored versions into an edition."""
        if digests:
            with self._engine.begin() as db:
                db.execute(insert(MEMBERS), [{"edition": edition, "digest": digest} for digest in digests])

    def publish(self, edition: int) -> None:
        """Move the pointer: from now on this edition is served."""
        with self._engine.begin() as db:
            if db.execute(select(EDITIONS.c.number).where(EDITIONS.c.number == edition)).first() is None:
                raise NotFound(f"There is no edition {edition}.", "`cluster-talks editions` lists them.")
            db.execute(update(EDITIONS).where(EDITIONS.c.number == edition).values(status="ready"))
            db.execute(delete(POINTER))
            db.execute(insert(POINTER).values(name="current", edition=edition))

    def drop_edition(self, edition: int) -> None:
        """Forget an edition's members; the versions stay for the citations that point at them."""
        with self._engine.begin() as db:
            db.execute(update(EDITIONS).where(EDITIONS.c.number == edition).values(status="retired"))

    def current(self) -> Edition:
        """The edition being served. Raises NotReady when there is none."""
        with self._engine.connect() as db:
            number = db.execute(select(POINTER.c.edition)).scalar()
            if number is None:
                raise NotReady("No documents have been ingested yet.", "Run `cluster-talks ingest`.")
            return self._edition(db, number)

    def edition(self, number: int) -> Edition:
        """One edition. Raises NotFound."""
        with self._engine.connect() as db:
            return self._edition(db, number)

    def editions(self) -> list[Edition]:
        """All editions, newest first."""
        with self._engine.connect() as db:
            numbers = db.execute(select(EDITIONS.c.number).order_by(EDITIONS.c.number.desc())).scalars().all()
            return [self._edition(db, number) for number in numbers]

    def _edition(self, db: Connection, number: int) -> Edition:
        row = db.execute(select(EDITIONS).where(EDITIONS.c.number == number)).mappings().first()
        if row is None:
            raise NotFound(f"There is no edition {number}.", "`cluster-talks editions` lists them.")
        documents = db.execute(select(func.count()).where(MEMBERS.c.edition == number)).scalar_one()
        chunks = db.execute(
            select(func.count(func.distinct(CHUNKS.c.id)))
            .join(MEMBERS, MEMBERS.c.digest == CHUNKS.c.digest)
            .where(MEMBERS.c.edition == number)
        ).scalar_one()
        return Edition(**row, documents=documents, chunks=chunks)

    # --- documents and chunks

    def known(self, digests: Iterable[str]) -> set[str]:
        """Those of `digests` that are stored already."""
        with self._engine.connect() as db:
            found = [
                db.execute(select(VERSIONS.c.digest).where(VERSIONS.c.digest.in_(part))).scalars()
                for part in _parts(list(digests))
            ]
            return {digest for part in found for digest in part}

    def add_version(self, document: Document, text: str, chunks: Sequence[Chunk]) -> None:
        """Store one state of a document with its snapshot text and passages."""
        with self._engine.begin() as db:
            db.execute(
                insert(VERSIONS).values(
                    digest=document.digest,
                    document=document.id,
                    uri=document.uri,
                    record=_DOCUMENT.dump_python(document, mode="json"),
                    text=text,
                )
            )
            rows = [
                {
                    "digest": document.digest,
                    "id": chunk.id,
                    "position": position,
                    "record": _CHUNK.dump_python(chunk, mode="json"),
                }
                for position, chunk in enumerate(chunks)
            ]
            if rows:
                db.execute(insert(CHUNKS), rows)

    def documents(self, edition: int) -> list[Document]:
        """The documents of an edition, by uri."""
        query = select(VERSIONS.c.record).join(MEMBERS).where(MEMBERS.c.edition == edition).order_by(VERSIONS.c.uri)
        with self._engine.connect() as db:
            return [_DOCUMENT.validate_python(record) for record in db.execute(query).scalars()]

    def snapshot(self, document: str, edition: int) -> tuple[Document, str]:
        """A document of an edition and its text. Raises NotFound."""
        query = (
            select(VERSIONS.c.record, VERSIONS.c.text)
            .join(MEMBERS)
            .where(MEMBERS.c.edition == edition, VERSIONS.c.document == document)
        )
        with self._engine.connect() as db:
            row = db.execute(query).first()
        if row is None:
            raise NotFound(f"Edition {edition} has no document {document!r}.", "GET /api/v1/sources lists them.")
        return _DOCUMENT.validate_python(row[0]), str(row[1])

    def all_chunks(self, edition: int) -> Iterator[tuple[Chunk, Document]]:
        """Every passage of an edition with its document, in reading order."""
        with self._engine.connect() as db:
            yield from _read_chunks(db, edition)

    def chunks(self, edition: int, ids: Sequence[str]) -> dict[str, tuple[Chunk, Document]]:
        """Passages of an edition by id, each with its document; unknown ids are left out."""
        with self._engine.connect() as db:
            found = _read_chunks(db, edition, CHUNKS.c.id.in_(ids))
            return {chunk.id: (chunk, document) for chunk, document in found}

    # --- runs

    def begin_run(self, asked: dict[str, Any], status: str = "running") -> int:
        """Number of a new ingest run; "requested" asks the process that owns the data folder to do it."""
        with self._engine.begin() as db:
            row = db.execute(insert(RUNS).values(status=status, asked=asked, created=_now(), progress=0.0, stage=""))
            return int(row.inserted_primary_key[0])  # type: ignore[index]

    def update_run(self, run: int, **values: Any) -> None:  # noqa: ANN401
        """Note how far a run is."""
        with self._engine.begin() as db:
            db.execute(update(RUNS).where(RUNS.c.id == run).values(**values))

    def run(self, run: int) -> dict[str, Any]:
        """One run as a dictionary. Raises NotFound."""
        with self._engine.connect() as db:
            row = db.execute(select(RUNS).where(RUNS.c.id == run)).mappings().first()
        if row is None:
            raise NotFound(f"There is no run {run}.")
        return dict(row)

    def claim_run(self) -> dict[str, Any] | None:
        """The oldest requested run, now marked as running."""
        with self._engine.begin() as db:
            row = db.execute(select(RUNS).where(RUNS.c.status == "requested").order_by(RUNS.c.id)).mappings().first()
            if row is not None:
                db.execute(update(RUNS).where(RUNS.c.id == row["id"]).values(status="running"))
            return dict(row) if row else None

    def healthy(self) -> bool:
        """Whether the database answers."""
        try:
            with self._engine.connect() as db:
                return db.execute(select(1)).scalar() == 1
        except SQLAlchemyError:
            return False

    def close(self) -> None:
        """Release the connections."""
        self._engine.dispose()


_CHUNK = TypeAdapter(Chunk)
_DOCUMENT = TypeAdapter(Document)


def _read_chunks(db: Connection, edition: int, *conditions: ColumnElement[bool]) -> Iterator[tuple[Chunk, Document]]:
    query = (
        select(CHUNKS.c.record, VERSIONS.c.record)
        .join(VERSIONS, VERSIONS.c.digest == CHUNKS.c.digest)
        .join(MEMBERS, MEMBERS.c.digest == VERSIONS.c.digest)
        .where(MEMBERS.c.edition == edition, *conditions)
        .order_by(VERSIONS.c.uri, CHUNKS.c.position)
    )
    for chunk, document in db.execute(query):
        yield _CHUNK.validate_python(chunk), _DOCUMENT.validate_python(document)


def _tune_sqlite(connection: Any, _: object) -> None:  # noqa: ANN401
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _parts(items: list[str], size: int = 500) -> Iterable[list[str]]:
    return (items[i : i + size] for i in range(0, len(items), size))
