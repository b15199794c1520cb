"""`cluster-talks doctor`: what it finds, what to do about it, and that looking changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assistant import doctor
from assistant.doctor import CHECKS, Check, machine
from assistant.library import Library
from assistant.settings import Settings
from assistant.vectors import open_vectors
from assistant.wiring import DataFolder, Stores, plugin
from tests.conftest import ROOT, Server, cluster_talks, copy_small_corpus, environment
from tests.e2e.test_library import BEFORE_REVISIONS
from tests.fakes import WordEmbedder

BESIDE = {**dict.fromkeys(CHECKS, "ok"), "questions": "warning"}


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and corpus, one edition in it."""
    folder = tmp_path_factory.mktemp("ingested")
    settings = Settings(data=folder / "data", corpus=copy_small_corpus(folder / "corpus"))
    settings.data.mkdir()
    stores = Stores(Library(settings.library_url), open_vectors(settings), WordEmbedder(), settings.data)
    plugin("ingest")(settings, stores, None, lambda stage, done, total: None).ingest([])
    stores.library.close()
    return folder


@pytest.fixture
def folder(ingested: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(ingested, tmp_path / "copy"))


def settings_of(folder: Path, **more: Any) -> Settings:
    return Settings(data=folder / "data", corpus=folder / "corpus", **more)


def check(part: str, settings: Settings) -> Check:
    return doctor._examined(part, CHECKS[part], settings)


# --- the command


def test_beside_a_running_server_every_part_is_examined_and_the_server_goes_on(server: Server) -> None:
    done = cluster_talks("doctor", "--json", env=server.environment())
    assert done.returncode == 0, done.stderr
    checks = {found["part"]: found for found in json.loads(done.stdout)}
    assert {part: found["state"] for part, found in checks.items()} == BESIDE
    assert checks["port"]["found"] == f"a server of this folder runs at {server.address}"
    assert checks["questions"]["remedy"].startswith("Write some in ")
    with server.client() as client:
        assert client.get("/readyz").status_code == 200
        assert client.post("/api/v1/ask", json={"question": "Who spoke at the Talk?"}).status_code == 200


def test_where_nothing_is_yet_it_says_what_to_do_and_makes_nothing(tmp_path: Path) -> None:
    env = environment(tmp_path / "none", tmp_path / "nowhere", CLUSTER_TALKS_EMBEDDER="nothing")
    done = cluster_talks("doctor", env=env)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("warning  library"))
    assert lines[at].endswith("Nothing has been ingested yet.")
    assert lines[at + 1].strip() == "`make serve` or `cluster-talks ingest` does it."
    assert "There is no embedder 'nothing'" in done.stdout
    assert {path.name for path in (tmp_path / "none").glob("*")} <= {"models"}, "no store was made"


# --- parts


@pytest.mark.parametrize("part", [part for part in CHECKS if part not in ("port", "questions", "embedder", "reader")])
def test_all_is_well_where_all_is_well(ingested: Path, part: str) -> None:
    assert check(part, settings_of(ingested)).state == "ok"


def test_the_questions_that_check_an_edition_are_counted() -> None:
    found = check("questions", Settings(questions=ROOT / "tests/quality/golden.jsonl"))
    assert (found.state, found.found) == ("ok", "160 are asked before an edition is served")


def no_vectors(data: Path) -> None:
    shutil.rmtree(data / "vectors")


def no_words(data: Path) -> None:
    shutil.rmtree(data / "lexical")


def broken_words(data: Path) -> None:
    (data / "lexical" / "1" / "meta.json").write_text("{", encoding="utf-8")


def broken_library(data: Path) -> None:
    for side in data.glob("library.db-*"):
        side.unlink()
    with (data / "library.db").open("r+b") as file:
        file.seek(8192)
        file.write(b"x" * 20000)


@pytest.mark.parametrize(
    ("damage", "part", "state", "says"),
    [
        (no_vectors, "vectors", "broken", "passages and 0 vectors"),
        (no_words, "words", "warning", "The next start builds it"),
        (broken_words, "words", "broken", "delete "),
        (broken_library, "library", "broken", ""),
    ],
)
def test_a_damaged_store_is_found(
    folder: Path, damage: Callable[[Path], None], part: str, state: str, says: str
) -> None:
    damage(folder / "data")
    found = check(part, settings_of(folder))
    assert found.state == state
    assert says in f"{found.found} {found.remedy}"
    assert found.remedy


def test_a_library_that_every_user_can_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / "data" / "library.db"
    file.chmod(0o640)
    assert not machine._open_to_all(file)
    file.chmod(0o644)
    reachable = all(above.stat().st_mode & 1 for above in file.parents)
    assert machine._open_to_all(file) is reachable
    monkeypatch.setattr(machine, "_open_to_all", lambda file: True)
    found = check("folder", settings_of(folder))
    assert (found.state, found.remedy) == ("warning", f"chmod -R o-rwx {folder / 'data'}")


def test_a_folder_that_cannot_be_written_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    found = check("folder", settings_of(folder))
    assert (found.state, found.found) == ("broken", f"{folder / 'data'} cannot be written.")


@pytest.mark.parametrize(
    ("free", "state"), [(machine.FULL - 1, "broken"), (machine.LEAST - 1, "warning"), (10**11, "ok")]
)
def test_room_for_another_edition_is_looked_for(
    ingested: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 0, free))  # type: ignore[attr-defined]
    assert check("disk", settings_of(ingested)).state == state


