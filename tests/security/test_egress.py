"""Nobody is called: a real server, from its first start on, in a network without a way out, and with its sockets heard.

Two things hear: `ear.py` whom each Python process calls, and, where the machine lets a user have a network of his own,
the kernel that counts what found no way out, from libraries in other languages too. `shut_in.py` is what the server
does meanwhile. The page itself is held by tests/browser, where every visit fails on a request to another host.
EGRESS_SECONDS=600 waits so long at the end, for a library that calls only after a while.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.security.shut_in import LONGER, NOBODY, QUESTIONS

SAMPLES = (
    "agentura.html",
    "handbook.pdf",
    "leitfaden.docx",
    "manual.epub",
    "outlook.eml",
    "seance.pptx",
    "zakazky.xlsx",
    "zoom.vtt",
)
TALK = "# Talk\n\nThe EU Clusters Talk on innovation procurement took place on 13 September 2023.\n"
OWN_NETWORK = ("unshare", "--map-root-user", "--net")
PROGRAMS = {sys.executable, "fc-list"}  # ourselves; the fonts of this machine, for a library of Gradio's
HERE = (None, "", "localhost", "127.0.0.1", "::1")


@cache
def alone() -> bool:
    """Whether a process may have a network of its own here."""
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*OWN_NETWORK, "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What was heard, counted and answered."""
    folder = tmp_path_factory.mktemp("shut-in")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "talk.md").write_text(TALK)
    for name in SAMPLES:
        shutil.copy(ROOT / "tests/contract/samples" / name, folder / "corpus")
    shutil.copy(ROOT / "tests/security/ear.py", folder / "sitecustomize.py")
    os.mkfifo(folder / "heard")
    command = [*OWN_NETWORK * alone(), sys.executable, ROOT / "tests/security/shut_in.py", folder, *["alone"] * alone()]
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ
    }  # nothing that switches calls off
    env = {**kept, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT))), "EGRESS_SECONDS": str(LONGER)}
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=300 + LONGER, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def called(part: dict[str, Any]) -> set[str]:
    """Whom a Python process looked up or called, but for this machine."""
    asked = {whom for _, event, whom in part["heard"] if event.startswith("socket.") and whom not in HERE}
    return {whom for whom in asked if not whom.startswith(("/", "\0"))}  # sockets in the file system


def test_nobody_is_called(day: dict[str, Any]) -> None:
    assert called(day["quiet"]) == set()


def test_no_library_in_another_language_calls_anybody(day: dict[str, Any]) -> None:
    if not alone():
        pytest.skip("This machine gives a user no network of his own.")
    assert day["quiet"]["not_sent"] == 0


def test_every_process_was_heard_and_no_other_program_was_started(day: dict[str, Any]) -> None:
    begun = [whom for _, event, whom in day["quiet"]["heard"] if event == "start"]
    started = {whom for _, event, whom in day["quiet"]["heard"] if not event.startswith("socket.") and event != "start"}
    assert [part for part in ("assistant.cli serve", "ingest.isolate") if not any(part in whom for whom in begun)] == []
    assert sys.executable in started
    assert started - PROGRAMS == set()


def test_meanwhile_everything_was_used(day: dict[str, Any]) -> None:
    answered = day["quiet"]["answered"]
    asked = [*(f"ask-{language}" for language in QUESTIONS), "stream", "search", "mcp", "openai", "page-ask"]
    assert [step for step in asked if "13 September 2023" not in answered[step]] == []
    assert {document["uri"] for document in json.loads(answered["sources"])["documents"]} == {"talk.md", *SAMPLES}
    assert [step for step, text in answered.items() if step.startswith("staff") and "Log out" not in text] == []


def test_a_call_would_be_heard_and_counted(day: dict[str, Any]) -> None:
    assert called(day["loud"]) == {NOBODY}
    if alone():
        assert day["quiet"]["not_sent"] < day["loud"]["not_sent"] < day["native"]
