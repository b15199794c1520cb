"""What is measured: an edition of some size in a data folder of its own, and the real server over it.

The vectors come from the seed, the edition of the real corpus, which is embedded once by the real model.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import httpx

from assistant.embedders import Embedder, open_embedder
from assistant.library import Library
from assistant.reader import open_reader
from assistant.records import LEVELS
from assistant.settings import PREFIX, Settings
from assistant.wiring import Stores, open_stores
from ingest.report import Report
from ingest.run import open_run
from tests.benchmarks.documents import write_corpus
from tests.benchmarks.known import Batches, Known, KnownEmbedder, read_known
from tests.benchmarks.questions import PATIENCE, Body, bodies, post
from tests.benchmarks.records import Scale
from tests.benchmarks.stopwatch import timed
from tests.conftest import Server, start_server

Show = Callable[[str, int, int], None]
# Whatever the environment and `.env` say: one machine, the bundled models, every question answered.
PLAIN = {
    "database_url": "",
    "chroma_url": "",
    "redis_url": "",
    "embedder": "bundled-e5",
    "reader": "bundled",
    "engine": "quotes",
    "require_key": "false",
    "rate_limit": "off",
}
CALM, LOOKS, LONGEST = (
    0.1,
    3,
    90.0,
)  # share of a core, looks in a row: when a server is taken to be at rest; seconds that any state may take


@dataclass(frozen=True)
class Built:
    """An edition that was built: what the run told, its seconds in all and by stage, vectors of each level, and texts
    that the model had to embed."""

    report: Report
    seconds: float
    stages: dict[str, float]
    vectors: dict[str, int]
    unknown: int = 0


@dataclass(frozen=True)
class Serving:
    """A server that was started: seconds from the start of the process to each state."""

    server: Server
    listening: float
    ready: float
    answered: float
    page: float


class Stand:
    """One size. The server is started when it is first needed, and stopped at the end of the block."""

    def __init__(self, size: int, seed: Seed, scale: Scale, show: Show) -> None:
        self.size, self.seed, self.scale, self._show = size, seed, scale, show
        self.settings = _emptied(seed.folder.parent / str(size))
        self._open = ExitStack()

    def __enter__(self) -> Stand:
        shutil.copytree(self.seed.folder / "data" / "models", self.settings.data / "models")
        write_corpus(self.settings.corpus, self.seed.corpus, self.seed.known.passages, self.size)
        self.built = self._built()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def show(self, doing: str, done: int, total: int) -> None:
        """Tell how far it is."""
        self._show(f"{self.size:,}: {doing}", done, total)

    def _built(self) -> Built:
        with opened(self.settings) as stores:
            embedder = KnownEmbedder(self.seed.known, stores.embedder)
            built = build(self.settings, replace(stores, embedder=embedder), self.show)
            return replace(built, unknown=embedder.asked)

    @cached_property
    def serving(self) -> Serving:
        """The server, once it is at rest."""
        began = time.perf_counter()
        data = self.settings.data
        plain = {f"{PREFIX}{name.upper()}": value for name, value in PLAIN.items()}
        server = self._open.enter_context(start_server(data, self.settings.corpus, **plain))
        listening = time.perf_counter() - began
        ready = self._until(server, "/readyz", began)
        with client(server) as asking:
            post(asking, bodies(1)[0])
        answered = time.perf_counter() - began
        page = self._until(server, "/readyz?page=true", began)
        rest(server.process.pid)
        return Serving(server, listening, ready, answered, page)

    def _until(self, server: Server, address: str, began: float) -> float:
        with client(server) as looking:
            while not _is_well(looking, address):
                if server.process.poll() is not None:
                    raise SystemExit(f"The server ended: {server.log.read_text(encoding='utf-8')}")
                if time.perf_counter() - began > LONGEST:
                    raise SystemExit(f"{address} did not say 200 within {LONGEST:.0f} s.")
                time.sleep(0.05)
        return time.perf_counter() - began

    def embedder(self) -> Embedder:
        """The model alone, also while the server uses the data folder."""
        return open_embedder(self.settings)

    def client(self, askers: int = 1) -> httpx.Client:
        """A client of the server with so many connections."""
        return client(self.serving.server, askers)

    def questions(self, count: int) -> list[Body]:
        """Requests, all different."""
        return bodies(count)

    def maintainer(self) -> dict[str, str]:
        """Headers with a maintainer's key of this server."""
        with closing(Library(self.settings.library_url)) as library:
            _, text = library.keys.create("benchmark", "maintainer")
        return {"Authorization": f"Bearer {text}"}


class Seed:
    """The edition of the real corpus. `fresh`: built now by the real model, else as far as it is left from a run
    before. `batches`: what the model embedded for it."""

    def __init__(self, folder: Path, corpus: Path, fresh: bool, show: Show) -> None:
        self.folder, self.corpus = folder, corpus
        settings = plain_settings(folder / "data", corpus)
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        (settings.data / "models").mkdir(parents=True, exist_ok=True)
        open_reader(settings)  # prepares its models, as a first start does
        with opened(settings) as stores:
            stores.embedder.embed_documents(["warm-up"])
            timed_embedder = Batches(stores.embedder)
            told = replace(stores, embedder=timed_embedder)
            self.built = build(settings, told, lambda doing, done, total: show(f"corpus: {doing}", done, total))
            self.known: Known = read_known(stores)
        self.embedder, self.batches = stores.embedder, timed_embedder.batches


def build(settings: Settings, stores: Stores, show: Show) -> Built:
    """Ingest the corpus of these settings, timed by stage."""
    began = time.perf_counter()
    with timed() as stages:
        report = open_run(settings, stores, None, show).ingest([])
    seconds = time.perf_counter() - began
    counts = stores.vectors.open(stores.library.current()).counts()
    return Built(report, seconds, dict(stages), {level: counts[level] for level in LEVELS})


@contextmanager
def opened(settings: Settings) -> Iterator[Stores]:
    """The stores of a data folder that no server uses."""
    stores = open_stores(settings)
    try:
        yield stores
    finally:
        stores.library.close()
        stores.vectors.close()


def client(server: Server, askers: int = 1) -> httpx.Client:
    """A client of a server with so many connections."""
    limits = httpx.Limits(max_connections=askers, max_keepalive_connections=askers)
    return httpx.Client(base_url=server.address, timeout=PATIENCE, limits=limits, verify=False)


def _is_well(client: httpx.Client, address: str) -> bool:
    try:
        return client.get(address).status_code == httpx.codes.OK
    except httpx.HTTPError:  # it imports what it needs, and lets a request wait
        return False


def rest(process: int) -> None:
    """Wait until a process does next to nothing: after its start the server reads passages beforehand."""
    calm, deadline = 0, time.monotonic() + LONGEST
    while calm < LOOKS and time.monotonic() < deadline:
        before = _processor_seconds(process)
        time.sleep(0.5)
        calm = calm + 1 if _processor_seconds(process) - before < CALM / 2 else 0


def _processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def resident_mb(process: int) -> float:
    """Memory that a process holds, MB."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def plain_settings(data: Path, corpus: Path) -> Settings:
    """The settings that everything is measured with."""
    return Settings.model_validate({**PLAIN, "data": data, "corpus": corpus, "questions": None})


def _emptied(folder: Path) -> Settings:
    shutil.rmtree(folder, ignore_errors=True)
    settings = plain_settings(folder / "data", folder / "corpus")
    for made in (settings.data, settings.corpus):
        made.mkdir(parents=True)
    return settings
