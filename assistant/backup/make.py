"""Making a backup, also while a server answers and while an edition is built."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from assistant import __version__
from assistant.backup.archive import pack
from assistant.backup.copy import columns_of, copy_library, rows_of, served_in
from assistant.backup.manifest import FORMAT, LIBRARY, Manifest
from assistant.beside import beside
from assistant.errors import BadRequest, BadSetting, Busy, Conflict, NotReady
from assistant.progress import Progress
from assistant.settings import PREFIX, Settings

PREFIX_OF_PARTS = ".cluster-talks-backup-"  # the same for every file: what a killed one left goes with the next one


@dataclass(frozen=True, slots=True)
class Extras:
    """What goes into a backup besides the library and the questions of staff."""

    vectors: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made, and its size in bytes."""

    file: Path
    size: int
    manifest: Manifest


def make_backup(
    settings: Settings, file: Path, progress: Progress, extras: Extras | None = None, *, force: bool = False
) -> Made:
    """Write a backup to `file`, whole or not at all. `force`: replace a file that is there.

    Raises BadSetting for a library that is not SQLite, NotReady where there is none, Conflict where the file exists,
    BadRequest where it cannot be written, Busy where vectors are wanted and another process has them.
    """
    source = sqlite_file(settings)
    if not source.exists():
        raise NotReady("There is nothing to back up: nothing has been ingested yet.", "Run `cluster-talks ingest`.")
    _check_free(file, force)
    with beside(file, PREFIX_OF_PARTS) as folder:
        copied = folder / LIBRARY
        copy_library(source, copied, progress, secret=(extras or Extras()).secret)
        members = {LIBRARY: copied, **_others(settings, source, folder, extras or Extras(), progress)}
        manifest = pack(folder / "archive", members, _manifest(settings, copied), progress)
        (folder / "archive").chmod(0o600)
        _check_free(file, force)
        (folder / "archive").replace(file)
    return Made(file, file.stat().st_size, manifest)


def sqlite_file(settings: Settings) -> Path:
    """The file of the library. Raises BadSetting for another database."""
    url = make_url(settings.library_url)
    if url.get_backend_name() == "sqlite" and url.database:
        return Path(url.database)
    raise BadSetting(
        f"The library is a {url.get_backend_name()} database, which is not backed up here.",
        "Use its own tool: for PostgreSQL pg_dump, and pg_restore or psql to bring it back; then run "
        "`cluster-talks doctor --repair`, which builds vectors and indexes.",
    )


def _check_free(file: Path, force: bool) -> None:
    if file.is_dir():
        raise BadRequest(f"{file} is a folder.", "Give the name of a file.")
    if file.exists() and not force:
        raise Conflict(f"{file} exists already.", "Choose another name, or replace it with --force.")


def _others(settings: Settings, source: Path, folder: Path, extras: Extras, progress: Progress) -> dict[str, Path]:
    """The members besides the library, each with the file to take it from."""
    found = {"questions.jsonl": settings.data / "questions.jsonl"}
    if extras.secret:
        found["library.secret"] = source.with_suffix(".secret")
    if extras.vectors:
        found |= _vectors(settings, folder, progress)
    return {name: path for name, path in found.items() if path.exists()}


def _vectors(settings: Settings, folder: Path, progress: Progress) -> dict[str, Path]:
    from assistant.backup.carried import CHUNKS, MATRIX, write_vectors
    from assistant.wiring import DataFolder, open_stores

    owned = DataFolder(settings.data)
    if not settings.chroma_url:
        try:
            owned.own()
        except Busy as error:
            remedy = "Stop it, or leave out --with-vectors: a restore embeds the passages again."
            raise Busy(error.detail, remedy) from error
    try:
        stores = open_stores(settings)
        with closing(stores.library), closing(stores.vectors):
            write_vectors(stores, folder, progress)
    finally:
        owned.release()
    return {name: folder / name for name in (MATRIX, CHUNKS)}


def _manifest(settings: Settings, library: Path) -> Manifest:
    with closing(sqlite3.connect(library)) as db:
        rows, columns = rows_of(db), columns_of(db)
    fields = Settings.model_fields.items()
    chosen = [name for name, field in fields if getattr(settings, name) != field.get_default(call_default_factory=True)]
    return Manifest(
        format=FORMAT,
        version=__version__,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        edition=served_in(library),
        rows=rows,
        columns=columns,
        settings=[PREFIX + name.upper() for name in chosen],
        members={},
    )
