"""The library database: documents, their text, chunks, editions and runs. Vectors and indexes derive from it.

A *version* is one state of one document, named by the digest of its content. An edition is a set of versions, so a new
edition adds a row a document and copies no text. Versions stay when an edition is retired: a citation of an old edition
still opens the text it cited.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, delete, func, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from assistant.errors import Conflict, NotFound, NotReady
from assistant.keys import Keys
from assistant.library import migrations, tables
from assistant.library.answers import Answers
from assistant.library.digest import CHUNK, DOCUMENT, edition_digest
from assistant.library.logs import Runs, Visits, now
from assistant.library.opening import looked_at, opened
from assistant.library.publisher import Publisher
from assistant.library.secret import Secret
from assistant.library.tables import CHUNKS, EDITIONS, MEMBERS, POINTER, SKETCHES, VERSIONS, State
from assistant.library.voices import FeedbackLog, MissedLog, Sessions
from assistant.library.wipe import settle
from assistant.records import Chunk, Document, Edition


class Library:
    """Reads and writes of the library; every method is one short transaction.

    `create`: make the tables, or bring them to the newest revision; raises Unfit where that cannot be. False: only
    look, which writes nothing; `state` tells what is there."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        self._engine: Engine = opened(url) if create else looked_at(url)
        if create and migrations.prepare(self._engine) == "older":
            self._digest_earlier()
        self.publisher = Publisher(self._engine)
        self.runs = Runs(self._engine, self.publisher)
        self.keys, self.visits = Keys(self._engine), Visits(self._engine)
        self.feedback, self.missed = FeedbackLog(self._engine), MissedLog(self._engine)
        self.sessions = Sessions(self._engine)
        self.answers, self.secret = Answers(self._engine), Secret(self._engine)
        self._served: Edition | None = None

    # --- editions

    def begin_edition(self, embedder: str, dimension: int) -> int:
        """Number of a new edition in state "building"."""
        with self._engine.begin() as db:
            row = db.execute(
                insert(EDITIONS).values(embedder=embedder, dimension=dimension, status="building", created=now())
            )
            return int(row.inserted_primary_key[0])  # type: ignore[index]

    def add_members(self, edition: int, digests: Sequence[str]) -> None:
        """Put stored versions into an edition."""
        if digests:
            with self._engine.begin() as db:
                db.execute(insert(MEMBERS), [{"edition": edition, "digest": digest} for digest in digests])

    def finish_edition(self, edition: int) -> None:
        """Note that an edition is built whole, and its digest: it can be published, now or later. Raises Conflict when
        another process has given it up."""
        building = update(EDITIONS).where(EDITIONS.c.number == edition, EDITIONS.c.status == "building")
        digest = self._digest(self.edition(edition))
        with self._engine.begin() as db:
            if not db.execute(building.values(status="ready", digest=digest)).rowcount:
                raise Conflict(f"Edition {edition} was given up while it was built.", "Ingest again.")

    def _digest(self, edition: Edition) -> str:
        return edition_digest(edition.embedder, self.documents(edition.number), self.all_chunks(edition.number))

    def _digest_earlier(self) -> None:
        """Give the editions a digest that were built before editions had one."""
        for edition in self.editions():
            if edition.status == "ready":
                mine = update(EDITIONS).where(EDITIONS.c.number == edition.number, EDITIONS.c.digest.is_(None))
                with self._engine.begin() as db:
                    db.execute(mine.values(digest=self._digest(edition)))

    def publish(self, edition: int) -> None:
        """Move the pointer: from now on this edition is served. Raises NotFound, or Conflict when it is not built."""
        with self._engine.begin() as db:
            tables.alone(db)  # nobody retires the edition between the look and the move
            if (status := self._edition(db, edition).status) != "ready":
                raise Conflict(f"Edition {edition} is {status}.", "Publish one that is ready, or ingest again.")
            db.execute(delete(POINTER))
            db.execute(insert(POINTER).values(name="current", edition=edition))

    def drop_edition(self, edition: int) -> None:
        """Mark an edition as retired; its versions stay for the citations that point at them. Raises Conflict."""
        with self._engine.begin() as db:
            tables.alone(db)
            served = select(POINTER.c.edition).where(POINTER.c.edition == edition)
            unserved = update(EDITIONS).where(EDITIONS.c.number == edition, ~served.exists())
            if not db.execute(unserved.values(status="retired")).rowcount and db.execute(served).first():
                raise Conflict(f"Edition {edition} is being served.", "Publish another one first.")

    def same_edition(self, digests: Iterable[str], embedder: str) -> Edition | None:
        """A whole edition of exactly these versions by this embedder, the newest."""
        wanted = set(digests)
        with self._engine.connect() as db:
            for edition in self._ready(db, embedder):
                held = db.execute(select(MEMBERS.c.digest).where(MEMBERS.c.edition == edition)).scalars()
                if set(held) == wanted:
                    return self._edition(db, edition)
        return None

    def ready(self, embedder: str) -> list[Edition]:
        """The editions that can be served with an embedder, newest first."""
        with self._engine.connect() as db:
            return [self._edition(db, number) for number in self._ready(db, embedder)]

    def _ready(self, db: Connection, embedder: str) -> Sequence[int]:
        query = select(EDITIONS.c.number).where(EDITIONS.c.status == "ready", EDITIONS.c.embedder == embedder)
        return db.execute(query.order_by(EDITIONS.c.number.desc())).scalars().all()

    def current(self) -> Edition:
        """The edition being served. Raises NotReady when there is none."""
        with self._engine.connect() as db:
            number = db.execute(select(POINTER.c.edition)).scalar()
            if number is None:
                raise NotReady("No documents have been ingested yet.", "Run `cluster-talks ingest`.")
            if self._served is None or self._served.number != number:  # counting its passages takes long in a large one
                self._served = self._edition(db, number)
            return self._served

    def newest(self) -> int:
        """Number of the newest edition that is whole, served or not; 0 where there is none."""
        with self._engine.connect() as db:
            return db.execute(select(func.max(EDITIONS.c.number)).where(EDITIONS.c.status == "ready")).scalar() or 0

    def edition(self, number: int) -> Edition:
        """One edition. Raises NotFound."""
        with self._engine.connect() as db:
            return self._edition(db, number)

    def editions(self, count: int | None = None) -> list[Edition]:
        """Editions, newest first: all, or the newest `count`."""
        query = select(EDITIONS.c.number).order_by(EDITIONS.c.number.desc()).limit(count)
        with self._engine.connect() as db:
            numbers = db.execute(query).scalars().all()
            return [self._edition(db, number) for number in numbers]

    def _edition(self, db: Connection, number: int) -> Edition:
        row = db.execute(_EDITION, {"number": number}).mappings().first()
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

    def version(self, digest: str) -> Document | None:
        """The document that a digest names, when it is stored already."""
        with self._engine.connect() as db:
            record = db.execute(select(VERSIONS.c.record).where(VERSIONS.c.digest == digest)).scalar()
            return DOCUMENT.validate_python(record) if record else None

    def add_version(self, document: Document, text: str, chunks: Sequence[Chunk], sketch: Sequence[int] = ()) -> None:
        """Store one state of a document with its snapshot text, its passages and the sketch of its words."""
        with self._engine.begin() as db:
            db.execute(
                insert(VERSIONS).values(
                    digest=document.digest,
                    document=document.id,
                    uri=document.uri,
                    record=DOCUMENT.dump_python(document, mode="json"),
                    text=text,
                )
            )
            rows = [
                {
                    "digest": document.digest,
                    "id": chunk.id,
                    "position": position,
                    "record": CHUNK.dump_python(chunk, mode="json"),
                }
                for position, chunk in enumerate(chunks)
            ]
            if rows:
                db.execute(insert(CHUNKS), rows)
            if sketch:
                db.execute(insert(SKETCHES).values(digest=document.digest, sketch=list(sketch)))

    def sketches(self, digests: Iterable[str]) -> dict[str, list[int]]:
        """The sketches of those of `digests` that have one."""
        query = select(SKETCHES.c.digest, SKETCHES.c.sketch)
        with self._engine.connect() as db:
            return {
                str(digest): list(sketch)
                for part in _parts(list(digests))
                for digest, sketch in db.execute(query.where(SKETCHES.c.digest.in_(part)))
            }

    def documents(self, edition: int) -> list[Document]:
        """The documents of an edition, by uri."""
        query = select(VERSIONS.c.record).join(MEMBERS).where(MEMBERS.c.edition == edition).order_by(VERSIONS.c.uri)
        with self._engine.connect() as db:
            return [DOCUMENT.validate_python(record) for record in db.execute(query).scalars()]

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
        return DOCUMENT.validate_python(row[0]), str(row[1])

    def all_chunks(self, edition: int) -> Iterator[tuple[Chunk, Document]]:
        """Every passage of an edition with its document, in reading order. However long the caller takes, nothing is
        held open: an open read keeps what is erased in the journal of an SQLite file."""
        with self._engine.connect() as db:
            rows = db.execute(_chunk_query(edition)).all()
        return map(_chunk, rows)

    def chunk_ids(self, edition: int) -> set[str]:
        """The ids of an edition's passages."""
        query = select(CHUNKS.c.id).join(MEMBERS, MEMBERS.c.digest == CHUNKS.c.digest)
        with self._engine.connect() as db:
            return set(db.execute(query.where(MEMBERS.c.edition == edition)).scalars())

    def chunk_ids_of(self, digests: Iterable[str]) -> set[str]:
        """The ids of the passages of stored versions."""
        query = select(CHUNKS.c.id)
        with self._engine.connect() as db:
            found = (db.execute(query.where(CHUNKS.c.digest.in_(part))).scalars() for part in _parts(list(digests)))
            return {id_ for part in found for id_ in part}

    def chunks(self, edition: int, ids: Sequence[str]) -> dict[str, tuple[Chunk, Document]]:
        """Passages of an edition by id, each with its document; unknown ids are left out."""
        with self._engine.connect() as db:
            found = map(_chunk, db.execute(_chunk_query(edition, CHUNKS.c.id.in_(ids))))
            return {chunk.id: (chunk, document) for chunk, document in found}

    # --- the database

    def healthy(self) -> bool:
        """Whether the database answers."""
        try:
            with self._engine.connect() as db:
                return db.execute(select(1)).scalar() == 1
        except SQLAlchemyError:
            return False

    def state(self) -> State:
        """Whether the database has none of the tables, those of an earlier revision, or the newest. Raises Unfit."""
        return migrations.state(self._engine)

    def settle(self) -> bool:
        """Take from the journal what was erased while somebody read; False: somebody still does, try later."""
        return settle(self._engine)

    def close(self) -> None:
        """Release the connections, and the right to publish."""
        self.publisher.release()
        self._engine.dispose()


_EDITION = text("SELECT * FROM editions WHERE number = :number")  # one that is only looked at may lack columns


def _chunk_query(edition: int, *conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(CHUNKS.c.record, VERSIONS.c.record)
        .join(VERSIONS, VERSIONS.c.digest == CHUNKS.c.digest)
        .join(MEMBERS, MEMBERS.c.digest == VERSIONS.c.digest)
        .where(MEMBERS.c.edition == edition, *conditions)
        .order_by(VERSIONS.c.uri, CHUNKS.c.position)
    )


def _chunk(row: Sequence[Any]) -> tuple[Chunk, Document]:
    return CHUNK.validate_python(row[0]), DOCUMENT.validate_python(row[1])


def _parts(items: list[str], size: int = 500) -> Iterable[list[str]]:
    return (items[i : i + size] for i in range(0, len(items), size))
