"""A start on damaged files: what it says, and what heals it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from chromadb.api.shared_system_client import SharedSystemClient
from fastapi.testclient import TestClient
from filelock import FileLock
from rich.console import Console

from assistant import wiring
from assistant.api.app import create_app
from assistant.api.state import State
from assistant.backup.make import make_backup
from assistant.backup.restore import restore_backup
from assistant.errors import NotReady
from assistant.repair import repair
from assistant.serve import _warm_up
from tests.faults.homes import ASK, PARTS, answered, examined, quiet, served
from tests.faults.started import Home
from tests.faults.work import QUESTION
from tests.serving import until


@contextmanager
def starting(
    home: Home, monkeypatch: pytest.MonkeyPatch, page: Callable[..., None] = lambda *_: None
) -> Iterator[TestClient]:
    """A server that is ready, or whose start failed; `page` makes the chat page, which keeps nothing."""
    announced = wiring.plugin
    monkeypatch.setattr(wiring, "plugin", lambda name: page if name == "page" else announced(name))
    monkeypatch.setattr(wiring, "FileLock", partial(FileLock, thread_local=False))  # taken by one, let go by another
    state, console = State(home.settings()), Console(quiet=True)
    app = create_app(state, lambda state, app: _warm_up(home.settings(), console, state, app, "http://here"))
    with TestClient(app) as client:
        until(lambda: state.ready or state.failure, 30)
        yield client
        app.state.drain.begin()
    SharedSystemClient.clear_system_cache()  # as the end of the process does


def test_what_a_killed_upload_left_is_gone_after_the_start(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    (left := home.corpus / ".upload-killed").mkdir()
    (left / "0").write_text("half", encoding="utf-8")
    with starting(home, monkeypatch):
        assert not left.exists()


def test_a_page_that_cannot_be_made_is_told_and_questions_are_answered(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise NotReady("The page cannot be made.")

    with starting(home, monkeypatch, broken) as client:
        until(lambda: client.get("/readyz").json()["failure"], 30)
        told = client.get("/readyz").json()
        assert (told["status"], told["page"], told["failure"]) == ("ready", False, "The page cannot be made.")
        assert client.get("/readyz?page=true").status_code == 503
        assert "The documents are being prepared" in client.get("/").text
        assert answered(client) == 1


def nothing(home: Home) -> None:
    """It heals by itself."""


def mended(home: Home) -> None:
    repair(home.settings(), quiet)


def restored(home: Home) -> None:
    restore_backup(home.settings(), home.folder / "talks.zip", quiet, force=True)


def no_words(home: Home) -> None:
    shutil.rmtree(home.data / "lexical")


def half_an_index(home: Home) -> None:
    (home.data / "lexical" / "7.part").mkdir()


def no_vectors(home: Home) -> None:
    shutil.rmtree(home.data / "vectors")


def cut_words(home: Home) -> None:
    for file in (home.data / "lexical" / "1").glob("*.term"):
        file.write_bytes(file.read_bytes()[:-20])


def broken_page(home: Home) -> None:
    for side in home.data.glob("library.db-*"):
        side.unlink()
    with (home.data / "library.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"x" * 30_000)


LOOK = "`cluster-talks doctor` tells what to mend."
STARTS: dict[Callable[[Home], None], tuple[str, Callable[[Home], None]]] = {  # what is told, and what heals it
    no_words: ("", nothing),
    half_an_index: ("", nothing),
    no_vectors: ("The vectors of edition 1 are missing. Run `cluster-talks doctor --repair`.", mended),
    cut_words: (LOOK, mended),
    broken_page: (LOOK, restored),
}


@pytest.mark.parametrize("damage", STARTS)
def test_a_start_on_damaged_files_says_what_to_do_and_is_well_when_that_is_done(
    home: Home, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Home], None]
) -> None:
    says, heal = STARTS[damage]
    make_backup(home.settings(), home.folder / "talks.zip", quiet)
    damage(home)
    with starting(home, monkeypatch) as client:
        told = client.get("/readyz").json()
        asked = client.post(ASK, json={"question": QUESTION})
    assert says in (told["failure"] or "")
    assert (asked.status_code, told["status"]) == ((503, "failed") if says else (200, "ready"))
    assert bool(says) == ("broken" in examined(home.settings(), *PARTS))
    heal(home)
    assert examined(home.settings(), *PARTS) == ["ok", "ok", "ok"]
    with served(home) as (client, _):
        assert answered(client) == 1
    assert [path.name for path in (home.data / "lexical").iterdir()] == ["1"]


def test_a_disk_that_may_only_be_read_stops_the_start_and_is_told(disk: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk.folder)], check=True)
    with starting(disk, monkeypatch) as client:
        assert LOOK in client.get("/readyz").json()["failure"]
    assert examined(disk.settings(), "folder", "library") == ["broken", "ok"]
    subprocess.run(["mount", "-o", "remount,rw", str(disk.folder)], check=True)
    with served(disk) as (client, _):
        assert answered(client) == 1
