"""The only place where settings become objects. Everything below it gets its collaborators as arguments."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from assistant.ask import Assistant
from assistant.embedders import Embedder, open_embedder
from assistant.engines import open_engine
from assistant.errors import BadSetting, Busy, ReaderBroken
from assistant.lexical import Lexical, build_lexical
from assistant.library import Library
from assistant.reader import Reader, open_reader
from assistant.retrieve import Retriever
from assistant.settings import SHIPPED, Settings, make_data
from assistant.vectors import Vectors, open_vectors


@dataclass(frozen=True)
class Stores:
    """Everything that is kept on disk, and the embedder its vectors belong to. `shipped`: where the vectors are that
    came with the corpus, if any did."""

    library: Library
    vectors: Vectors
    embedder: Embedder
    data: Path
    shipped: Path | None = None
    _building: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def lexical_folder(self, edition: int) -> Path:
        """Folder of an edition's BM25 index."""
        return self.data / "lexical" / str(edition)

    def lexical(self, edition: int) -> Lexical:
        """An edition's BM25 index, built here where another machine or a lost folder left none."""
        folder = self.lexical_folder(edition)
        with self._building:
            return Lexical(folder) if folder.is_dir() else build_lexical(folder, self.library.all_chunks(edition))

    def drop(self, edition: int) -> None:
        """Mark an edition as retired and remove what derives from the library. Raises Conflict for the served one."""
        self.library.drop_edition(edition)
        self.vectors.drop(edition)
        self.drop_here(edition)

    def discard(self, edition: int) -> None:
        """The same for one that was never finished, which nobody serves: what it takes goes first, as the disk may be
        too full for the mark."""
        self.vectors.drop(edition)
        self.drop_here(edition)
        self.library.drop_edition(edition)

    def drop_here(self, edition: int) -> None:
        """Remove of an edition what only this data folder has."""
        shutil.rmtree(self.lexical_folder(edition), ignore_errors=True)
        for outcomes in (self.data / "checked").glob(f"{edition}-*.json"):
            outcomes.unlink(missing_ok=True)


class DataFolder:
    """The data folder with its one owner: a lock file that also tells who that is and where it listens."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make_data(folder)
        self._lock = FileLock(folder / "owner.lock")
        self._note = folder / "owner"

    def own(self, address: str = "") -> None:
        """Become the owner. Raises Busy when another process is."""
        try:
            self._lock.acquire(timeout=1)  # another command may look for a moment who owns it
        except Timeout as error:
            raise Busy(
                f"Another process ({self.owner() or 'starting'}) uses {self.folder}.",
                "Stop it, or set CLUSTER_TALKS_DATA to another folder.",
            ) from error
        self._note.write_text(f"{os.getpid()} {address}", encoding="utf-8")

    def owner(self) -> str:
        """Process number and address of the owner, as it wrote them."""
        return self._note.read_text(encoding="utf-8").strip() if self._note.exists() else ""

    def served_at(self) -> str | None:
        """Address of the server that owns the folder, or None when nobody does."""
        try:
            with self._lock.acquire(timeout=0):
                return None
        except Timeout:
            return self.owner().partition(" ")[2] or None

    def release(self) -> None:
        """Let go of the folder."""
        if self._lock.is_locked:
            self._note.unlink(missing_ok=True)
            self._lock.release()


def open_stores(settings: Settings) -> Stores:
    """Library, vectors and embedder; the caller owns the data folder. Raises Away when a server does not answer."""
    stores = stores_of(settings)
    _sweep(stores)
    return stores


def stores_of(settings: Settings) -> Stores:
    """The same for a process that works for the owner of the data folder."""
    make_data(settings.data)
    library = Library(settings.library_url)  # first: where it is away, nothing else is opened again and again
    try:
        vectors, embedder = open_vectors(settings), open_embedder(settings)
    except BaseException:
        library.close()
        raise
    return Stores(library, vectors, embedder, settings.data, settings.corpus / SHIPPED)


@contextmanager
def owned_stores(settings: Settings) -> Iterator[Stores]:
    """The stores of a data folder that this process owns meanwhile. Raises Busy where another does."""
    folder = DataFolder(settings.data)
    folder.own()
    try:
        stores = open_stores(settings)
        with closing(stores.library), closing(stores.vectors):
            yield stores
    finally:
        folder.release()


def _sweep(stores: Stores) -> None:
    """Remove what a process left behind that was killed while it built or retired an edition, and word indexes of
    editions that another one retired."""
    retired = {edition.number for edition in stores.library.editions() if edition.status == "retired"}
    indexes = {int(folder.name) for folder in (stores.data / "lexical").glob("*") if folder.name.isdigit()}
    for number in indexes & retired:
        stores.drop_here(number)
    for part in (stores.data / "lexical").glob("*.part"):
        shutil.rmtree(part, ignore_errors=True)
    with stores.library.publisher.turn() as mine:
        if mine:
            building = {edition.number for edition in stores.library.editions() if edition.status == "building"}
            for number in building | (stores.vectors.editions() & retired):
                stores.discard(number)


def open_assistant(settings: Settings, stores: Stores) -> Assistant:
    """The ask flow over these stores."""
    retriever = Retriever(
        library=stores.library,
        vectors=stores.vectors,
        embedder=stores.embedder,
        open_lexical=stores.lexical,
    )
    reader, warnings = _reader(settings)
    return Assistant(
        library=stores.library,
        retriever=retriever,
        reader=reader,
        engine=open_engine(settings, stores.embedder),
        contact=settings.contact,
        warnings=warnings,
    )


def _reader(settings: Settings) -> tuple[Reader | None, tuple[str, ...]]:
    """The reader, and what is to be told where there should be one and is none."""
    try:
        return open_reader(settings), ()
    except ReaderBroken as error:
        logging.getLogger(__name__).warning("%s Questions are answered without it.", error)
        return None, (str(error),)


def plugin(name: str, group: str = "cluster_talks") -> Any:  # noqa: ANN401
    """What `ingest` or `ui` announced under this name in pyproject.toml. Raises BadSetting when it is not installed."""
    for entry in entry_points(group=group, name=name):
        return entry.load()
    raise BadSetting(f"The part {name!r} is not installed.", "Install the project again: make install.")
