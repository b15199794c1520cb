"""Deleting so that nothing is left: in an SQLite file what is deleted is overwritten, and leaves the journal too.

The journal can be emptied only while nothing old is being read. Where it cannot be, `settle` does it later: the runner
of `assistant.runs` tries each minute.
"""

from __future__ import annotations

from sqlalchemy import Delete, Engine

PATIENCE = 100  # milliseconds that readers are waited for; all writers wait meanwhile


def wipe(engine: Engine, *deletions: Delete) -> int:
    """Do the deletions in one transaction; how many rows went."""
    with engine.begin() as db:
        if engine.dialect.name == "sqlite":
            db.exec_driver_sql("PRAGMA secure_delete=ON")
        count = sum(db.execute(deletion).rowcount for deletion in deletions)
    if count:
        settle(engine)
    return count


def settle(engine: Engine) -> bool:
    """Empty the journal of an SQLite file, which still has what the file has no longer; False: in use, try later."""
    if engine.dialect.name != "sqlite":
        return True
    with engine.connect() as db:
        db.detach()  # closed at the end: its short patience is not for others
        db.exec_driver_sql(f"PRAGMA busy_timeout={PATIENCE}")
        busy, *_ = db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        return not busy
