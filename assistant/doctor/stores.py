"""Checks of what is kept: the library, and the BM25 indexes and vectors of the editions that can be served."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from assistant.doctor import on_disk
from assistant.doctor.warned import Warned
from assistant.errors import ClusterTalksError, NotReady
from assistant.library import Library
from assistant.library.opening import look
from assistant.library.tables import State
from assistant.records import Edition, Level, vector_counts
from assistant.settings import Settings
from assistant.split import STORE

REPAIR = "Stop the server and run `cluster-talks doctor --repair`"


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
        whole(settings.data / "library.db")
    return f"edition {edition.number}: {edition.documents} documents, {edition.chunks} passages"


def _served(settings: Settings) -> Edition:
    with closing(open_library(settings)) as opened:
        return opened.current()


def whole(file: Path) -> None:
    """Raise Damaged where an SQLite library is."""
    with closing(look(file)) as db:
        (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise Damaged(f"{file} is damaged: {said}.", "Stop the server and run `cluster-talks restore FILE --force`.")


def words(settings: Settings) -> str:
    """Whether the BM25 index of the served edition is there, and those that are there are whole."""
    from assistant.lexical import Lexical

    served, *others = _kept(settings)
    folder = settings.data / "lexical" / str(served.number)
    if not folder.is_dir():
        raise Warned("The BM25 index of the served edition is missing.", f"The next start builds it. Or: {REPAIR}.")
    for edition in (served, *others):
        there = folder.with_name(str(edition.number))
        if there.is_dir() and (fault := on_disk.words_fault(there, edition.chunks)):
            raise Damaged(f"Edition {edition.number} {fault}.", f"{REPAIR}, or delete {there} and start it.")
    try:
        Lexical(folder).close()
    except Exception as error:  # whatever the index reports
        raise Damaged("The BM25 index is damaged.", f"{REPAIR}.") from error
    return f"the BM25 index of edition {folder.name} opens"


def _kept(settings: Settings) -> list[Edition]:
    """The editions that can be served as the one that is, which comes first."""
    with closing(open_library(settings)) as opened:
        served = opened.current()
        return [served, *(edition for edition in opened.ready(served.embedder) if edition.number != served.number)]


def vectors(settings: Settings) -> str:
    """Whether each passage of these editions has its vectors."""
    if not settings.chroma_url and (settings.data / "vectors" / STORE).exists():
        raise Warned("The vectors are of an older version.", "They will be brought up to date at the next start.")
    served, *others = _kept(settings)
    for edition in (served, *others):
        if fault := _fault(settings, edition):
            raise Damaged(f"Edition {edition.number} {fault}.", f"{REPAIR}.")
    where = "by the Chroma server" if settings.chroma_url else "in the data folder"
    return f"{served.chunks} of {served.chunks}, kept {where}"


def _fault(settings: Settings, edition: Edition) -> str:
    with closing(open_library(settings)) as opened:
        wanted = vector_counts(opened.all_chunks(edition.number))
    if settings.chroma_url:
        return on_disk.too_few(_asked_of_chroma(settings, edition), wanted)
    store = settings.data / "vectors" / str(edition.number)
    try:
        return on_disk.store_fault(store) or on_disk.vectors_fault(store, edition.number, wanted)
    except sqlite3.DatabaseError as error:
        raise Warned(f"The vectors cannot be counted: {error}.", "Ask a question to see whether they work.") from error


def _asked_of_chroma(settings: Settings, edition: Edition) -> dict[Level, int]:
    from assistant.vectors import open_vectors

    try:
        return open_vectors(settings).open(edition).counts()
    except ClusterTalksError:
        raise
    except Exception as error:  # whatever its client reports
        remedy = "Start it, or correct CLUSTER_TALKS_CHROMA_URL."
        raise Damaged(f"The Chroma server does not answer: {type(error).__name__}.", remedy) from error
