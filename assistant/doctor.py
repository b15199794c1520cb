"""Whether what is installed here works: one line a part, with what to do where it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from assistant.errors import ClusterTalksError, NotReady
from assistant.library import Library
from assistant.settings import Settings


@dataclass(frozen=True, slots=True)
class Check:
    """What was found of one part. "warning": it works, but not as it should."""

    part: str
    state: Literal["ok", "warning", "broken"]
    found: str


def examine(settings: Settings) -> Iterator[Check]:
    """Check each part of CHECKS. Opens models, but takes no lock: a running server is not disturbed."""
    for part, check in CHECKS.items():
        try:
            yield Check(part, "ok", check(settings))
        except NotReady as error:
            yield Check(part, "warning", str(error))
        except ClusterTalksError as error:
            yield Check(part, "warning" if part == "reader" else "broken", str(error))


def _edition(settings: Settings) -> str:
    if not settings.database_url and not (settings.data / "library.db").exists():
        raise NotReady("Nothing has been ingested yet.", "`make serve` or `cluster-talks ingest` does it.")
    library = Library(settings.library_url)
    try:
        edition = library.current()
    finally:
        library.close()
    return f"edition {edition.number}: {edition.documents} documents, {edition.chunks} passages"


def _embedder(settings: Settings) -> str:
    from assistant.embedders import open_embedder

    embedder = open_embedder(settings)
    return f"{embedder.name}, {len(embedder.embed_query('Who?'))} numbers a vector"


def _reader(settings: Settings) -> str:
    from assistant.reader import Text, open_reader

    reader = open_reader(settings)
    if reader is None:
        return "none is set: near misses are told from answers less well"
    reader.read("Who?", [Text("", ("Somebody.",))])
    return f"{reader.name} reads"


def _questions(settings: Settings) -> str:
    from assistant.evaluate import read_questions

    file = settings.asked
    if not file.is_file():
        raise NotReady("There are none: a new edition is served unchecked.", f"Write some in {file}.")
    return f"{len(read_questions(file))} are asked before an edition is served"


CHECKS: dict[str, Callable[[Settings], str]] = {
    "settings": lambda settings: f"data in {settings.data}, documents in {settings.corpus}",
    "library": _edition,
    "embedder": _embedder,
    "reader": _reader,
    "questions": _questions,
}
