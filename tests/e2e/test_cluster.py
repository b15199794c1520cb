"""Several servers together: real ones on a real PostgreSQL, Chroma and Redis, through everything that may happen to them."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant.away import Away
from assistant.library import Library
from assistant.records import Filters
from assistant.settings import Settings
from assistant.vectors import open_vectors
from tests.cluster import Engines, started_engines
from tests.conftest import ROOT, Server, cluster_talks, copy_small_corpus, environment, start_server, wait_until_ready
from tests.serving import until

ASK = "/api/v1/ask"
OKAPI = "# The okapi\n\nThe okapi of the zoo eats 20 kilograms of leaves a day.\n"  # from edition 2 on
QUESTION = {"question": "How many kilograms of leaves does the okapi of the zoo eat a day?"}
OWN = ("id", "timings_ms", "edition")  # what differs between two answers to the same question
Told = list[tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    with started_engines() as started:
        yield started


@dataclass
class Cluster:
    """Two servers with folders of their own and one corpus."""

    folder: Path
    shared: dict[str, str]
    stack: ExitStack
    servers: list[Server]

    def start(self, name: str) -> Server:
        (self.folder / name).mkdir(exist_ok=True)
        settings = {**self.shared, "CLUSTER_TALKS_RATE_LIMIT": "off"}
        return self.stack.enter_context(start_server(self.folder / name / "data", self.folder / "corpus", **settings))

    def third(self) -> dict[str, str]:
        """The environment of a process beside them."""
        return environment(self.folder / "third", self.folder / "corpus", **self.shared)

    @contextmanager
    def library(self) -> Iterator[Library]:
        with closing(Library(self.shared["CLUSTER_TALKS_DATABASE_URL"])) as opened:
            yield opened


def documented(command: str, cluster: Cluster) -> subprocess.CompletedProcess[str]:
    """A command as docs/scaling.md has it, in a process beside the servers."""
    assert f"cluster-talks {command}\n" in (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
    return cluster_talks(*command.split(), env=cluster.third())


@pytest.fixture(scope="module")
def cluster(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    copy_small_corpus(folder / "corpus")
    with ExitStack() as stack:
        made = Cluster(folder, engines.settings("served"), stack, [])
        made.servers = [made.start(name) for name in "ab"]
        for server in made.servers:
            wait_until_ready(server)
        yield made


class Visitor(threading.Thread):
    """Asks a server one question after the other and keeps what came back; a status of 0: nothing came."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self._address, self._over = address, threading.Event()
        self.told: Told = []

    def run(self) -> None:
        with httpx.Client(base_url=self._address, timeout=60) as client:
            while not self._over.wait(0.1):
                try:
                    response = client.post(ASK, json=QUESTION)
                    self.told.append((response.status_code, response.json()))
                except httpx.TransportError as error:
                    self.told.append((0, {"error": repr(error)}))

    def stop(self) -> Told:
        self._over.set()
        self.join()
        return self.told


@contextmanager
def visited(*servers: Server) -> Iterator[list[Visitor]]:
    visitors = [Visitor(server.address) for server in servers]
    for visitor in visitors:
        visitor.start()
    yield visitors
    for visitor in visitors:
        visitor.stop()


def latest(visitor: Visitor, true: Callable[[int, dict[str, Any]], bool]) -> None:
    """Wait until what was asked from now on comes back so."""
    before = len(visitor.told)
    until(lambda: len(visitor.told) > before and true(*visitor.told[-1]), 60)


def whole(told: Told) -> None:
    """Every answer is of one edition, and says what that edition says."""
    for _, body in (pair for pair in told if pair[0] == 200):
        assert {citation["edition"] for citation in body["citations"]} == {body["edition"]}
        assert ("eats 20 kilograms" in body["answer"]) == (body["edition"] == 2)


def test_two_that_start_at_once_on_nothing_build_one_first_edition(cluster: Cluster) -> None:
    ready = [httpx.get(f"{server.address}/readyz").json() for server in cluster.servers]
    assert [found["edition"] for found in ready] == [1, 1]
    with cluster.library() as library:
        assert [edition.status for edition in library.editions()] == ["ready"]
    for name in "ab":
        assert [path.name for path in (cluster.folder / name / "data" / "lexical").iterdir()] == ["1"]


