"""The right to publish: of all processes that share a library, one at a time builds or removes editions.

In PostgreSQL it is an advisory lock of a connection of its own, beside an SQLite library a locked file: either is free
again as soon as the process that had it is gone. Another kind of database is another line of LOCKS; one that is not
there is trusted to have one publisher.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

NUMBER = 1310  # of the advisory lock: any fixed number that tables.ALONE has not


class _Lock(Protocol):
    """What is free, or taken by one process."""

    def take(self) -> bool:
        """Whether it could be had at once."""

    def release(self) -> None:
        """Let go of it."""


class Publisher:
    """This process as one that may publish."""

    def __init__(self, engine: Engine) -> None:
        made = LOCKS.get(engine.dialect.name)
        self._lock = made(engine) if made and engine.url.database not in (None, ":memory:") else None
        self._mine = False

    def take(self) -> bool:
        """Become the one that publishes; False where somebody is, this process included."""
        if self._mine or (self._lock and not self._lock.take()):
            return False
        self._mine = True
        return True

    def release(self) -> None:
        """Let another one publish; nothing where this process does not."""
        if self._mine and self._lock:
            self._lock.release()
        self._mine = False

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """A block in which this process publishes, if it may: True."""
        mine = self.take()
        try:
            yield mine
        finally:
            if mine:
                self.release()


class _Advisory:
    """A lock that PostgreSQL keeps for as long as a connection lasts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._db: Connection | None = None

    def take(self) -> bool:
        db = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            if not db.scalar(text(f"SELECT pg_try_advisory_lock({NUMBER})")):
                return False
            db.detach()
            self._db = db
        finally:
            if self._db is None:
                db.close()
        return True

    def release(self) -> None:
        db, self._db = self._db, None
        with suppress(SQLAlchemyError):  # broken off: the lock is free already
            if db:
                db.execute(text(f"SELECT pg_advisory_unlock({NUMBER})"))
                db.close()


class _Beside:
    """A locked file beside an SQLite library."""

    def __init__(self, engine: Engine) -> None:
        self._file = FileLock(Path(str(engine.url.database)).with_suffix(".publisher"), thread_local=False)

    def take(self) -> bool:
        try:
            self._file.acquire(timeout=0)
        except Timeout:
            return False
        return True

    def release(self) -> None:
        self._file.release()


LOCKS: dict[str, Callable[[Engine], _Lock]] = {"postgresql": _Advisory, "sqlite": _Beside}
