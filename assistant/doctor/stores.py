"""Checks of what is kept: the library, the BM25 index and the vectors of the edition being served."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from assistant.doctor.warned import Warned
from assistant.errors import ClusterTalksError, NotReady
from assistant.library import Library
from assistant.library.opening import look
from assistant.library.tables import State
from assistant.records import Edition
from assistant.settings import Settings

# Chroma's own tables. Reading them needs no lock, and Chroma may have one owner only.
COUNT = """SELECT count(*) FROM embeddings
    JOIN segments ON segments.id = embeddings.segment_id JOIN collections ON collections.id = segments.collection
    WHERE collections.name = ?"""


class Damaged(ClusterTalksError):
    """A store does not hold what it should."""


def open_library(settings: Settings) -> Library:
    """The library, only to be read. Raises NotReady where there is none, Warned where it is of an older version."""
    if not settings.database_url and not (settings.data / "library.db").exists():
        raise _unusable("empty")
    opened = Library(settings.library_url, create=False)
    if (state := opened.state()) != "current":
        opened.close()
        raise _unusable(state)
    return opened


def _unusable(state: State) -> ClusterTalksError:
    if state == "empty":
        return NotReady("Nothing has been ingested yet.", "`make serve` or `cluster-talks ingest` does it.")
    return Warned("The library is of an older version.", "It will be brought up to date at the next start.")


def library(settings: Settings) -> str:
    """Whether the database is whole, and which edition is served."""
    edition = _served(settings)
    if not settings.database_url:
        _whole(settings.data / "library.db")
    return f"edition {edition.number}: {edition.documents} documents, {edition.chunks} passages"


def _served(settings: Settings) -> Edition:
    with closing(open_library(settings)) as opened:
        return opened.current()


def _whole(file: Path) -> None:
    with closing(look(file)) as db:
        (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise Damaged(f"{file} is damaged: {said}.", "Stop the server and put a backup in its place.")


def _reading(file: Path) -> sqlite3.Connection:
    """Chroma's SQLite file, not to be changed."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=5)


def words(settings: Settings) -> str:
    """Whether the BM25 index of the served edition can be opened."""
    from assistant.lexical import Lexical

    folder = settings.data / "lexical" / str(_served(settings).number)
    if not folder.is_dir():
        raise Warned("The BM25 index of the served edition is missing.", "The next start builds it.")
    try:
        Lexical(folder).close()
    except Exception as error:  # whatever the index reports
        raise Damaged("The BM25 index is damaged.", f"Stop the server, delete {folder}, and start it.") from error
    return f"the BM25 index of edition {folder.name} opens"


def vectors(settings: Settings) -> str:
    """Whether each passage of the served edition has its vector."""
    edition = _served(settings)
    count = _counted(settings, edition)
    if count != edition.chunks:
        remedy = f"Stop the server, delete {settings.data / 'vectors'}, and run `cluster-talks ingest`."
        raise Damaged(f"Edition {edition.number} has {edition.chunks} passages and {count} vectors.", remedy)
    where = "by the Chroma server" if settings.chroma_url else "in the data folder"
    return f"{count} of {edition.chunks}, kept {where}"


def _counted(settings: Settings, edition: Edition) -> int:
    if settings.chroma_url:
        return _asked_of_chroma(settings, edition)
    file = settings.data / "vectors" / "chroma.sqlite3"
    if not file.exists():
        return 0
    try:
        with closing(_reading(file)) as db:
            return int(db.execute(COUNT, (f"edition-{edition.number}-passages",)).fetchone()[0])
    except sqlite3.DatabaseError as error:
        raise Warned(f"The vectors cannot be counted: {error}.", "Ask a question to see whether they work.") from error


def _asked_of_chroma(settings: Settings, edition: Edition) -> int:
    from assistant.vectors import open_vectors

    try:
        return open_vectors(settings).open(edition).count()
    except ClusterTalksError:
        raise
    except Exception as error:  # whatever its client reports
        remedy = "Start it, or correct CLUSTER_TALKS_CHROMA_URL."
        raise Damaged(f"The Chroma server does not answer: {type(error).__name__}.", remedy) from error