def test_a_clock_behind_what_is_written_here_is_told(ingested: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert check("clock", settings_of(ingested)).state == "warning"


def test_packages_that_are_missing_or_too_old_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = ["numpy>=999", "no-such-package", 'only-for-tests; extra == "test"', "httpx>=0.1"]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: needed)
    found = check("packages", Settings())
    assert found.state == "broken"
    assert "numpy is " in found.found
    assert "no-such-package is missing" in found.found
    assert "only-for-tests" not in found.found
    assert "httpx" not in found.found


def test_a_port_that_is_taken_is_told_and_one_that_our_server_has_is_not(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = settings_of(folder, port=other.getsockname()[1])
        taken = check("port", settings)
        owner = DataFolder(folder / "data")
        owner.own(f"http://127.0.0.1:{settings.port}")
        ours = check("port", settings)
        owner.release()
    assert (taken.state, ours.state) == ("warning", "ok")
    assert "CLUSTER_TALKS_PORT" in taken.remedy


def test_what_a_killed_server_left_is_no_server_that_runs(folder: Path) -> None:
    (folder / "data" / "owner").write_text(f"1 http://127.0.0.1:{nobody()}", encoding="utf-8")
    assert check("port", settings_of(folder, port=nobody())).found.endswith("is free")


def test_looking_at_the_port_leaves_the_lock_of_the_folder_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[object] = []
    monkeypatch.setattr("filelock.FileLock.acquire", lambda lock, **given: taken.append(lock))
    check("port", settings_of(folder, port=nobody()))
    assert not taken


def contents(data: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in data.rglob("*") if path.is_file()}


def test_a_library_of_before_is_told_and_left_as_it_is(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "data" / "library.db")) as db:
        db.executescript(
            BEFORE_REVISIONS + "DROP TABLE claims; DROP INDEX ix_keys_handle; ALTER TABLE keys DROP COLUMN handle"
        )
    before = contents(folder / "data")
    for part in ("library", "keys", "words", "vectors"):
        found = check(part, settings_of(folder))
        assert (found.state, found.remedy) == ("warning", "It will be brought up to date at the next start.")
    assert contents(folder / "data") == before


def test_a_database_by_address_that_is_empty_stays_empty(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "empty.db"
    file.touch()
    found = check("library", settings_of(folder, database_url=f"sqlite:///{file}"))
    assert (found.state, found.found) == ("warning", "Nothing has been ingested yet.")
    assert file.read_bytes() == b""


@pytest.mark.parametrize(
    ("keys", "settings", "state", "says"),
    [
        ([], {}, "ok", "0 of 0 are accepted"),
        ([], {"host": "0.0.0.0"}, "broken", "no maintainer's key"),
        ([("staff", "never")], {"host": "0.0.0.0"}, "broken", "no maintainer's key"),
        ([("maintainer", "never")], {"host": "0.0.0.0"}, "ok", "1 of 1"),
        ([], {"require_key": True}, "broken", "nobody could ask"),
        ([("reader", "never")], {"require_key": True}, "ok", "1 of 1"),
        ([("reader", "never"), ("staff", "5d")], {}, "warning", "Soon to expire: staff (2, "),
    ],
)
def test_keys_are_looked_at_for_the_start_and_for_their_end(
    folder: Path, keys: list[tuple[str, str]], settings: dict[str, Any], state: str, says: str
) -> None:
    with closing(Library(settings_of(folder).library_url)) as library:
        for role, expires in keys:
            library.keys.create(role, role, expires)
    found = check("keys", settings_of(folder, **settings))
    assert (found.state, says in found.found) == (state, True), found


def nobody() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_a_redis_that_does_not_answer_is_told_without_its_password() -> None:
    found = check("redis", Settings(redis_url=f"redis://me:secret@127.0.0.1:{nobody()}/0"))
    assert found.state == "warning"
    assert "127.0.0.1" in found.found
    assert "secret" not in f"{found.found} {found.remedy}"


@pytest.mark.parametrize(
    ("endpoint", "state"),
    [("", "ok"), ("collector:4318", "broken"), ("ftp://collector", "broken"), ("http://127.0.0.1:{nobody}", "warning")],
)
def test_the_address_of_the_collector_is_tried(endpoint: str, state: str) -> None:
    found = check("traces", Settings(otlp_endpoint=endpoint.format(nobody=nobody())))
    assert found.state == state, found


def test_a_chroma_server_that_does_not_answer_is_told(folder: Path) -> None:
    found = check("vectors", settings_of(folder, chroma_url=f"http://127.0.0.1:{nobody()}"))
    assert (found.state, "CLUSTER_TALKS_CHROMA_URL" in found.remedy) == ("broken", True), found


def test_a_check_that_breaks_leaves_the_others(monkeypatch: pytest.MonkeyPatch, ingested: Path) -> None:
    monkeypatch.setattr(doctor, "CHECKS", {"first": lambda settings: str(1 // 0), "second": lambda settings: "well"})
    first, second = doctor.examine(settings_of(ingested))
    assert (first.state, first.found) == ("broken", "ZeroDivisionError: integer division or modulo by zero")
    assert second == Check("second", "ok", "well")
