"""Faults that no other test shows: a full disk, clocks that jump, what a kill leaves."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from starlette.datastructures import UploadFile

from assistant import keys
from assistant.api.uploads import _save
from assistant.ask import Assistant
from assistant.backup.make import make_backup
from assistant.errors import ClusterTalksError, Unauthorized
from assistant.runs import Runner
from ingest.build import build
from ingest.progress import Stages
from tests.conftest import ROOT
from tests.faults.homes import ASK, PARTS, answered, examined, ingested, quiet, rated, served, write
from tests.faults.started import Home
from tests.faults.work import QUESTION

REFUSED = {"question": "What will the weather be in Rome tomorrow?"}


def fill(folder: Path) -> Path:
    """A file that takes all the room there is."""
    file = os.open(folder / "filler", os.O_WRONLY | os.O_CREAT)
    with suppress(OSError):
        while True:
            os.write(file, bytes(4096))
    os.close(file)
    return folder / "filler"


def test_on_a_full_disk_everybody_is_answered_and_nothing_is_lost_and_room_heals_it(disk: Home) -> None:
    with served(disk) as (client, stores):
        assert rated(client, "before").status_code == 201
        assert answered(client, **{"Idempotency-Key": "first"}) == 1
        write(disk, 2)
        filler = fill(disk.folder)
        assert answered(client) == 1
        assert answered(client, **{"Idempotency-Key": "second"}) == 1
        assert client.post(ASK, json=REFUSED).json()["abstained"]
        told = rated(client, "meanwhile")
        assert (told.status_code, told.json()["title"]) == (503, "Nothing can be kept now")
        assert "its disk is full" in told.json()["detail"]
        assert client.get("/readyz").status_code == 200
        with pytest.raises(ClusterTalksError, match="its disk is full"):
            ingested(disk, stores)
        assert examined(disk.settings(), "disk", *PARTS) == ["broken", "ok", "ok", "ok"]
        filler.unlink()
        assert rated(client, "after").status_code == 201
        assert [row["answer"] for row in stores.library.feedback.latest()] == ["after", "before"]
        ingested(disk, stores)
        assert answered(client) == 2
    assert examined(disk.settings(), *PARTS) == ["ok", "ok", "ok"]


def test_a_secret_that_a_full_disk_does_not_take_is_made_later(disk: Home) -> None:
    with served(disk) as (client, stores):
        assert answered(client) == 1
        filler = fill(disk.folder)
        assert client.post(ASK, json=REFUSED).json()["abstained"], "the note is lost, whoever asked is answered"
        with pytest.raises(ClusterTalksError, match="cannot be written: No space left"):
            stores.library.secret.mark("request", "a")
        assert not list(disk.data.glob("library.secret*"))
        filler.unlink()
        assert stores.library.secret.mark("request", "a") == stores.library.secret.mark("request", "a")


def test_an_edition_that_a_full_disk_does_not_let_be_opened_is_told_and_room_heals_it(disk: Home) -> None:
    with served(disk) as (client, _):
        filler = fill(disk.folder)
        told = client.post(ASK, json={"question": QUESTION})
        assert (told.status_code, told.json()["title"]) == (503, "The vectors cannot be opened")
        assert "disk is full" in told.json()["detail"]
        assert "Make room" in told.json()["remedy"]
        filler.unlink()
        assert answered(client) == 1


def test_an_edition_that_fills_the_disk_leaves_it_as_it_was(disk: Home) -> None:
    with served(disk) as (_, stores):
        before = stores.library.current()
        members = stores.library.documents(before.number)

        def too_much(number: int, *_: object) -> int:
            folder = disk.data / "vectors" / str(number)
            folder.mkdir()
            fill(folder)
            raise OSError(errno.ENOSPC, "No space left on device")

        with pytest.raises(OSError, match="No space left"):
            build(members, stores, Stages(), too_much)
        assert [e.status for e in stores.library.editions()] == ["retired", "ready"]
        assert stores.vectors.editions() == {before.number}


# --- clocks


def test_a_clock_that_jumps_deletes_what_is_old_by_it_and_nothing_else(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, jumped = datetime.now(UTC), timedelta()
    with served(home) as (client, stores):
        nobody = cast(Callable[[], Assistant], None)  # who would be asked by an ingest
        runner = Runner(home.settings(), stores, nobody, clock=lambda: real + jumped)
        key, text = stores.library.keys.create("Ana", "reader", "30d")
        rated(client, "a")
        for days, left in ((0, 1), (1, 1), (-400, 1), (89, 1), (91, 0)):
            jumped = timedelta(days=days)
            runner.tidy()
            assert len(stores.library.feedback.latest()) == left, days
            assert answered(client) == 1
        monkeypatch.setattr(keys, "today", (real + jumped).date)
        with pytest.raises(Unauthorized, match="The key expired"):
            stores.library.keys.check(text)
        monkeypatch.undo()
        assert stores.library.keys.check(text).id == key.id, "with the clock the key is right again"


# --- what a kill leaves


def test_the_process_that_reads_documents_ends_without_a_word_when_its_server_is_gone() -> None:
    command = [sys.executable, "-m", "ingest.isolate", "1000000000", "60", "90"]
    with subprocess.Popen(command, cwd=ROOT, stdin=-1, stdout=-1, stderr=-1) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdout.close()  # as by a kill
        for part in (b'["a.txt", ".txt"]', b"The okapi."):
            process.stdin.write(len(part).to_bytes(8, "big") + part)
        process.stdin.close()
        assert (process.stderr.read(), process.wait(20)) == (b"", 0)


PART = """
import sys
from pathlib import Path
from assistant.beside import beside
with beside(Path(sys.argv[1]), ".cluster-talks-backup-") as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_backup_left_goes_with_the_next_one_and_not_before_it_is_dead(home: Home) -> None:
    file = home.folder / "talks.zip"
    with subprocess.Popen([sys.executable, "-c", PART, str(file)], cwd=ROOT, stdin=-1, stdout=-1) as process:
        assert process.stdout
        part = Path(process.stdout.readline().decode().strip())
        make_backup(home.settings(), file, quiet)
        assert part.is_dir(), "somebody works in it"
        process.kill()
        process.wait()
    assert part.is_dir()
    make_backup(home.settings(), file, quiet, force=True)
    assert sorted(path.name for path in home.folder.iterdir()) == ["corpus", "data", "talks.zip"]


def test_what_a_killed_upload_left_goes_with_the_next_one(tmp_path: Path) -> None:
    (tmp_path / ".upload-killed").mkdir()
    (tmp_path / ".upload-killed" / "0").write_text("half", encoding="utf-8")
    saved = _save([UploadFile(io.BytesIO(b"The okapi."))], [tmp_path / "events" / "okapi.txt"], tmp_path)
    assert saved == [(tmp_path / "events" / "okapi.txt", False)]
    assert [path.name for path in tmp_path.iterdir()] == ["events"]
