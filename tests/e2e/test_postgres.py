"""The library on a real PostgreSQL: the flows as on SQLite, and what only a server of its own can do to them."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import create_engine, select, text

from assistant.away import Away
from assistant.errors import BadSetting, Busy, Conflict
from assistant.library import Library, tables
from assistant.library.migrations.versions.r0001_first import LATER
from assistant.library.tables import ANSWERS, POINTER, VERSIONS
from assistant.records import Chunk, Document
from assistant.settings import Settings
from assistant.vectors import open_vectors
from assistant.wiring import Stores, open_stores
from tests.cluster import Engine, make_database, started_postgres
from tests.conftest import ROOT
from tests.e2e.test_library import (  # noqa: F401 - the same tests, here on PostgreSQL
    BEFORE_REVISIONS,
    test_passages_that_are_read_one_by_one_hold_no_read_open,
    test_the_oldest_answers_and_claims_go_beyond_the_bound,
)
from tests.e2e.test_publish import (  # noqa: F401
    page,
    test_a_held_edition_is_not_embedded_again_and_an_equal_one_is_published,
    test_the_served_edition_cannot_be_retired_and_a_retired_one_not_published,
)
from tests.fakes import WordEmbedder
from tests.serving import until

CLEAN = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Engine]:
    with started_postgres() as started:
        yield started


@pytest.fixture
def url(postgres: Engine) -> str:
    """Address of an empty database."""
    made = make_database(postgres, "library")
    empty(made, CLEAN)
    return made


@pytest.fixture
def library(url: str) -> Iterator[Library]:
    with closing(Library(url)) as opened:
        yield opened


@pytest.fixture
def stores(tmp_path: Path, library: Library) -> Stores:
    settings = Settings(data=tmp_path / "data")
    settings.data.mkdir()
    return Stores(library=library, vectors=open_vectors(settings), embedder=WordEmbedder(), data=settings.data)


def empty(url: str, statement: str) -> None:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as db:
        db.execute(text(statement))
    engine.dispose()


def in_thread(act: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    return thread


# --- the schema


def test_three_that_open_an_older_library_at_once_bring_it_up_to_date_once(url: str) -> None:
    Library(url).close()
    empty(url, BEFORE_REVISIONS)
    for column in LATER:
        empty(url, f"ALTER TABLE {column.table.name} DROP COLUMN {column.name}")
    with closing(Library(url, create=False)) as looking:
        assert looking.state() == "older"
    with ThreadPoolExecutor(3) as pool:
        opened = list(pool.map(lambda _: Library(url), range(3)))
    assert [library.state() for library in opened] == ["current"] * 3
    assert len({library.secret.mark("request", "a") for library in opened}) == 1
    for library in opened:
        library.close()


def test_documents_stand_in_the_order_of_sqlite(library: Library) -> None:
    names = ["a.md", "B.md", "a-b.md", "_c.md"]
    edition = library.begin_edition("words", 64)
    for name in names:
        library.add_version(Document(name, name, name, name), name, [Chunk(name, name, name, 0, 1)])
    library.add_members(edition, names)
    assert [document.id for document in library.documents(edition)] == sorted(names)
    assert [document.id for _, document in library.all_chunks(edition)] == sorted(names)


def test_a_text_with_a_character_that_postgresql_refuses_keeps_its_length(library: Library) -> None:
    library.add_version(Document("a", "a.md", "a", "a"), "x\0y", [])
    with library._engine.connect() as db:
        assert db.execute(select(VERSIONS.c.text)).scalar() == "x\ufffdy"
        assert db.execute(select(ANSWERS).where(ANSWERS.c.id == "\0")).first() is None


@pytest.mark.parametrize("address", ["postgresql//here", "nobase://host/name"])
def test_an_address_that_is_none_is_told(address: str) -> None:
    with pytest.raises(BadSetting, match=r"postgresql://user:password@host"):
        Library(address)


# --- one publisher


def test_of_two_publishers_one_is_refused_until_the_other_has_ended(library: Library, url: str) -> None:
    with closing(Library(url)) as other:
        run = library.runs.begin({"do": "ingest", "here": True})
        with pytest.raises(Busy, match=f"Another process is publishing: run {run}, begun at"):
            other.runs.begin({"do": "ingest", "here": True})
        library.runs.update(run, status="done")
        assert other.runs.begin({"do": "ingest", "here": True}) > run


def test_a_publisher_that_is_killed_leaves_its_place(library: Library, url: str) -> None:
    script = (
        "import sys; from assistant.library import Library\n"
        "print(Library(sys.argv[1]).runs.begin({'do': 'ingest', 'here': True}), flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    run = int(cast(bytes, process.stdout and process.stdout.readline()))
    assert library.publisher.take() is False
    library.runs.resume()
    assert library.runs.one(run)["status"] == "running", "nothing is known of it while it publishes"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    until(library.publisher.take)
    library.publisher.release()
    library.runs.resume()
    assert library.runs.one(run)["status"] == "failed"


def test_every_run_is_claimed_by_one_server(library: Library, url: str) -> None:
    wanted = [library.runs.begin({"do": "ingest"}, status="requested") for _ in range(6)]
    with closing(Library(url)) as other:
        done: list[int] = []

        def serve(one: Library) -> None:
            while len(done) < len(wanted):
                if run := one.runs.claim():
                    done.append(run["id"])
                    one.runs.update(run["id"], status="done")

        for thread in [in_thread(lambda one=one: serve(one)) for one in (library, other)]:  # type: ignore[misc]
            thread.join(20)
    assert sorted(done) == wanted


def test_a_server_that_starts_leaves_alone_what_another_is_building(
    library: Library, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.wiring.open_embedder", lambda _: WordEmbedder())
    settings = Settings(data=tmp_path / "starting", database_url=url)
    edition = library.begin_edition("words", 64)
    assert library.publisher.take()
    open_stores(settings).library.close()
    assert library.edition(edition).status == "building"
    library.publisher.release()
    open_stores(settings).library.close()
    with pytest.raises(Conflict, match="was given up while it was built"):
        library.finish_edition(edition)


def test_an_edition_that_is_published_meanwhile_is_not_retired(library: Library) -> None:
    edition = library.begin_edition("words", 64)
    library.finish_edition(edition)
    said: list[str] = []

    def retire() -> None:
        try:
            library.drop_edition(edition)
        except Conflict as error:
            said.append(error.detail)

    with library._engine.begin() as db:  # as `publish` does
        tables.alone(db)
        retiring = in_thread(retire)
        retiring.join(0.5)
        assert retiring.is_alive(), "it waits"
        db.execute(POINTER.insert().values(name="current", edition=edition))
    retiring.join(10)
    assert (said, library.edition(edition).status) == ([f"Edition {edition} is being served."], "ready")


# --- a server that goes away


def test_a_restart_is_told_as_a_server_that_is_away_and_heals(library: Library, postgres: Engine) -> None:
    run = library.runs.begin({"do": "ingest", "here": True})
    with postgres.away(0):
        with pytest.raises(Away, match=r"The library database does not answer\. Try again"):
            library.newest()
        with pytest.raises(Away):
            library.runs.update(run, status="done")
        assert library.healthy() is False
    until(library.healthy)
    library.runs.claim()
    assert library.runs.one(run)["status"] == "failed", "its end could not be noted"
