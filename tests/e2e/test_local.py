"""A server whose answers a model in a file writes: what the reader is shown, and what a crash costs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant.engines import open_engine
from assistant.errors import BadSetting
from assistant.settings import Settings
from tests.conftest import Server, copy_small_corpus, start_server, wait_until_ready
from tests.fakes import WordEmbedder
from tests.serving import until
from tests.smollm import smollm

ENGINE = {"CLUSTER_TALKS_ENGINE": f"local:{smollm()}", "CLUSTER_TALKS_MODEL_TIMEOUT": "5"}
QUESTION = {"question": "Who owns the intellectual property rights after a PCP?"}


@pytest.fixture(scope="module")
def writing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("writing")
    with start_server(folder / "data", copy_small_corpus(folder / "corpus"), **ENGINE) as running:
        wait_until_ready(running)
        until(lambda: "is loaded; its SHA-256 is" in running.log.read_text())
        yield running


def answer(server: Server) -> dict[str, Any]:
    response = httpx.post(f"{server.address}/api/v1/ask", json=QUESTION, timeout=60)
    assert response.status_code == 200
    return dict(response.json())


def workers(server: Server) -> list[int]:
    """The processes of the model that this server started."""
    parents = {int(file.parent.name): file.read_text().rpartition(") ")[2].split() for file in stats()}
    return [pid for pid, (state, parent, *_) in parents.items() if int(parent) == server.process.pid and state != "Z"]


def stats() -> Iterator[Path]:
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            file.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield file


def test_every_sentence_of_an_answer_has_its_source_and_the_engine_is_named(writing: Server) -> None:
    given = answer(writing)
    assert given["engine"] == f"local:{smollm().name}"
    said = [sentence for sentence in given["sentences"] if sentence["kind"] != "notice"]
    assert said
    assert all(sentence["citations"] for sentence in said)


def test_while_the_model_is_killed_again_and_again_there_are_answers(writing: Server) -> None:
    (first,) = workers(writing)
    os.kill(first, signal.SIGKILL)
    until(lambda: first not in workers(writing))
    assert answer(writing)["sentences"]
    until(lambda: workers(writing))
    assert answer(writing)["sentences"]


def test_a_server_that_is_killed_leaves_no_process_behind(writing: Server) -> None:
    until(lambda: workers(writing))
    (worker,) = workers(writing)
    writing.process.kill()
    writing.process.wait()
    until(lambda: not Path(f"/proc/{worker}/cmdline").exists() or not Path(f"/proc/{worker}/cmdline").read_bytes())


def test_another_file_than_the_pinned_one_is_refused() -> None:
    settings = Settings(engine=f"local:{smollm()}", model_sha256="ab" * 32)
    with pytest.raises(BadSetting, match=f"and CLUSTER_TALKS_MODEL_SHA256 is {'ab' * 32}"):
        open_engine(settings, WordEmbedder())
