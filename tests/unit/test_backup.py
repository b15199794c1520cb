"""The file of a backup: what is in it, and that nothing that is not as it was written is restored."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sqlite3
import stat
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assistant import __version__
from assistant.backup import archive, swap
from assistant.backup.archive import _seal, open_backup
from assistant.backup.make import Extras, make_backup
from assistant.backup.manifest import FORMAT, BadBackup
from assistant.backup.restore import check_backup, restore_backup
from assistant.errors import BadRequest, BadSetting, Busy, Conflict, NotReady
from assistant.library import Library
from assistant.settings import Settings
from assistant.wiring import DataFolder
from tests.e2e.test_library import BEFORE_REVISIONS

Contents = dict[str, bytes]
Change = Callable[[Contents, dict[str, Any]], object]


def quiet(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, but those that come and go with a lock."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in ("owner", "owner.lock"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a backup and its data folder: a key, a session, a run that goes on, a secret, no edition."""
    folder = tmp_path_factory.mktemp("made")
    settings = Settings(data=folder / "data")
    settings.data.mkdir()
    with closing(Library(settings.library_url)) as library:
        key, _ = library.keys.create("Ana", "staff", "never")
        library.sessions.open(key.id, 8)
        library.runs.begin({"do": "ingest", "origins": []}, status="requested")
        library.secret.mark("request", "x")
    (settings.data / "questions.jsonl").write_text('{"question": "Who pays?", "must_include": [["EU"]]}\n')
    make_backup(settings, folder / "talks.zip", quiet)
    return folder


@pytest.fixture
def settings(made: Path, tmp_path: Path) -> Settings:
    shutil.copytree(made / "data", tmp_path / "data")
    return Settings(data=tmp_path / "data")


@pytest.fixture
def file(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made / "talks.zip", tmp_path))


def forged(file: Path, change: Change, *, twice: str = "") -> Path:
    """The backup with other members or another manifest, and the right sum over it all."""
    with zipfile.ZipFile(file) as reading:
        members = {name: reading.read(name) for name in reading.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    change(members, manifest)
    made = file.with_name("forged.zip")
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as writing:
        for name, text in {**members, "manifest.json": json.dumps(manifest).encode()}.items():
            writing.writestr(name, text)
        if twice:
            with pytest.warns(UserWarning, match="Duplicate"):
                writing.writestr(twice, members[twice])
        writing.comment = archive.MARK + bytes(64)
    _seal(made)
    return made


def told(manifest: dict[str, Any], name: str, text: bytes) -> None:
    manifest["members"][name] = {"size": len(text), "sha256": hashlib.sha256(text).hexdigest()}


def put(name: str, text: bytes) -> Change:
    def change(members: Contents, manifest: dict[str, Any]) -> None:
        members[name] = text
        told(manifest, name, text)

    return change


def sql(statement: str) -> Change:
    """A library that somebody changed, told rightly."""

    def change(members: Contents, manifest: dict[str, Any]) -> None:
        db = sqlite3.connect(":memory:")
        db.deserialize(members["library.db"])
        db.executescript(statement)
        put("library.db", db.serialize())(members, manifest)
        db.close()

    return change


# --- what is in it


def test_a_backup_holds_the_library_and_the_questions_and_says_what_they_are(settings: Settings, file: Path) -> None:
    with open_backup(file, quiet) as backup:
        manifest = backup.manifest
    assert set(manifest.members) == {"library.db", "questions.jsonl"}
    assert (manifest.format, manifest.version, manifest.edition) == (FORMAT, __version__, None)
    assert (manifest.rows["keys"], manifest.rows["runs"]) == (1, 1)
    assert manifest.settings == ["CLUSTER_TALKS_DATA"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in file.parent.iterdir()) == ["data", "talks.zip"], "no part is left"
    with zipfile.ZipFile(file) as any_program:
        assert any_program.testzip() is None


def test_sessions_stay_behind_and_a_run_that_goes_on_has_ended(settings: Settings, file: Path, tmp_path: Path) -> None:
    restored = Settings(data=tmp_path / "other")
    restore_backup(restored, file, quiet)
    with closing(sqlite3.connect(restored.data / "library.db")) as db:
        assert db.execute("SELECT count(*) FROM sessions").fetchone() == (0,)
    with closing(Library(restored.library_url)) as library:
        assert [key.name for key in library.keys.all()] == ["Ana"]
        (run,) = library.runs.latest()
        assert (run["status"], run["report"]["remedy"]) == ("failed", "Start it again.")
    assert (restored.data / "questions.jsonl").read_bytes() == (settings.data / "questions.jsonl").read_bytes()


def test_the_secret_travels_only_when_it_is_wanted(settings: Settings, file: Path, tmp_path: Path) -> None:
    secret = (settings.data / "library.secret").read_bytes()
    assert secret not in file.read_bytes()
    with_it = make_backup(settings, tmp_path / "with.zip", quiet, Extras(secret=True)).file
    other = Settings(data=tmp_path / "other")
    restore_backup(other, with_it, quiet)
    assert (other.data / "library.secret").read_bytes() == secret
    assert stat.S_IMODE((other.data / "library.secret").stat().st_mode) == 0o600


def test_what_was_deleted_is_not_in_a_backup(settings: Settings, tmp_path: Path) -> None:
    with closing(sqlite3.connect(settings.data / "library.db")) as db:
        db.execute("CREATE TABLE IF NOT EXISTS visits (address TEXT)")
        db.execute("INSERT INTO visits VALUES ('okapi-once-here', '', '', '', '', '')")
        db.commit()
        db.execute("DELETE FROM visits")
        db.commit()
    make_backup(settings, tmp_path / "talks.zip", quiet)
    with zipfile.ZipFile(tmp_path / "talks.zip") as reading:
        assert b"okapi-once-here" not in reading.read("library.db")


# --- what is refused


def refused(settings: Settings, file: Path, says: str) -> None:
    """Neither checked nor restored, and nothing changed or left anywhere."""
    before, around = contents(settings.data), sorted(settings.data.parent.iterdir())
    with pytest.raises(BadBackup, match=says) as error:
        check_backup(file, quiet)
    assert error.value.remedy
    with pytest.raises(BadBackup, match=says):
        restore_backup(settings, file, quiet, force=True)
    assert contents(settings.data) == before
    assert sorted(settings.data.parent.iterdir()) == around


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, -1, -64, -71])
def test_a_file_that_was_cut_off_is_refused(settings: Settings, file: Path, keep: float) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    refused(settings, file, "is missing|has changed")


