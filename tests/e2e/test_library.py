"""The library beside others: erasing while somebody reads, two starts at once, the bound of answers, the secret's file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import event, insert
from sqlalchemy.exc import IntegrityError, OperationalError

from assistant.ask import Assistant
from assistant.library import Library
from assistant.library.tables import ANSWERS, CLAIMS, KEYS, SECRETS
from assistant.records import Chunk, Document
from assistant.runs import Runner
from assistant.settings import Settings
from assistant.wiring import Stores

OLD_KEYS = """CREATE TABLE keys (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, role VARCHAR(12) NOT NULL,
    digest VARCHAR(64) NOT NULL UNIQUE, created VARCHAR(32) NOT NULL, revoked VARCHAR(32))"""
BEFORE_REVISIONS = "DROP TABLE revision; ALTER TABLE editions DROP COLUMN digest;"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "library.db"


@pytest.fixture
def library(file: Path) -> Iterator[Library]:
    with closing(Library(f"sqlite:///{file}")) as opened:
        yield opened


def held(file: Path, word: str) -> bool:
    """Whether the files of a library hold a word."""
    return any(word.encode() in side.read_bytes() for side in file.parent.glob(f"{file.name}*"))


def miss(library: Library, answer: str, question: str) -> None:
    library.missed.add(answer=answer, question=question, language="en", reason="unclear", edition=1, asker="x")


def reading(file: Path) -> sqlite3.Connection:
    """Somebody who has begun to read and goes on for long."""
    db = sqlite3.connect(file)
    db.execute("BEGIN")
    db.execute("SELECT * FROM missed").fetchall()
    return db


def old(file: Path) -> Path:
    """A library of before keys had handles."""
    with closing(sqlite3.connect(file)) as db:
        db.execute(OLD_KEYS)
    return file


# --- erasing


def test_erasing_beside_a_reader_keeps_no_writer_waiting_and_is_completed_later(library: Library, file: Path) -> None:
    miss(library, "a", "quokka")
    with closing(reading(file)), closing(sqlite3.connect(file, timeout=2)) as writer:
        erasing = threading.Thread(target=library.missed.erase, args=("a",))
        erasing.start()
        writer.execute("DELETE FROM missed WHERE answer = 'other'")
        writer.rollback()
        erasing.join(5)
        assert not erasing.is_alive(), "it does not wait for the reader"
        assert (library.settle(), held(file, "quokka")) == (False, True)
    assert (library.settle(), held(file, "quokka")) == (True, False)


def test_the_runner_completes_what_could_not_be_erased_at_once(stores: Stores) -> None:
    file, library = stores.data / "library.db", stores.library
    runner = Runner(Settings(data=stores.data), stores, lambda: cast(Assistant, None))
    miss(library, "a", "quokka")
    with library._engine.connect():  # the last one to close a file would empty the journal
        with closing(reading(file)):
            library.missed.erase("a")
            last = runner.trim()
        assert (runner.trim(last), held(file, "quokka")) == (last, True), "once a minute"
        runner.trim(last - 61)
        assert not held(file, "quokka")


def test_a_rating_that_another_replaces_leaves_the_files(library: Library, file: Path) -> None:
    said: dict[str, Any] = {"answer": "a", "rating": "down", "language": "en", "edition": 1}
    library.feedback.add(comment="numbat", **said)
    assert held(file, "numbat")
    library.feedback.add(comment="wombat", **said)
    assert ([row["comment"] for row in library.feedback.latest()], held(file, "numbat")) == (["wombat"], False)


def test_passages_that_are_read_one_by_one_hold_no_read_open(library: Library) -> None:
    for name in "ab":
        library.add_version(Document(name, name, name, name), name, [Chunk(name, name, name, 0, 1)])
    edition = library.begin_edition("words", 64)
    library.add_members(edition, ["a", "b"])
    passages = library.all_chunks(edition)
    assert next(passages)[1].id == "a"
    miss(library, "x", "quokka")
    library.missed.erase("x")
    assert library.settle()
    assert [document.id for _, document in passages] == ["b"]


# --- the bound of answers


def test_the_oldest_answers_and_claims_go_beyond_the_bound(library: Library) -> None:
    days = [f"2026-11-0{day}" for day in (3, 1, 2, 4)]
    with library._engine.begin() as db:
        db.execute(insert(ANSWERS), [{"id": day, "record": {}, "created": day} for day in days])
        db.execute(insert(CLAIMS), [{"mark": day, "answer": day, "created": day} for day in days[:3]])
    assert library.answers.trim(2) == 2 + 1
    with library._engine.connect() as db:
        assert sorted(db.execute(ANSWERS.select()).scalars()) == ["2026-11-03", "2026-11-04"]
        assert sorted(db.execute(CLAIMS.select()).scalars()) == ["2026-11-02", "2026-11-03"]
    assert library.answers.trim(2) == 0


# --- the secret


def test_the_secret_is_a_file_of_its_owner_and_not_in_the_database(library: Library, file: Path) -> None:
    mark = library.secret.mark("request", "203.0.113.7", "k")
    secret = file.with_suffix(".secret")
    assert (secret.stat().st_mode & 0o777, len(secret.read_bytes())) == (0o600, 32)
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT count(*) FROM secrets").fetchone() == (0,)
    with closing(Library(f"sqlite:///{file}")) as again:
        assert again.secret.mark("request", "203.0.113.7", "k") == mark
    assert [path.name for path in file.parent.glob("*.secret*")] == ["library.secret"], "no part is left"


def test_a_secret_of_the_database_moves_to_the_file_and_goes_on(library: Library, file: Path) -> None:
    value = b"quokka" + b"x" * 26
    with library._engine.begin() as db:
        db.execute(insert(SECRETS).values(name="marks", value=value))
    library.secret.mark("request", "a")
    assert file.with_suffix(".secret").read_bytes() == value
    assert not held(file, "quokka")


# --- old libraries


def test_two_that_open_an_old_library_at_once_both_can(file: Path) -> None:
    script = "import sys; from assistant.library import Library; sys.stdin.read(1); Library(sys.argv[1])"
    command = [sys.executable, "-c", script, f"sqlite:///{old(file)}"]
    starts = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path.cwd()) for _ in range(3)
    ]
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("BEGIN IMMEDIATE")  # they meet here
        for start in starts:
            cast(Any, start.stdin).write(b"x")
            cast(Any, start.stdin).flush()
        threading.Event().wait(3)
    ended = [start.communicate(timeout=30)[1].decode()[-500:] for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0], ended


def test_an_old_library_is_told_apart_and_brought_up_to_date(file: Path) -> None:
    url = f"sqlite:///{old(file)}"
    with closing(Library(url, create=False)) as looking:
        assert looking.state() == "older"
    with closing(Library(url)) as library:
        assert library.state() == "current"


def test_a_handle_is_of_one_key_also_where_its_index_did_not_say_so(library: Library, file: Path) -> None:
    library.close()
    with closing(sqlite3.connect(file)) as db:
        db.executescript(BEFORE_REVISIONS + "DROP INDEX ix_keys_handle; CREATE INDEX ix_keys_handle ON keys (handle)")
    key = {"name": "n", "role": "reader", "created": "2026"}
    with closing(Library(f"sqlite:///{file}")) as again:
        with again._engine.begin() as db:
            db.execute(insert(KEYS), [{**key, "digest": str(n), "handle": None} for n in range(2)])
        with pytest.raises(IntegrityError), again._engine.begin() as db:
            db.execute(insert(KEYS), [{**key, "digest": str(n), "handle": "same"} for n in range(8, 10)])


def test_looking_makes_no_file_and_writes_nothing(file: Path) -> None:
    url = f"sqlite:///{file}"
    with closing(Library(url, create=False)) as nothing, pytest.raises(OperationalError):
        nothing.state()
    assert not file.exists()
    Library(url).close()
    before = file.read_bytes()
    with closing(Library(url, create=False)) as looking:
        assert looking.state() == "current"
        with pytest.raises(OperationalError, match="readonly"):
            miss(looking, "a", "quokka")
    assert (file.read_bytes(), [path.name for path in file.parent.iterdir()]) == (before, [file.name])


def test_looking_sees_what_a_server_has_written(library: Library, file: Path) -> None:
    miss(library, "a", "Where?")
    with closing(Library(f"sqlite:///{file}", create=False)) as looking:
        assert [row["question"] for row in looking.missed.rows("")] == ["Where?"]


def test_the_edition_being_served_is_counted_once_and_followed(library: Library) -> None:
    for _ in range(2):
        library.finish_edition(library.begin_edition("words", 4))
    library.publish(1)
    assert library.current().number == 1
    asked: list[str] = []
    event.listen(library._engine, "before_cursor_execute", lambda *made: asked.append(made[2]))
    assert library.current().number == 1
    assert len(asked) == 1
    library.publish(2)
    assert library.current().number == 2
