"""Restoring a backup: everything is checked and built in a folder of its own, which then takes the data folder's place.

Until that one step nothing of the data folder changes, so a restore that is killed leaves what was there.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from assistant.backup.archive import ANOTHER, Backup, open_backup
from assistant.backup.copy import columns_of, served_in
from assistant.backup.manifest import LIBRARY, BadBackup, Manifest
from assistant.backup.swap import exchange
from assistant.beside import beside
from assistant.errors import BadSetting, Conflict
from assistant.progress import Progress
from assistant.settings import PREFIX, Settings

# What an empty data folder may hold: the lock and the note of its owner, and the models, which are made from packages.
NOTHING = {"owner", "owner.lock", "models"}


@dataclass(frozen=True, slots=True)
class Restored:
    """A backup that was restored. `kept`: where the old data folder is, if it held anything; `embedded`: passages."""

    data: Path
    kept: Path | None
    manifest: Manifest
    embedded: int


def check_backup(file: Path, progress: Progress) -> Manifest:
    """The manifest of a backup that is whole and that this program can read. Raises BadBackup."""
    with open_backup(file, progress) as backup, tempfile.TemporaryDirectory() as folder:
        _unpack(backup, Path(folder), progress)
        return backup.manifest


def restore_backup(settings: Settings, file: Path, progress: Progress, *, force: bool = False) -> Restored:
    """Put a backup into the data folder; `force`: also where that holds something, which is kept beside it.

    Raises BadBackup, BadSetting where the settings name other stores, Busy beside a running server, Conflict where
    something would be replaced, EmbedderMismatch.
    """
    _check_place(settings)
    with (
        open_backup(file, progress) as backup,
        _alone(settings, force) as data,
        beside(data, f"{data.name}.restoring-") as part,
    ):
        _unpack(backup, part, progress)
        embedded = _derive(settings, part, backup.manifest, progress)
        kept = data.with_name(f"{data.name}.before-restore-{datetime.now(UTC):%Y-%m-%d-%H%M%S}")
        _put(part, data, kept)
        return Restored(data, kept if kept.exists() else None, backup.manifest, embedded)


def _put(part: Path, data: Path, kept: Path) -> None:
    """Let the new folder become `data`, and the old one `kept` if it holds anything."""
    part.rename(kept)  # a name that tells what it is from the moment on at which they change places
    try:
        exchange(kept, data)
    except OSError:
        kept.rename(part)
        raise
    (kept / "owner").unlink(missing_ok=True)
    if not _held(kept):
        shutil.rmtree(kept)


def _check_place(settings: Settings) -> None:
    """Raise BadSetting where the data folder cannot be replaced by another."""
    if settings.database_url:
        raise BadSetting(
            f"{PREFIX}DATABASE_URL is set, and a backup is restored into the data folder.",
            "Unset it; bring back a PostgreSQL database with pg_restore or psql.",
        )
    if settings.data.resolve().is_mount():
        raise BadSetting(
            f"{settings.data} is a disk of its own and cannot be replaced by another folder.",
            f"Set {PREFIX}DATA to a folder on it.",
        )


@contextmanager
def _alone(settings: Settings, force: bool) -> Iterator[Path]:
    """The data folder, owned. Raises Busy, or Conflict where it holds something and `force` is not given."""
    from assistant.wiring import DataFolder

    data = settings.data.resolve()
    made = not data.exists()
    owned = DataFolder(data)
    owned.own()
    try:
        if not force and (held := _held(data)):
            raise Conflict(
                f"{settings.data} is not empty: it holds {held[0]}.",
                f"Set {PREFIX}DATA to another folder, or use --force: then the old one is kept beside it.",
            )
        _check_chroma(settings, force)
        yield data
    except BaseException:
        if made:
            shutil.rmtree(data, ignore_errors=True)
        raise
    finally:
        owned.release()


def _held(data: Path) -> list[str]:
    return sorted({path.name for path in data.iterdir()} - NOTHING)


def _check_chroma(settings: Settings, force: bool) -> None:
    """Raise Conflict where a Chroma server holds vectors, which are not kept beside the new ones."""
    from assistant.vectors import open_vectors

    if settings.chroma_url and not force and open_vectors(settings).editions():
        raise Conflict(
            "The Chroma server holds vectors of editions.", "Use another one, or replace these vectors with --force."
        )


def _unpack(backup: Backup, folder: Path, progress: Progress) -> None:
    """Unpack a backup and look at its library. Raises BadBackup."""
    if backup.size > (free := shutil.disk_usage(folder).free):
        raise BadBackup(f"It needs {backup.size:,} bytes and {free:,} are free.", "Make room.")
    backup.unpack(folder, progress)
    library, manifest = folder / LIBRARY, backup.manifest
    try:
        with closing(sqlite3.connect(library)) as db:
            whole = db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
            same = columns_of(db) == manifest.columns and not _acting(db)
        same = same and served_in(library) == manifest.edition
    except Exception as error:  # whatever is told of a file that is no library
        raise BadBackup("Its library cannot be read.", ANOTHER) from error
    if not (whole and same):
        raise BadBackup("Its library is not as its manifest says.", ANOTHER)


def _acting(db: sqlite3.Connection) -> bool:
    """Whether a database does more than hold tables: we make no triggers and no views."""
    return bool(db.execute("SELECT 1 FROM sqlite_master WHERE type NOT IN ('table', 'index')").fetchone())


def _derive(settings: Settings, part: Path, manifest: Manifest, progress: Progress) -> int:
    """Build vectors and indexes of the editions that can be served; how many passages were embedded."""
    from assistant.backup.carried import CHUNKS, MATRIX, Carried
    from assistant.repair import mend
    from assistant.wiring import open_stores

    if manifest.edition is None:
        return 0
    there = settings.model_copy(update={"data": part})
    stores = open_stores(there)
    with closing(stores.library), closing(stores.vectors):
        sources = [Carried(part)] if (part / MATRIX).exists() else []
        embedded = sum(mended.embedded for mended in mend(there, stores, progress, sources))
    for name in (MATRIX, CHUNKS):
        (part / name).unlink(missing_ok=True)
    return embedded
