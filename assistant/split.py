"""Copies of Chroma's stores: of one for a new edition, and of that in which older versions kept all editions, which
each of them gets as its own."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

STORE = "chroma.sqlite3"


def split(folder: Path) -> None:
    """Make stores of their own of the editions of one in `folder`; can be done again where it was broken off.

    A store that cannot be read is removed: `doctor --repair` builds it anew.
    """
    if not (folder / STORE).exists():
        return
    old = [path for path in folder.iterdir() if not path.name.isdigit() and not path.name.endswith(".part")]
    for number in _editions(folder / STORE):
        part = folder / f"{number}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        for path in old:
            (shutil.copytree if path.is_dir() else shutil.copy2)(path, part / path.name)
        shutil.rmtree(folder / str(number), ignore_errors=True)
        part.rename(folder / str(number))
    # What tells that there is something to do goes last.
    for path in sorted(old, key=lambda path: path.name == STORE):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def copy_store(old: Path, new: Path) -> None:
    """Copy a store, which others may have open: they write to its SQLite file even to read."""
    shutil.copytree(old, new, ignore=shutil.ignore_patterns(f"{STORE}*"))
    with closing(reading(old / STORE)) as db, closing(sqlite3.connect(new / STORE)) as copy:
        db.backup(copy)


def reading(store: Path) -> sqlite3.Connection:
    """Chroma's SQLite file, not to be changed."""
    return sqlite3.connect(f"file:{quote(str(store.absolute()))}?mode=ro", uri=True)


def _editions(store: Path) -> set[int]:
    try:
        with closing(reading(store)) as db:
            return {int(name.split("-")[1]) for (name,) in db.execute("SELECT name FROM collections")}
    except sqlite3.DatabaseError:
        return set()
