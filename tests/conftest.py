"""Shared fixtures: a small corpus of real documents, stores in an empty folder, and a real server process."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the program itself does, for tests within this process

import httpx
import pytest
from filelock import FileLock

from assistant.library import Library
from assistant.settings import Settings
from assistant.vectors import open_vectors
from assistant.wiring import Stores
from ingest import collect
from ingest.isolate import Nursery
from tests.fakes import WordEmbedder

ROOT = Path(__file__).parents[1]
SMALL = (
    "events/innovation-procurement-talk-2023.md",
    "events/talk-speakers.md",
    "events/talk-not-known.md",
    "procedures/pcp-intellectual-property.md",
)


# Files that take minutes; begun first, so that no worker waits for another at the end.
LONG = (
    "quality/test_quality.py",
    "e2e/test_survival.py",
    "browser/test_accessibility.py",
    "browser/test_connection.py",
    "faults/test_kills.py",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than cores: a test that waits for a process or a page leaves its core to another."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        return next((n for n, name in enumerate(LONG) if item.path.as_posix().endswith(name)), len(LONG))

    items.sort(key=rank)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CLUSTER_TALKS_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _one_nursery() -> Iterator[None]:
    """The runs in this process read their documents in one nursery: starting it costs each a second."""

    class Shared(Nursery):
        def __exit__(self, *_: object) -> None:
            """Stay for the next run."""

    nursery = Shared()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(collect, "Nursery", lambda: nursery)
        yield
    nursery.close()


def copy_small_corpus(folder: Path) -> Path:
    """A corpus of four of the project's own documents."""
    for uri in SMALL:
        (folder / uri).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "corpus" / uri, folder / uri)
    return folder


def copied(first_edition: Path, folder: Path) -> Path:
    """A data folder of one's own with the first edition in it."""
    return Path(shutil.copytree(first_edition, folder / "data"))


@pytest.fixture
def small_corpus(tmp_path: Path) -> Path:
    return copy_small_corpus(tmp_path / "corpus")


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    """Stores in an empty folder, with the quick embedder."""
    settings = Settings(data=tmp_path / "data")
    settings.data.mkdir()
    made = Stores(
        library=Library(settings.library_url),
        vectors=open_vectors(settings),
        embedder=WordEmbedder(),
        data=settings.data,
    )
    yield made
    made.library.close()


@dataclass(frozen=True)
class Server:
    """A running `cluster-talks serve`."""

    address: str
    data: Path
    corpus: Path
    log: Path
    process: subprocess.Popen[bytes]
    first_state: int  # of /readyz, when /healthz first answered

    def environment(self) -> dict[str, str]:
        return environment(self.data, self.corpus)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=60, verify=False)  # plain HTTP: certificates cost 30 ms


def environment(data: Path, corpus: Path, **more: str) -> dict[str, str]:
    """The environment of a process of ours, with nothing but these settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLUSTER_TALKS_")}
    return {**kept, "CLUSTER_TALKS_DATA": str(data), "CLUSTER_TALKS_CORPUS": str(corpus), **more}


def cluster_talks(*arguments: str, env: dict[str, str], timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run the command as a person would."""
    command = [sys.executable, "-m", "assistant.cli", *arguments]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False)


@pytest.fixture(scope="session")
def first_edition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder that a server's first start made of the small corpus: one for all workers, to be copied."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "first-edition"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            made = tmp_path_factory.mktemp("first-start")
            with start_server(made / "data", copy_small_corpus(made / "corpus")) as running:
                wait_until_ready(running, 600)  # hundreds of tests rest on it
                assert "First edition" in running.log.read_text()
            (made / "data").rename(folder)
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, first_edition: Path) -> Iterator[Server]:
    """The real server over the small corpus."""
    folder = tmp_path_factory.mktemp("server")
    with start_server(copied(first_edition, folder), copy_small_corpus(folder / "corpus")) as running:
        wait_until_ready(running)
        yield running


@pytest.fixture(scope="session")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real Chroma server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    chroma = shutil.which("chroma", path=str(Path(sys.executable).parent)) or "chroma"
    folder = tmp_path_factory.mktemp("chroma")
    process = subprocess.Popen(
        [chroma, "run", "--path", str(folder), "--port", str(port), "--host", "127.0.0.1"], cwd=folder
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            httpx.get(f"{url}/api/v2/heartbeat")
            break
        except httpx.HTTPError:
            time.sleep(0.1)
    yield url
    process.terminate()
    process.wait(10)


class start_server:  # noqa: N801 - reads as a function in `with`
    """A server process that is stopped at the end of the block."""

    def __init__(self, data: Path, corpus: Path, **settings: str) -> None:
        self._data, self._corpus, self._settings = data, corpus, settings

    def __enter__(self) -> Server:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = self._data.parent / "serve.log"
        began = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "assistant.cli", "serve", "--port", str(port)],
            env=environment(self._data, self._corpus, **self._settings),
            cwd=ROOT,
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
        )
        address = f"http://127.0.0.1:{port}"
        while not _answers(f"{address}/healthz"):
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() - began < 60, log.read_text()
            time.sleep(0.05)
        first_state = httpx.get(f"{address}/readyz", timeout=5).status_code
        return Server(address, self._data, self._corpus, log, self._process, first_state)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)


def wait_until_ready(server: Server, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not _has_page(server.address):
        assert server.process.poll() is None, server.log.read_text()
        assert time.monotonic() < deadline, server.log.read_text()
        time.sleep(0.2)


def _has_page(address: str) -> bool:
    try:
        return bool(httpx.get(f"{address}/readyz", timeout=5, verify=False).json().get("page"))
    except (httpx.HTTPError, ValueError):
        return False


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, verify=False).status_code == 200
    except httpx.HTTPError:
        return False
