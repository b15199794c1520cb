"""The server process: it listens at once, and opens stores, first edition, indexes and page behind that."""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

import uvicorn
from fastapi import FastAPI
from rich.console import Console
from uvicorn.config import STARTUP_FAILURE

from assistant.api import uploads
from assistant.api.app import create_app
from assistant.api.drain import Drain
from assistant.api.limits import rate_limit
from assistant.api.patience import Patient
from assistant.api.state import State
from assistant.away import Away
from assistant.errors import Busy, NotReady
from assistant.exposure import check_exposure
from assistant.memory import frugal
from assistant.records import Question
from assistant.settings import Settings
from assistant.telemetry.answers import watched
from assistant.telemetry.logs import configure
from assistant.terminal import progress_bar

if TYPE_CHECKING:
    from assistant.ask import Assistant
    from assistant.wiring import Stores

T = TypeVar("T")
AGAIN = 0.5  # seconds between two looks for what is not there yet
PATIENCE = 3  # seconds that a run gets to break off where it can be done again
REST = 75  # seconds an idle connection is kept: longer than clients and proxies do, or one sends just as it is closed


def serve(settings: Settings, console: Console) -> None:
    """Serve page and API until interrupted."""
    frugal()
    address = f"http://{settings.host}:{settings.port}"
    _check_port(settings)
    check_exposure(settings)

    def warm_up(state: State, app: FastAPI) -> None:
        _warm_up(settings, console, state, app, address)

    configure(settings.log_format, settings.log_level)
    console.print(f"Cluster Talks Assistant: [bold]{address}[/]  (API: {address}/docs)")
    app = create_app(State(settings), warm_up, rate_limit(settings.rate_limit))
    server = _Server(listening(app, settings), app.state.drain, settings.grace)
    server.run()
    _end(server.started)


def listening(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How the application is served."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=Patient,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=REST,
        forwarded_allow_ips=settings.trusted_proxies,
    )


def _end(well: bool) -> None:
    """End the process. Python's own exit would wait for a run's embedding, whose work is lost anyway."""
    if not well:
        sys.exit(STARTUP_FAILURE)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


class _Server(uvicorn.Server):
    """Stops when what was asked before the first signal has been answered, or at the second signal. Status 0."""

    def __init__(self, config: uvicorn.Config, drain: Drain, grace: float) -> None:
        super().__init__(config)
        self._drain, self._grace = drain, grace

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal."""
        self.should_exit = self.force_exit = self._drain.begun
        self._drain.begin()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to go."""
        return self._drain.over(self._grace) or await super().on_tick(counter)


def _check_port(settings: Settings) -> None:
    """Raise Busy when the port is taken: told here, before anything has been opened."""
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise Busy(
                f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}.",
                "Stop what listens there, or set CLUSTER_TALKS_PORT.",
            ) from error


def _warm_up(settings: Settings, console: Console, state: State, app: FastAPI, address: str) -> None:
    # The heavy imports (Chroma, LangChain, Gradio) happen here, after the server listens.
    from assistant.follow import follow
    from assistant.runs import Runner
    from assistant.wiring import DataFolder, plugin

    began = time.perf_counter()
    folder = DataFolder(settings.data)
    folder.own(address)
    state.on_close(folder.release)
    uploads.tidy(settings.corpus)
    state.stage = "opening"
    stores, unwatched = _patiently(state, lambda: _opened(settings, console, state, app))
    state.on_close(stores.library.close)
    state.on_close(unwatched.engine.close)
    assistant = watched(unwatched, app.state.metrics, app.state.traces)
    state.serve(assistant)
    plugin("page")(app, state, assistant)
    state.page = True
    console.print(f"Ready after {time.perf_counter() - began:.1f} s. Stop with Ctrl+C.")
    runner = Runner(
        settings,
        stores,
        lambda: unwatched,  # the questions that check an edition are nobody's
        stopping=lambda: app.state.drain.begun,
        ended=lambda status: app.state.metrics.runs.labels(status).inc(),
        apart=True,
    )
    follow(unwatched, runner.stopping)
    runs = _patiently(state, runner.start)
    state.on_close(lambda: runs.join(PATIENCE))


def _patiently(state: State, opening: Callable[[], T]) -> T:
    """What is opened, once the servers that it needs answer; meanwhile /readyz says which does not."""
    while True:
        try:
            made = opening()
        except Away as error:
            if state.failure is None:
                logging.getLogger(__name__).warning("%s It is tried until it does.", error.detail)
            state.failure = str(error)
            time.sleep(AGAIN)
        else:
            state.failure = None
            return made


def _opened(settings: Settings, console: Console, state: State, app: FastAPI) -> tuple[Stores, Assistant]:
    from assistant.wiring import open_assistant, open_stores

    stores = open_stores(settings)
    try:
        _first_edition(settings, stores, console, state, app)
        assistant = open_assistant(settings, stores)
        assistant.ask(Question("warm-up"))
    except BaseException:
        stores.library.close()
        raise
    return stores, assistant


def _first_edition(settings: Settings, stores: Stores, console: Console, state: State, app: FastAPI) -> None:
    """Build the first edition, or wait for the one that another server builds."""
    while not _has_edition(stores):
        with stores.library.publisher.turn() as mine:
            if mine and not _has_edition(stores):
                _ingest(settings, stores, console, state, app)
        if not mine:
            time.sleep(AGAIN)


def _ingest(settings: Settings, stores: Stores, console: Console, state: State, app: FastAPI) -> None:
    from assistant.wiring import plugin

    with progress_bar(console) as show:

        def progress(stage: str, done: int, total: int) -> None:
            if app.state.drain.begun:
                raise SystemExit  # ends this thread; the next start begins anew
            show(stage, done, total)
            state.progress(stage, done, total)

        report = plugin("ingest")(settings, stores, None, progress, apart=True).ingest([])
    console.print(f"First edition: {report.documents} documents, {report.chunks} passages.")


def _has_edition(stores: Stores) -> bool:
    try:
        return bool(stores.library.current())
    except NotReady:
        return False
