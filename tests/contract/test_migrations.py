"""Libraries of earlier schemas, as `schemas/` has them: each is brought up to date, keeps its rows and answers."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, inspect

from assistant.doctor.stores import open_library
from assistant.library import Library, migrations
from assistant.library.migrations import NEWEST, REVISIONS, Unfit
from assistant.records import Question
from assistant.repair import mend
from assistant.settings import Settings
from assistant.vectors import open_vectors
from assistant.wiring import Stores
from tests.conftest import ROOT
from tests.contract.schemas.record import QUESTION
from tests.e2e.test_ingest import assistant
from tests.fakes import WordEmbedder

SCHEMAS = sorted((ROOT / "tests/contract/schemas").glob("*.sql"))
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(data=tmp_path / "data")
    made.data.mkdir()
    return made


@pytest.fixture(params=SCHEMAS, ids=lambda path: path.stem)
def file(request: pytest.FixtureRequest, settings: Settings) -> Path:
    return loaded(settings, request.param)


@pytest.fixture
def numbered(settings: Settings) -> Iterator[sqlite3.Connection]:
    """The library of before revisions, to be changed; it says that it is of the first one."""
    with closing(sqlite3.connect(loaded(settings, ROOT / "tests/contract/schemas/before_revisions.sql"))) as db:
        db.executescript("CREATE TABLE revision (version_num VARCHAR(32)); INSERT INTO revision VALUES ('0001')")
        yield db


def loaded(settings: Settings, recorded: Path) -> Path:
    file = settings.data / "library.db"
    with closing(sqlite3.connect(file)) as db:
        db.executescript(recorded.read_text(encoding="utf-8"))
    return file


def rows(file: Path) -> Rows:
    with closing(sqlite3.connect(file)) as db:
        db.row_factory = sqlite3.Row
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: list(map(dict, db.execute(f"SELECT * FROM {table} ORDER BY rowid"))) for table in tables}


def kept(before: Rows, after: Rows) -> bool:
    """Whether every row of before is there as it was, with new columns or not."""
    pairs = [pair for table in before if table != "revision" for pair in zip(before[table], after[table], strict=True)]
    return all(old.items() <= new.items() for old, new in pairs)


def shape(engine: Engine) -> dict[str, Any]:
    """The tables of a database: columns, keys and indexes."""
    known = inspect(engine)
    return {
        table: (
            sorted((c["name"], str(c["type"]), c["nullable"]) for c in known.get_columns(table)),
            known.get_pk_constraint(table)["constrained_columns"],
            sorted((key["constrained_columns"], key["referred_table"]) for key in known.get_foreign_keys(table)),
            sorted((index["name"] or "", index["unique"]) for index in known.get_indexes(table)),
        )
        for table in known.get_table_names()
    }


def shape_of(file: Path) -> dict[str, Any]:
    engine = create_engine(f"sqlite:///{file}")
    try:
        return shape(engine)
    finally:
        engine.dispose()


def test_a_recorded_library_keeps_its_rows_and_has_the_tables_of_a_new_one(file: Path, tmp_path: Path) -> None:
    before = rows(file)
    with closing(Library(f"sqlite:///{file}")) as library:
        assert library.state() == "current"
    Library(f"sqlite:///{tmp_path / 'new.db'}").close()
    assert kept(before, rows(file))
    assert shape_of(file) == shape_of(tmp_path / "new.db")
    assert not list(file.parent.glob("*.before-*")), "the copy is gone"


def test_a_recorded_library_answers_and_its_edition_has_a_digest(file: Path, settings: Settings) -> None:
    with closing(Library(settings.library_url)) as library:
        stores = Stores(library, open_vectors(settings), WordEmbedder(), settings.data)
        assert [mended.part for mended in mend(settings, stores, lambda *_: None)] == ["vectors", "words"]
        answer = assistant(stores).ask(Question(QUESTION))
        assert "eats leaves" in answer.answer
        assert re.fullmatch("[0-9a-f]{64}", library.current().digest or "")
        told = [library.answers.find(row["id"], 36_500) for row in rows(file)["answers"]]
        assert all(again and again.sentences == answer.sentences for again in told)


def test_the_newest_schema_is_recorded() -> None:
    assert f"r{NEWEST}" in {path.stem for path in SCHEMAS}, "schemas/record.py does it"
    assert sorted(set(REVISIONS)) == REVISIONS, "two revisions have the same number"


def test_a_library_of_a_newer_program_is_refused_and_stays_as_it_is(settings: Settings) -> None:
    Library(settings.library_url).close()
    file = settings.data / "library.db"
    with closing(sqlite3.connect(file)) as db:
        db.executescript("UPDATE revision SET version_num = '9999'")
    before = file.read_bytes()
    said = f"a newer program: its revision is 9999, this program knows {NEWEST}.*Install the newer version"
    for opening in (lambda: Library(settings.library_url), lambda: open_library(settings)):
        with pytest.raises(Unfit, match=said):
            opening()
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ("ALTER TABLE runs ADD COLUMN moon", "table runs is not ours: look at the column moon"),
        ("ALTER TABLE runs DROP COLUMN asked", "table runs is not ours: look at the column asked"),
        ("DROP TABLE runs; CREATE TABLE runs (asked, moon)", "table runs is not ours: look at the column created"),
    ],
)
def test_tables_of_something_else_are_left_alone(settings: Settings, change: str, column: str) -> None:
    file = loaded(settings, ROOT / "tests/contract/schemas/before_handles.sql")
    with closing(sqlite3.connect(file)) as db:
        db.executescript(change)
    before = rows(file), shape_of(file)
    with pytest.raises(Unfit, match=f"{column}.*CLUSTER_TALKS_DATABASE_URL"):
        Library(settings.library_url)
    assert (rows(file), shape_of(file)) == before


def test_a_revision_that_fails_leaves_the_library_as_it_was_and_a_copy(
    settings: Settings, numbered: sqlite3.Connection
) -> None:
    numbered.executescript("ALTER TABLE editions ADD COLUMN digest VARCHAR(64)")
    file = settings.data / "library.db"
    before = rows(file)
    with pytest.raises(Unfit, match=f"is as it was: duplicate column name: digest.*{file.name}.before-{NEWEST}"):
        Library(settings.library_url)
    copied = file.with_name(f"library.db.before-{NEWEST}")
    assert rows(file) == rows(copied) == before
    assert copied.stat().st_mode & 0o777 == 0o600
    numbered.executescript("ALTER TABLE editions DROP COLUMN digest")
    with closing(Library(settings.library_url)) as library:
        assert library.state() == "current"
    assert not copied.exists(), "the next one that succeeds clears it away"


def test_a_process_that_is_killed_amid_a_revision_leaves_the_library_as_it_was(settings: Settings) -> None:
    file = loaded(settings, ROOT / "tests/contract/schemas/before_handles.sql")
    before = shape_of(file)
    script = (
        "import os, sys; from alembic import command; from assistant.library import Library; do = command.upgrade\n"
        "command.upgrade = lambda *given: (do(*given), os.kill(os.getpid(), 9)); Library(sys.argv[1])"
    )
    assert subprocess.run([sys.executable, "-c", script, settings.library_url], cwd=ROOT, check=False).returncode == -9
    assert shape_of(file) == before
    with closing(Library(settings.library_url)) as library:
        assert library.state() == "current"
    assert not list(file.parent.glob("*.before-*")), "the copy that was left is gone"


def test_where_no_copy_can_be_made_nothing_is_done(settings: Settings, numbered: sqlite3.Connection) -> None:
    (settings.data / f"library.db.before-{NEWEST}").mkdir()
    with pytest.raises(Unfit, match=r"the library cannot be copied: .*Make room"):
        Library(settings.library_url)
    assert numbered.execute("SELECT version_num FROM revision").fetchall() == [("0001",)]


def test_alembic_is_imported_only_where_there_is_something_to_do(settings: Settings) -> None:
    loaded(settings, ROOT / "tests/contract/schemas/before_revisions.sql")
    script = (
        "import sys; from assistant.library import Library\n"
        "for url in sys.argv[1:]: Library(url).close(); print('alembic' in sys.modules)"
    )
    urls = [f"sqlite:///{settings.data}/{name}" for name in ("new.db", "new.db", "library.db", "library.db")]
    done = subprocess.run([sys.executable, "-c", script, *urls], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "True", "True"]


def test_the_revisions_are_a_chain() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(migrations.HERE))
    script = ScriptDirectory.from_config(config)
    assert [step.revision for step in script.walk_revisions()][::-1] == REVISIONS
    assert script.get_heads() == [NEWEST]
