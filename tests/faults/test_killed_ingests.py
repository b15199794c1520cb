"""The command `ingest`, killed at random moments: what is served stays whole, and it can be done again."""

from __future__ import annotations

import random
import time

from assistant.library import Library
from assistant.settings import Settings
from assistant.vectors import open_vectors
from tests.faults.started import Home
from tests.faults.work import OKAPI

KILLS = 10
NEW = tuple(f"events/new-{number}.md" for number in range(30))


def state(settings: Settings) -> tuple[int, dict[str, str]]:
    """The served edition, and the digest of each document in it."""
    library = Library(settings.library_url)
    served = library.current().number
    documents = {document.uri: document.digest for document in library.documents(served)}
    library.close()
    return served, documents


def test_an_ingest_killed_at_any_moment_leaves_what_is_served_and_can_be_done_again(home: Home) -> None:
    chance, whole, killed = random.Random(5), 60.0, 0  # the first says how long it takes, or one that takes less
    assert home.start("ingest", "--plan").wait() == 0  # what the others are forked from is there now
    for number in range(KILLS + 1):
        _write(home, number)
        before, documents = state(home.settings())
        run, began = home.start("ingest"), time.monotonic()
        run.wait(chance.uniform(0.1, 0.9) * whole if number else whole)
        if run.process.is_alive():
            killed += 1
        else:
            whole = min(whole, time.monotonic() - began)
        run.kill(group=True)
        after, now = state(home.settings())
        changed = {uri for uri in now if now[uri] != documents.get(uri)}
        assert changed == (set(NEW) if after != before else set()), "half an edition is served"
    assert killed >= KILLS // 2, "they had not ended"
    assert home.start("ingest").wait() == 0, (home.folder / "out").read_text(encoding="utf-8")
    _nothing_is_left_over(home.settings(), state(home.settings())[0])


def _write(home: Home, number: int) -> None:
    for page, uri in enumerate(NEW):
        (home.corpus / uri).write_text(OKAPI.format(count=1000 * number + page), encoding="utf-8")


def _nothing_is_left_over(settings: Settings, served: int) -> None:
    library, vectors = Library(settings.library_url), open_vectors(settings)
    ready = {edition.number for edition in library.editions() if edition.status == "ready"}
    assert vectors.editions() == ready
    assert {int(folder.name) for folder in (settings.data / "lexical").iterdir()} == ready
    edition = library.edition(served)
    assert vectors.open(edition).count() == edition.chunks == len(library.chunk_ids(served))
    library.close()
