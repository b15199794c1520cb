"""Deleting so that nothing is left: in an SQLite file what is deleted is overwritten, and leaves the journal too."""

from __future__ import annotations

from sqlalchemy import Delete, Engine


def wipe(engine: Engine, *deletions: Delete) -> int:
    """Do the deletions in one transaction; how many rows went."""
    with engine.begin() as db:
        if engine.dialect.name == "sqlite":
            db.exec_driver_sql("PRAGMA secure_delete=ON")
        count = sum(db.execute(deletion).rowcount for deletion in deletions)
    if count and engine.dialect.name == "sqlite":
        with engine.connect() as db:  # the journal still has what the file has no longer
            db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return count
