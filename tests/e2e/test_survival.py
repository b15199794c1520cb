"""What is served stays whole while editions are built, published and rolled back."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx

from tests.conftest import ROOT, cluster_talks, copied, copy_small_corpus, environment, start_server, wait_until_ready

OKAPI = "# The okapi\n\nThe okapi of the zoo eats {count} kilograms of leaves a day.\n"
QUESTION = {"question": "How many kilograms of leaves does the okapi of the zoo eat a day?"}
A_SECOND = 20


class Client(threading.Thread):
    """Asks the same question A_SECOND times a second, and keeps what came back."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self._address = address
        self._over = threading.Event()
        self.answers: list[tuple[int, dict[str, Any]]] = []

    def run(self) -> None:
        with httpx.Client(base_url=self._address, timeout=30) as client:
            while not self._over.wait(1 / A_SECOND):
                response = client.post("/api/v1/ask", json=QUESTION)
                self.answers.append((response.status_code, response.json()))

    def stop(self) -> None:
        self._over.set()
        self.join()


@contextmanager
def asking(address: str) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    clients = [Client(address) for _ in range(2)]
    answers: list[tuple[int, dict[str, Any]]] = []
    for client in clients:
        client.start()
    yield answers
    for client in clients:
        client.stop()
        answers += client.answers


def test_nobody_notices_an_ingest_a_publication_or_a_roll_back(tmp_path: Path) -> None:
    corpus = copy_small_corpus(tmp_path / "corpus")
    page = corpus / "events/okapi.md"
    page.write_text(OKAPI.format(count=10), encoding="utf-8")
    with start_server(tmp_path / "data", corpus, CLUSTER_TALKS_RATE_LIMIT="off") as server:
        wait_until_ready(server)
        env = server.environment()
        with asking(server.address) as answers:
            for edition, count in ((2, 20), (3, 30)):
                page.write_text(OKAPI.format(count=count), encoding="utf-8")
                done = cluster_talks("ingest", env=env)
                assert f"Edition {edition} published" in done.stdout, done.stdout + done.stderr
            assert cluster_talks("editions", "publish", "1", env=env).returncode == 0
            time.sleep(1)
        assert cluster_talks("editions", "retire", "2", env=env).returncode == 0
        refused = cluster_talks("editions", "retire", "1", env=env)
        assert "is being served" in refused.stderr
    assert {status for status, _ in answers} == {200}
    assert {body["edition"] for _, body in answers} == {1, 2, 3}
    for _, body in answers:
        assert {citation["edition"] for citation in body["citations"]} == {body["edition"]}
        assert f"eats {body['edition']}0 kilograms" in body["answer"]
    assert answers[-1][1]["edition"] == 1, "rolled back"


def test_beside_a_chroma_server_another_process_ingests_and_this_one_serves_it(
    tmp_path: Path, chroma_server: str
) -> None:
    corpus = copy_small_corpus(tmp_path / "corpus")
    shared = {
        "CLUSTER_TALKS_CHROMA_URL": chroma_server,
        "CLUSTER_TALKS_DATABASE_URL": f"sqlite:///{tmp_path / 'library.db'}",
    }
    with start_server(tmp_path / "data", corpus, **shared) as server:
        wait_until_ready(server)
        (corpus / "events/okapi.md").write_text(OKAPI.format(count=40), encoding="utf-8")
        other = environment(tmp_path / "other", corpus, **shared)
        done = cluster_talks("ingest", env=other)
        assert "Edition 2 published" in done.stdout, done.stdout + done.stderr
        answer = httpx.post(f"{server.address}/api/v1/ask", json=QUESTION, timeout=60).json()
        assert (answer["edition"], "eats 40 kilograms" in answer["answer"]) == (2, True)
        assert (tmp_path / "data" / "lexical" / "2").is_dir(), "its word index was built where it is served"


def test_watching_a_folder_ingests_every_change(first_edition: Path, tmp_path: Path) -> None:
    corpus, data = copy_small_corpus(tmp_path / "corpus"), copied(first_edition, tmp_path)
    env = environment(data, corpus)
    log = (tmp_path / "watch.log").open("w+b")
    process = subprocess.Popen(
        [sys.executable, "-m", "assistant.cli", "ingest", "--watch"], env=env, cwd=ROOT, stdout=log, stderr=log
    )
    try:
        _until(lambda: "Watching" in _said(log), process)
        for number in (2, 3):
            (corpus / "events/okapi.md").write_text(OKAPI.format(count=number), encoding="utf-8")
            _until(lambda number=number: f"Edition {number} published" in _said(log), process)  # type: ignore[misc]
        (corpus / "events/bad.pdf").write_bytes(b"no")
        _until(lambda: "failed: events/bad.pdf" in _said(log), process)
    finally:
        process.kill()
        process.wait()
        log.close()


def _said(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read().decode()


def _until(true: Callable[[], bool], process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)