def test_any_flipped_bit_is_noticed(file: Path) -> None:
    whole, chance = file.read_bytes(), random.Random(7)
    places = [0, 1, 10, len(whole) - 1, len(whole) - 64, len(whole) - 65, len(whole) - 72]
    for at in places + [chance.randrange(len(whole)) for _ in range(100)]:
        flipped = bytearray(whole)
        flipped[at] ^= 1 << chance.randrange(8)
        file.write_bytes(flipped)
        with pytest.raises(BadBackup, match=r"is missing|has changed"):
            check_backup(file, quiet)


BOMB = bytes(30_000_000)


def wrong_sum(members: Contents, manifest: dict[str, Any]) -> None:
    manifest["members"]["library.db"]["sha256"] = "0" * 64


def wrong_size(members: Contents, manifest: dict[str, Any]) -> None:
    manifest["members"]["library.db"]["size"] += 1


def stray(members: Contents, manifest: dict[str, Any]) -> None:
    members["../x"] = b"out"


def no_library(members: Contents, manifest: dict[str, Any]) -> None:
    del members["library.db"], manifest["members"]["library.db"]


def lost(members: Contents, manifest: dict[str, Any]) -> None:
    del members["questions.jsonl"]


FORGED: dict[str, tuple[Change, str]] = {
    "a member that leads out": (stray, "'../x', which its manifest does not name"),
    "one that its manifest names": (put("../x", b"out"), "'../x', which belongs in no backup"),
    "an absolute one": (put("/etc/x", b"out"), "'/etc/x', which belongs in no backup"),
    "a newer program": (lambda _, manifest: manifest.update(version="99.0"), "newer program .version 99.0"),
    "a newer format": (lambda _, manifest: manifest.update(format=FORMAT + 1, more=1), "newer program"),
    "no version": (lambda _, manifest: manifest.update(version="x"), "names no version"),
    "a newer library": (lambda _, manifest: manifest["columns"]["keys"].append("moon"), "the library has keys.moon"),
    "a manifest of something else": (lambda _, manifest: manifest.pop("members"), "manifest cannot be read: members"),
    "a manifest that is too long": (lambda _, manifest: manifest.update(made="x" * 2_000_000), "no manifest"),
    "a bomb": (put("questions.jsonl", BOMB), "far more than a backup can"),
    "a bomb that says it is small": (lambda members, _: members.update({"questions.jsonl": BOMB}), "not as its manifest"),
    "a wrong sum": (wrong_sum, "library.db is not as its manifest says"),
    "a wrong size": (wrong_size, "not as its manifest says"),
    "no library": (no_library, "library.db is missing"),
    "a member less": (lost, "questions.jsonl is missing"),
    "a library that is none": (put("library.db", b"SQLite format 3\0" + bytes(4096)), "library cannot be read"),
    "a library with a trigger": (sql("CREATE TRIGGER x AFTER INSERT ON keys BEGIN DELETE FROM keys; END"), "not as its"),
    "a library with another table": (sql("CREATE TABLE moon (x)"), "not as its manifest says"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_backup_is_refused(settings: Settings, file: Path, name: str) -> None:
    change, says = FORGED[name]
    refused(settings, forged(file, change), says)


def test_a_member_that_comes_twice_is_refused(settings: Settings, file: Path) -> None:
    refused(settings, forged(file, lambda members, manifest: None, twice="library.db"), "not as its manifest says")


def test_what_is_no_backup_is_refused(settings: Settings, tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as writing:
        writing.writestr("library.db", b"")
    refused(settings, other, "is no backup")


def test_an_older_library_is_brought_up_to_date(settings: Settings, tmp_path: Path) -> None:
    with closing(sqlite3.connect(settings.data / "library.db")) as db:
        db.executescript(
            BEFORE_REVISIONS + "DROP TABLE claims; DROP INDEX ix_keys_handle; ALTER TABLE keys DROP COLUMN handle"
        )
    file, other = make_backup(settings, tmp_path / "old.zip", quiet).file, Settings(data=tmp_path / "other")
    restore_backup(other, file, quiet)
    with closing(Library(other.library_url)) as library:
        assert library.state() == "current"


# --- where it is put


def test_nothing_is_overwritten_unless_it_is_wanted(settings: Settings, file: Path) -> None:
    with pytest.raises(Conflict, match="exists already"):
        make_backup(settings, file, quiet)
    file.write_bytes(b"older")
    assert make_backup(settings, file, quiet, force=True).file.read_bytes() != b"older"
    with pytest.raises(Conflict, match=r"is not empty: it holds library\.db.*--force"):
        restore_backup(settings, file, quiet)


def test_the_old_data_folder_is_kept_beside_the_new_one(settings: Settings, file: Path) -> None:
    before = contents(settings.data)
    restored = restore_backup(settings, file, quiet, force=True)
    assert restored.kept is not None
    assert restored.kept.name.startswith("data.before-restore-")
    assert contents(restored.kept) == before
    assert not (restored.kept / "owner").exists()
    assert set(contents(settings.data)) == {"library.db", "questions.jsonl"}
    assert stat.S_IMODE(settings.data.stat().st_mode) == 0o700
    DataFolder(settings.data).own()


def test_beside_a_process_that_owns_the_data_folder_nothing_is_restored(settings: Settings, file: Path) -> None:
    server = DataFolder(settings.data)
    server.own("http://127.0.0.1:8000")
    before = contents(settings.data)
    with pytest.raises(Busy, match="Another process"):
        restore_backup(settings, file, quiet, force=True)
    with pytest.raises(Busy, match="leave out --with-vectors"):
        make_backup(settings, file, quiet, Extras(vectors=True), force=True)
    assert contents(settings.data) == before
    make_backup(settings, file, quiet, force=True)
    server.release()


@pytest.mark.parametrize(
    ("more", "says"),
    [({"database_url": "postgresql+psycopg://me@db/talks"}, "pg_dump"), ({"data": Path("/proc")}, "nothing has been")],
)
def test_what_cannot_be_backed_up_is_said(tmp_path: Path, more: dict[str, Any], says: str) -> None:
    with pytest.raises((BadSetting, NotReady), match=says):
        make_backup(Settings(**{"data": tmp_path / "data", **more}), tmp_path / "talks.zip", quiet)
    assert not (tmp_path / "talks.zip").exists()


def test_a_place_that_cannot_take_a_backup_is_said(settings: Settings, file: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="is a folder"):
        make_backup(settings, tmp_path, quiet)
    with pytest.raises(BadRequest, match="cannot be written"):
        make_backup(settings, tmp_path / "nowhere" / "talks.zip", quiet)
    with pytest.raises(BadSetting, match="DATABASE_URL"):
        restore_backup(Settings(data=tmp_path / "other", database_url="postgresql://db/talks"), file, quiet)
    with pytest.raises(BadSetting, match="a disk of its own"):
        restore_backup(Settings(data=Path("/proc")), file, quiet, force=True)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("known", [True, False])
def test_two_folders_change_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool) -> None:
    if not known:
        monkeypatch.setattr(swap.ctypes, "CDLL", lambda *_, **__: object())
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        (folder / folder.name).touch()
    swap.exchange(one, other)
    assert ((one / "other").exists(), (other / "one").exists()) == (True, True)
    with pytest.raises(OSError, match="No such file"):
        swap.exchange(one, tmp_path / "nowhere")
    assert one.exists()
