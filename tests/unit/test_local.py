"""The engine `local:` with its real runtime and a real model: it writes, stops, heals, and says what it cannot use."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from assistant.engines.local import LocalModel, open_local, pause_after, worker
from assistant.engines.local.child import GIVEN, LOADING, MOST, Child
from assistant.engines.local.file import ModelFile
from assistant.engines.local.worker import digest
from assistant.engines.model import ModelFailed, Prompt
from assistant.errors import BadSetting
from tests.serving import until
from tests.smollm import smollm

CAPITAL = Prompt("Answer in one short sentence.", "What is the capital of France?", 12)
STORY = Prompt("You tell stories.", "Tell a long story about a ship.", 2_000)
LONG = "There was a ship on the sea. " * 300
WAIT = 60


@pytest.fixture(scope="module")
def model() -> Iterator[LocalModel]:
    opened = open_local(str(smollm()), "")
    opened.wait(WAIT)
    yield opened
    opened.close()


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    file = tmp_path / "damaged.gguf"
    file.write_bytes(b"GGUF\x03\0\0\0" + bytes(range(256)) * 100)
    return file


def running(model: LocalModel) -> int:
    assert model._child
    return model._child.pid


def written(model: LocalModel, prompt: Prompt = CAPITAL) -> str:
    return "".join(model.write(prompt))


def failure(model: LocalModel) -> str:
    with pytest.raises(ModelFailed) as failed:
        written(model)
    return str(failed.value)


def test_it_writes_with_the_template_of_the_model(model: LocalModel) -> None:
    assert model.name == "local:SmolLM2-135M-Instruct.Q4_1.gguf"
    assert "Paris" in written(model)
    assert written(model) == written(model)


def test_what_is_written_comes_piece_by_piece_and_ends_when_nobody_reads_on(model: LocalModel) -> None:
    story = model.write(STORY)
    begun = [next(filter(None, story)) for _ in range(3)]
    assert len(begun) == 3
    story.close()  # type: ignore[attr-defined]
    assert "Paris" in written(model)


def test_a_prompt_that_is_too_long_is_told(model: LocalModel) -> None:
    with pytest.raises(ModelFailed, match="exceeds the available context"):
        written(model, Prompt("Answer.", LONG * 5, 12))


def test_some_wait_for_their_turn_and_more_are_refused(model: LocalModel) -> None:
    stories = [model.write(STORY) for _ in range(MOST)]
    for story in stories:
        next(story)
    assert failure(model) == "4 answers are being written or waited for."
    for story in stories:
        story.close()  # type: ignore[attr-defined]
    assert "Paris" in written(model)


def test_a_killed_process_costs_one_answer(model: LocalModel) -> None:
    story, before = model.write(STORY), running(model)
    next(filter(None, story))
    os.kill(before, signal.SIGKILL)
    with pytest.raises(ModelFailed, match=r"The process of the model broke off \(SIGKILL\)\."):
        list(story)
    model.wait(WAIT)
    assert "Paris" in written(model)
    assert running(model) != before


def test_a_signal_to_the_whole_group_leaves_the_answer_to_its_end(model: LocalModel) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(running(model), number)
    assert "Paris" in written(model)


def test_nobody_can_reach_the_runtime_and_it_knows_no_setting(
    model: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTER_TALKS_MODEL_KEY", "secret")
    child = Child(ModelFile(smollm()))
    try:
        assert b"secret" not in Path(f"/proc/{child.pid}/environ").read_bytes()
    finally:
        child.end()
    sockets = {str(link.readlink())[8:-1] for link in Path(f"/proc/{running(model)}/fd").iterdir()}
    listed = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    assert sockets.isdisjoint({line[9] for line in listed if len(line) > 9})
    paths = [line.split()[7] for line in Path("/proc/net/unix").read_text().splitlines() if line.split()[6] in sockets]
    assert [path for path in paths if Path(path).exists()] == []


def test_it_says_that_it_loads_and_that_a_file_is_damaged_and_tries_again(
    damaged: Path, caplog: pytest.LogCaptureFixture
) -> None:
    opened = open_local(str(damaged), "")
    try:
        assert failure(opened) == LOADING
        until(lambda: failure(opened) != LOADING)
        assert failure(opened).startswith(worker.UNUSABLE)
        until(lambda: caplog.text.count("cannot be loaded") > 1)
    finally:
        opened.close()


def test_each_start_that_fails_makes_the_next_one_wait_longer() -> None:
    pauses = [0.0]
    for _ in range(10):
        pauses.append(pause_after(pauses[-1], lived=2))
    assert pauses == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert pause_after(300, lived=3_600) == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "names no file. Write it as local:/path/to/model.gguf."),
        ("missing.gguf", "cannot be read: No such file or directory. Write it as"),
        (".", "cannot be read: Is a directory."),
        ("notes.gguf", "is no GGUF file. Choose a model in this format"),
    ],
)
def test_what_is_no_model_is_refused_at_the_start(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "notes.gguf").write_text("Notes")
    with pytest.raises(BadSetting) as refused:
        open_local(str(tmp_path / name) if name else "", "")
    assert said in str(refused.value)


def test_another_file_than_the_pinned_one_is_refused_with_both_sums(damaged: Path) -> None:
    pin = "ab" * 32
    with pytest.raises(BadSetting) as refused:
        open_local(str(damaged), pin)
    assert pin in str(refused.value)
    assert digest(damaged) in str(refused.value)
    with pytest.raises(BadSetting, match="It has 64 hexadecimal digits"):
        open_local(str(damaged), "abc")


def test_a_file_that_was_changed_since_the_start_is_not_loaded(damaged: Path) -> None:
    child = Child(ModelFile(damaged, "ab" * 32))
    child.hear()
    assert child.why == f"The file has changed: its SHA-256 is {digest(damaged)} and must be {'ab' * 32}."


def test_without_the_package_it_is_told_what_to_install(damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(BadSetting, match=r"pip install -e '\.\[local\]'"):
        open_local(str(damaged), "")


def test_the_doctor_is_told_what_writes_and_its_sum() -> None:
    sum_ = digest(smollm())
    with closing(open_local(str(smollm()), sum_.upper())) as model:
        assert model.tried() == f"local:{smollm().name} writes; SHA-256 {sum_}"


def test_stopped_is_stopped_while_it_reads_and_while_it_writes() -> None:
    command, env = [sys.executable, str(worker.__file__), str(smollm()), ""], {**os.environ, **GIVEN}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True) as process:
        told = map(json.loads, process.stdout or ())
        assert next(told) == {"ready": True}
        tell(process, id=1, system="", user=STORY.user, tokens=STORY.tokens)
        next(line for line in told if line.get("piece"))
        tell(process, stop=1)
        assert len(pieces(told, 1)) < STORY.tokens / 4
        tell(process, id=2, system="", user=LONG, tokens=STORY.tokens)
        assert next(line for line in told if line.get("id") == 2) == {"id": 2, "piece": ""}
        tell(process, stop=2)
        assert pieces(told, 2) == []
        tell(process, id=3, system="", user=CAPITAL.user, tokens=12)
        assert "Paris" in "".join(pieces(told, 3))


def tell(process: subprocess.Popen[str], **request: object) -> None:
    assert process.stdin
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()


def pieces(told: Iterator[dict[str, Any]], number: int) -> list[str]:
    """What is written from now on to the end."""
    whole = takewhile(lambda line: line.get("end") != "", (line for line in told if line.get("id") == number))
    return [line["piece"] for line in whole if line["piece"]]


PARENT = """
import sys, time
from assistant.engines.local import open_local
opened = open_local(sys.argv[1], "")
opened.wait(60)
print(opened._child.pid, flush=True)
time.sleep(600)
"""


def test_the_process_ends_with_its_parent_however_that_dies() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(smollm())], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    child = int(parent.stdout.readline())
    assert alive(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not alive(child))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False
