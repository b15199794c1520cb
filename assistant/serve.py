"""The server process: it listens at once, and opens stores, first edition, indexes and page behind that."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import uvicorn
from fastapi import FastAPI
from rich.console import Console

from assistant.api.app import create_app
from assistant.api.limits import rate_limit
from assistant.api.state import State
from assistant.errors import Busy, NotReady
from assistant.records import Question
from assistant.settings import Settings
from assistant.terminal import progress_bar


def serve(settings: Settings, console: Console) -> None:
    """Serve page and API until interrupted."""
    address = f"http://{settings.host}:{settings.port}"
    _check_port(settings)

    def warm_up(state: State, app: FastAPI) -> None:
        _warm_up(settings, console, state, app, address)

    console.print(f"Cluster Talks Assistant: [bold]{address}[/]  (API: {address}/docs)")
    uvicorn.run(
        create_app(State(settings), warm_up, rate_limit(settings.rate_limit)),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        timeout_graceful_shutdown=10,
        forwarded_allow_ips=settings.trusted_proxies,
    )


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
    from assistant.runs import Runner
    from assistant.wiring import DataFolder, open_assistant, open_stores, plugin

    began = time.perf_counter()
    folder = DataFolder(settings.data)
    folder.own(address)
    state.on_close(folder.release)
    state.stage = "opening"
    stores = open_stores(settings)
    state.on_close(stores.library.close)
    if not _has_edition(stores):
        with progress_bar(console) as show:

            def progress(stage: str, done: int, total: int) -> None:
                show(stage, done, total)
                state.progress(stage, done, total)

            report = plugin("ingest")(settings, stores, None, progress).ingest([])
        console.print(f"First edition: {report.documents} documents, {report.chunks} passages.")
    assistant = open_assistant(settings, stores)
    assistant.ask(Question("warm-up"))
    plugin("page")(app, state, assistant)
    state.serve(assistant)
    threading.Thread(target=assistant.prepare, name="prepare", daemon=True).start()
    console.print(f"Ready after {time.perf_counter() - began:.1f} s. Stop with Ctrl+C.")
    Runner(settings, stores, lambda: assistant).start()


def _has_edition(stores: Any) -> bool:  # noqa: ANN401
    try:
        return bool(stores.library.current())
    except NotReady:
        return False
