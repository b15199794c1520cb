"""What else the library keeps: ingest runs, and visits of web addresses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sql
from sqlalchemy import Engine, delete, insert, select

from assistant.errors import NotFound
from assistant.library.tables import RUNS, VISITS


class Runs:
    """Ingest runs, asked for and done."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, asked: dict[str, Any], status: str = "running") -> int:
        """Number of a new ingest run; "requested" asks the process that owns the data folder to do it."""
        with self._engine.begin() as db:
            row = db.execute(insert(RUNS).values(status=status, asked=asked, created=now(), progress=0.0, stage=""))
            return int(row.inserted_primary_key[0])  # type: ignore[index]

    def update(self, run: int, **values: Any) -> None:  # noqa: ANN401
        """Note how far a run is."""
        with self._engine.begin() as db:
            db.execute(sql.update(RUNS).where(RUNS.c.id == run).values(**values))

    def one(self, run: int) -> dict[str, Any]:
        """One run as a dictionary. Raises NotFound."""
        with self._engine.connect() as db:
            row = db.execute(select(RUNS).where(RUNS.c.id == run)).mappings().first()
        if row is None:
            raise NotFound(f"There is no run {run}.", "GET /api/v1/runs lists the latest.")
        return dict(row)

    def claim(self) -> dict[str, Any] | None:
        """The oldest requested run, now marked as running."""
        with self._engine.begin() as db:
            row = db.execute(select(RUNS).where(RUNS.c.status == "requested").order_by(RUNS.c.id)).mappings().first()
            if row is not None:
                db.execute(sql.update(RUNS).where(RUNS.c.id == row["id"]).values(status="running"))
            return dict(row) if row else None

    def latest(self, count: int = 50) -> list[dict[str, Any]]:
        """The latest runs, newest first."""
        with self._engine.connect() as db:
            return [dict(row) for row in db.execute(select(RUNS).order_by(RUNS.c.id.desc()).limit(count)).mappings()]

    def resume(self) -> None:
        """Ask once more for the server's runs that it was killed in. Only for the owner of the data folder."""
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
