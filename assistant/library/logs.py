"""What else the library keeps: ingest runs, and visits of web addresses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sql
from sqlalchemy import Engine, delete, insert, select

from assistant.errors import Busy, NotFound
from assistant.library.publisher import Publisher
from assistant.library.tables import RUNS, VISITS


class Runs:
    """Ingest runs, asked for and done: by one process at a time, the publisher."""

    def __init__(self, engine: Engine, publisher: Publisher) -> None:
        self._engine, self._publisher = engine, publisher
        self._resumed = False

    def begin(self, asked: dict[str, Any], status: str = "running") -> int:
        """Number of a new ingest run; "requested" asks a server to do it. Raises Busy for one that is to be done here,
        `asked["here"]`, while another process publishes."""
        if asked.get("here") and not self._publisher.take():
            raise Busy(f"Another process is publishing{self._doing()}.", "Wait until it is done, then try again.")
        with self._engine.begin() as db:
            row = db.execute(insert(RUNS).values(status=status, asked=asked, created=now(), progress=0.0, stage=""))
            return int(row.inserted_primary_key[0])  # type: ignore[index]

    def update(self, run: int, **values: Any) -> None:  # noqa: ANN401
        """Note how far a run is; once it is over, another process may publish."""
        over = values.get("status", "running") != "running"
        self._resumed = self._resumed and not over  # where this cannot be noted, `claim` sees to the run
        try:
            with self._engine.begin() as db:
                db.execute(sql.update(RUNS).where(RUNS.c.id == run).values(**values))
        finally:
            if over:
                self._publisher.release()

    def one(self, run: int) -> dict[str, Any]:
        """One run as a dictionary. Raises NotFound."""
        with self._engine.connect() as db:
            row = db.execute(select(RUNS).where(RUNS.c.id == run)).mappings().first()
        if row is None:
            raise NotFound(f"There is no run {run}.", "GET /api/v1/runs lists the latest.")
        return dict(row)

    def claim(self) -> dict[str, Any] | None:
        """The oldest requested run, now marked as running; None also while another process publishes."""
        if not self._resumed:
            self.resume()
        if self._next() is None or not self._publisher.take():
            return None
        if (row := self._next()) is None:  # the other process did it
            self._publisher.release()
            return None
        self.update(row["id"], status="running")
        return row

    def _next(self) -> dict[str, Any] | None:
        return self._first("requested")

    def _first(self, status: str) -> dict[str, Any] | None:
        with self._engine.connect() as db:
            row = db.execute(select(RUNS).where(RUNS.c.status == status).order_by(RUNS.c.id)).mappings().first()
            return dict(row) if row else None

    def _doing(self) -> str:
        run = self._first("running")
        return f": run {run['id']}, begun at {run['created']}" if run else ""

    def latest(self, count: int = 50) -> list[dict[str, Any]]:
        """The latest runs, newest first."""
        with self._engine.connect() as db:
            return [dict(row) for row in db.execute(select(RUNS).order_by(RUNS.c.id.desc()).limit(count)).mappings()]

    def resume(self) -> None:
        """Ask once more for the runs that a server was killed in. While another process publishes nothing is known of
        those that are running: `claim` does it then."""
        with self._publisher.turn() as mine:
            if mine:
                self._ask_again()
                self._resumed = True

    def _ask_again(self) -> None:
        with self._engine.begin() as db:
            for run in db.execute(select(RUNS).where(RUNS.c.status == "running")).mappings().all():
                again = not (run["asked"].get("here") or run["asked"].get("again"))
                anew = {"status": "requested", "asked": {**run["asked"], "again": True}, "stage": "", "progress": 0.0}
                ended = {"status": "failed", "report": {"detail": "The run broke off.", "remedy": "Start it again."}}
                db.execute(sql.update(RUNS).where(RUNS.c.id == run["id"]).values(**(anew if again else ended)))


class Visits:
    """When an address of the web was last fetched, and how its server marked what it sent."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def last(self, address: str) -> dict[str, Any] | None:
        """What the last visit of an address gave: etag, modified, digest, at."""
        with self._engine.connect() as db:
            row = db.execute(select(VISITS).where(VISITS.c.address == address)).mappings().first()
            return dict(row) if row else None

    def note(self, address: str, digest: str, etag: str | None, modified: str | None, said: str) -> None:
        """Remember a visit, for the next one's conditions; `said`: what besides the bytes decided the digest."""
        values = {"digest": digest, "etag": etag, "modified": modified, "said": said, "at": now()}
        with self._engine.begin() as db:
            db.execute(delete(VISITS).where(VISITS.c.address == address))
            db.execute(insert(VISITS).values(address=address, **values))


def now() -> str:
    """The time in UTC, as the library notes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