def test_answers_are_those_of_one_server_that_has_all_in_its_folder(cluster: Cluster, server: Server) -> None:
    lines = (ROOT / "tests/quality/golden.jsonl").read_text(encoding="utf-8").splitlines()
    cases = list(map(json.loads, lines))
    asked = [case for case in cases if case["topic"] == "event"][::2] + [c for c in cases if c["lang"] != "en"][:4]
    assert len(asked) >= 20
    for n, case in enumerate(asked):
        body = {"question": case["question"], "history": case["history"]}
        told = [
            httpx.post(address + ASK, json=body, timeout=60).json()
            for address in (server.address, cluster.servers[n % 2].address)
        ]
        one, several = ({name: value for name, value in answer.items() if name not in OWN} for answer in told)
        assert one == several, case["id"]


def test_a_key_made_beside_one_server_opens_both(cluster: Cluster) -> None:
    made = documented("keys create Ana --role maintainer", cluster)
    (text,) = (line for line in made.stdout.splitlines() if line.startswith("ct_"))
    for server in cluster.servers:
        assert httpx.get(f"{server.address}/api/v1/runs", headers={"X-API-Key": text}).status_code == 200


def test_another_process_ingests_and_an_edition_is_taken_back_and_nobody_notices(cluster: Cluster) -> None:
    (cluster.folder / "corpus/events/okapi.md").write_text(OKAPI, encoding="utf-8")
    with visited(*cluster.servers) as visitors, cluster.library() as library:
        done = documented("ingest", cluster)
        assert "Edition 2 published" in done.stdout, done.stdout + done.stderr
        for visitor in visitors:
            latest(visitor, lambda _, body: body["edition"] == 2)
        assert documented("editions publish 1", cluster).returncode == 0
        for visitor in visitors:
            latest(visitor, lambda _, body: body["edition"] == 1)
        library.publish(2)
    for visitor in visitors:
        assert {status for status, _ in visitor.told} == {200}
        whole(visitor.told)


def test_a_second_publisher_is_told_to_wait(cluster: Cluster) -> None:
    with cluster.library() as library:
        library.runs.begin({"do": "ingest", "here": True})
        waits = library.runs.begin({"do": "retire", "edition": 1}, status="requested")
        refused = cluster_talks("ingest", env=cluster.third())
        assert (refused.returncode, "Another process is publishing: run" in refused.stderr) == (1, True), refused.stderr
        assert library.runs.one(waits)["status"] == "requested"
    with cluster.library() as library:  # that publisher is gone
        until(lambda: library.runs.one(waits)["status"] == "done", 30)
        assert library.edition(1).status == "retired"


@pytest.mark.parametrize(("name", "meanwhile"), [("chroma", 200), ("postgres", 503), ("redis", 200)])
def test_while_an_engine_is_away_it_is_said_where_it_is_needed_and_afterwards_all_is_well(
    cluster: Cluster, engines: Engines, name: str, meanwhile: int
) -> None:
    """Chroma is not needed to answer from an edition that is searched in memory."""
    with visited(*cluster.servers) as visitors:
        for visitor in visitors:
            latest(visitor, lambda status, _: status == 200)
        with getattr(engines, name).away(1.5):
            for visitor in visitors:
                latest(visitor, lambda status, _: status == meanwhile)
        for visitor in visitors:
            latest(visitor, lambda status, _: status == 200)
    for visitor in visitors:
        failed = [body for status, body in visitor.told if status != 200]
        assert {body["title"] for body in failed} <= {"A part of the service does not answer"}
        assert all(body["status"] == 503 and "Try again in a moment" in body["remedy"] for body in failed)
        whole(visitor.told)


def test_a_search_that_needs_a_chroma_server_which_is_away_says_so(cluster: Cluster, engines: Engines) -> None:
    vectors = open_vectors(Settings(chroma_url=engines.settings("served")["CLUSTER_TALKS_CHROMA_URL"]))
    with cluster.library() as library:
        edition = vectors.open(library.current())
    question = [1.0] * edition.edition.dimension
    near = partial(edition.near, "passages", question, 3, Filters())
    before = near()
    with engines.chroma.away(0), pytest.raises(Away, match="Chroma"):
        near()
    assert near() == before


def test_when_one_is_killed_the_other_goes_on_and_a_new_one_waits_for_its_engines(
    cluster: Cluster, engines: Engines
) -> None:
    killed, other = cluster.servers
    with visited(other) as (visitor,):
        killed.process.kill()
        killed.process.wait()
        for _ in range(5):
            latest(visitor, lambda status, _: status == 200)
    assert {status for status, _ in visitor.told} == {200}
    with engines.postgres.away(0):
        again = cluster.start("a")
        until(lambda: "library database does not answer" in str(httpx.get(f"{again.address}/readyz").json()), 60)
    wait_until_ready(again)
    assert httpx.post(again.address + ASK, json=QUESTION, timeout=60).json()["edition"] == 2
    cluster.servers[0] = again
