"""The folders that embedded Chroma leaves on disk when a collection is deleted: one for each of its indexes."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

STORE = "chroma.sqlite3"


def sweep(folder: Path) -> None:
    """Remove from the folder of an embedded Chroma the indexes that no collection has.

    A collection is written down before its index gets a folder, so one that is being made is never taken for left over.
    """
    folders = [path for path in folder.iterdir() if path.is_dir()]
    with closing(sqlite3.connect(f"file:{quote(str(folder / STORE))}?mode=ro", uri=True)) as store:
        known = {name for (name,) in store.execute("SELECT id FROM segments")}
    for path in folders:
        if path.name not in known:
            shutil.rmtree(path, ignore_errors=True)
