"""Documents read and passages embedded on a real Ray of two nodes: the edition is that of a run on one machine."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.embedders import open_embedder
from assistant.errors import BadSetting
from assistant.library import Library
from assistant.records import Question
from assistant.settings import Settings
from assistant.vectors import open_vectors
from assistant.wiring import DataFolder, Stores
from ingest.places import open_place
from ingest.places.on_ray import ALONE, OnRay
from ingest.progress import Stages
from ingest.run import Run
from ingest.web.client import Web
from tests.conftest import ROOT, cluster_talks, copied, copy_small_corpus, environment
from tests.e2e.test_ingest import assistant

NODE = {"num_cpus": 1, "object_store_memory": 80 << 20, "node_ip_address": "127.0.0.1", "include_dashboard": False}
QUESTION = "Who keeps the intellectual property after a pre-commercial procurement?"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patched, tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as folder:
        of_ours = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": folder, "PYTHONPATH": str(ROOT)}
        for name, value in (ALONE | of_ours).items():
            patched.setenv(name, value)
        from ray.cluster_utils import Cluster

        cluster = Cluster(initialize_head=True, head_node_args=NODE)
        try:
            cluster.add_node(**NODE)
            yield cluster
        finally:
            cluster.shutdown()


@pytest.fixture
def here(first_edition: Path, tmp_path: Path) -> Iterator[Stores]:
    """The stores of an edition that was made without Ray."""
    with opened(copied(first_edition, tmp_path / "here")) as stores:
        yield stores


@contextlib.contextmanager
def opened(data: Path) -> Iterator[Stores]:
    settings = Settings(data=data)
    with contextlib.closing(Library(settings.library_url)) as library:
        yield Stores(library, open_vectors(settings), open_embedder(settings), data)


@dataclass(frozen=True)
class Built:
    """What an edition is made of."""

    digest: str
    documents: list[str]
    passages: list[str]
    vectors: Any


def built(stores: Stores) -> Built:
    library, edition = stores.library, stores.library.current()
    chunks = [chunk for chunk, _ in library.all_chunks(edition.number)]
    stored = stores.vectors.open(edition).stored(chunks)
    return Built(
        digest=edition.digest or "",
        documents=[document.digest for document in library.documents(edition.number)],
        passages=[chunk.id for chunk in chunks],
        vectors=np.concatenate([[e.passage, *e.units, *e.asked] for e in (stored[chunk.id] for chunk in chunks)]),
    )


def same(one: Built, other: Built) -> bool:
    """Whether all but the vectors are equal, and those but for the rounding that depends on what ran together."""
    parts = [(each.digest, each.documents, each.passages) for each in (one, other)]
    return parts[0] == parts[1] and np.allclose(one.vectors, other.vectors, atol=1e-6)


def test_the_edition_is_the_same_and_so_is_an_answer(cluster: Any, here: Stores, tmp_path: Path) -> None:
    data = tmp_path / "there"
    env = environment(data, copy_small_corpus(tmp_path / "corpus"))
    done = cluster_talks("ingest", "--on", f"ray:{cluster.address}", "--json", env=env)
    assert done.returncode == 0, done.stderr + done.stdout
    with opened(data) as there:
        assert same(built(there), built(here))
        one, other = (assistant(stores).ask(Question(QUESTION)) for stores in (here, there))
    assert one.citations
    assert (one.answer, one.citations) == (other.answer, other.citations)


def test_a_document_that_cannot_be_read_is_told_as_it_is_here(cluster: Any, here: Stores, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "slides.pptx").write_bytes(b"PK and then nothing")
    (folder / "empty.md").write_text(" ")
    (folder / "okapi.md").write_text("---\ntitle: Okapi\nurl: ftp://okapi\n---\nThe okapi lives in a forest.\n")
    (folder / "quokka.md").write_text("# Quokka\n\nThe quokka lives on an island.\n")
    told = []
    for on in ("here", f"ray:{cluster.address}"):
        with open_place(on, Settings(data=here.data)) as place:
            told.append(Run(here, folder, Web("test"), place=place).plan([folder]))
    one, other = told
    assert sorted(failure.uri for failure in one.failed) == ["empty.md", "okapi.md", "slides.pptx"]
    assert (one.failed, one.added, one.chunks) == (other.failed, other.added, other.chunks)


def test_the_edition_is_the_same_when_a_node_and_a_worker_are_killed(
    cluster: Any, here: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (lost,), killed = cluster.worker_nodes, []

    def show(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("read", 1):
            cluster.remove_node(lost, allow_graceful=False)

    def killing(self: OnRay, parts: Any) -> Iterator[Any]:
        for vectors in embed(self, parts):
            if not killed:
                deadline = time.monotonic() + 20
                while not (found := busy(cluster.head_node)):
                    assert time.monotonic() < deadline, "no worker embeds"
                killed.append(found[0])
                os.kill(found[0], signal.SIGKILL)
            yield vectors

    embed = OnRay.embed
    monkeypatch.setattr(OnRay, "embed", killing)
    monkeypatch.setattr("ingest.places.on_ray.PART", 2000)
    data, corpus = tmp_path / "there", copy_small_corpus(tmp_path / "corpus")
    data.mkdir()
    with opened(data) as there, open_place(f"ray:{cluster.address}", Settings(data=data)) as place:
        Run(there, corpus, Web("test"), stages=Stages(show), place=place).ingest([])
        assert same(built(there), built(here))
    assert killed
    assert not cluster.worker_nodes


def busy(node: Any) -> list[int]:
    """The processes of a node that embed now."""
    raylet = node.all_processes["raylet"][0].process.pid
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == raylet and (folder / "cmdline").read_text().startswith("ray::embed"):
                found.append(int(folder.name))
    return found


def refused(on: str) -> str:
    with pytest.raises(BadSetting) as raised, open_place(on, Settings()):
        pass
    return str(raised.value)


def test_an_address_where_nobody_answers_is_told_with_what_to_do() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        assert refused(f"ray:{address}") == (
            f"No Ray cluster answers at {address}: Connection refused. "
            "Start one with `ray start --head`, or write --on ray to have one started here."
        )
    assert "HOST:PORT" in refused("ray:somewhere")
    assert "Choose here, ray" in refused("moon")


def test_where_ray_is_not_installed_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert refused("ray") == "Ray is not installed. .venv/bin/pip install -e '.[ray]'"
    assert "ray" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def test_beside_a_server_it_is_refused(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.own("http://127.0.0.1:8000")
    try:
        done = cluster_talks("ingest", "--on", "ray", env=environment(folder.folder, tmp_path))
    finally:
        folder.release()
    assert done.returncode == 1
    assert "Stop it first, or leave out --on." in " ".join((done.stdout + done.stderr).split())
