"""An edition built in a process of its own: the same as one built here, and what becomes of it when a process ends."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import ClusterTalksError
from assistant.records import Filters
from assistant.wiring import open_stores
from ingest import apart
from ingest.progress import Stages
from ingest.run import open_run
from tests.faults.homes import opened, write
from tests.faults.started import Home, register_quick
from tests.serving import until

WAITING = "import os, time; open({file!r}, 'w').write(str(os.getpid())); time.sleep(20); open({file!r} + '-over', 'w')"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "COMMAND", [*apart.COMMAND])
    register_quick()


def built(home: Home, *, apart: bool) -> tuple[str | None, dict[str, np.ndarray], list[tuple[str, float]], set[str]]:
    """Of an edition with a changed page: its digest, its vectors, what its words find, and the stages that were timed."""
    write(home, 77)
    with closing((stores := open_stores(home.settings())).library), closing(stores.vectors):
        run = open_run(home.settings(), stores, None, apart=apart)
        report = run.ingest([])
        edition = stores.library.edition(report.edition)
        chunks = [chunk for chunk, _ in stores.library.all_chunks(edition.number)]
        words = stores.lexical(edition.number).search("okapi", 5, Filters())
        assert report.embedded > 0
        return edition.digest, stores.vectors.open(edition).rows(chunks), words, set(report.seconds)


def test_it_is_the_edition_that_would_be_built_here(home: Home, tmp_path: Path) -> None:
    other = Home(Path(shutil.copytree(home.folder, tmp_path / "other")))
    (digest, rows, *rest), (same, others, *like) = built(home, apart=True), built(other, apart=False)
    assert (digest, rest) == (same, like)
    assert rows.keys() == others.keys()
    assert all(np.array_equal(rows[id_], others[id_]) for id_ in rows)


def broken(home: Home) -> ClusterTalksError:
    """What a run tells that cannot build; what is served is what was, and nothing is left."""
    write(home, 77)
    with opened(home) as stores:
        served = stores.library.current()
        with pytest.raises(ClusterTalksError) as told:
            open_run(home.settings(), stores, None, apart=True).ingest([])
        assert stores.library.current() == served
        assert stores.vectors.editions() == {one.number for one in stores.library.editions() if one.status == "ready"}
        return told.value


def test_where_it_is_killed_the_run_fails_and_what_is_served_stays(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "COMMAND", [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
    error = broken(home)
    assert error.detail == "The process that builds the edition was ended (status -9)."
    assert error.title == "The edition was not built"


def test_what_it_cannot_do_is_told_as_it_would_be_here(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "COMMAND", [sys.executable, "-m", "ingest.apart"])  # it knows no quick embedder
    error = broken(home)
    assert error.detail == "There is no embedder 'quick'."
    assert error.remedy.startswith("Choose one of")


def gone(file: Path) -> bool:
    """Whether the process has ended that wrote its number there, or only its parent has still to be told."""
    status = Path(f"/proc/{file.read_text()}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_whoever_breaks_off_ends_it(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "builder"
    monkeypatch.setattr(apart, "COMMAND", [sys.executable, "-c", WAITING.format(file=str(file))])

    def stop(*_: object) -> None:
        if file.exists() and file.read_text():
            raise SystemExit

    with opened(home) as stores, pytest.raises(SystemExit):
        apart.derive_apart(home.settings())(2, stores, Stages(stop))
    assert gone(file)
    assert not (tmp_path / "builder-over").exists(), "it was waited for"


def test_it_ends_quietly_where_the_server_was_killed_before_it_said_what() -> None:
    done = subprocess.run([sys.executable, "-m", "ingest.apart"], input=b"", capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


def test_it_ends_with_the_server(tmp_path: Path) -> None:
    file = tmp_path / "builder"
    builder = (
        f"import os; from ingest.apart import _end_with; _end_with(os.getppid()); {WAITING.format(file=str(file))}"
    )
    starts = f"import subprocess; subprocess.run([{sys.executable!r}, '-c', {builder!r}])"
    with subprocess.Popen([sys.executable, "-c", starts]) as server:
        until(lambda: file.exists() and file.read_text())
        assert not gone(file)
        server.kill()
    until(lambda: gone(file), 5)
