"""The HTTP application: routers, problem documents, and a warm-up that runs behind a server that already listens.

A route lives in the router file of its subject; this file only puts them together.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from limits import RateLimitItem

from assistant import __version__
from assistant.api import (
    answers,
    auth,
    batch,
    feedback,
    health,
    insights,
    maintain,
    openai,
    openapi,
    problems,
    sources,
    start_page,
    stream,
    uploads,
)
from assistant.api.access import Door
from assistant.api.headers import SafeHeaders
from assistant.api.limits import RateLimit
from assistant.api.state import State
from assistant.api.watch import NO_TELEMETRY, watch
from assistant.errors import ClusterTalksError, NotReady
from assistant.mcp import http as mcp

DESCRIPTION = """Cited answers about the EU Clusters Talks and innovation procurement, only from ingested documents.

Every sentence of an answer carries the numbers of its citations; a citation leads to the exact place in the document.
When the documents do not answer, `abstained` is true and `reason` says why."""


def create_app(state: State, warm_up: Callable[[State, FastAPI], None], limit: RateLimitItem | None = None) -> FastAPI:
    """The application. `warm_up` runs in the background once the server listens, and mounts the page at its end."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        threading.Thread(target=_guarded, args=(warm_up, state, app), name="warm-up", daemon=True).start()
        yield
        state.close()

    app = FastAPIOffline(
        title="Cluster Talks Assistant",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        openapi_tags=openapi.TAGS,
        servers=openapi.SERVERS,
        telemetry=NO_TELEMETRY,
    )
    app.state.assistant = state
    watch(app, state)
    problems.install(app)
    auth.install(app)
    app.add_middleware(uploads.UploadsApart)
    if limit is not None:
        app.add_middleware(RateLimit, limit=limit, redis_url=state.settings.redis_url)
    app.add_middleware(Door, state=state)
    app.add_middleware(SafeHeaders)
    for part in (stream, batch, answers, feedback, sources, insights, maintain, uploads, health, start_page):
        app.include_router(part.router)
    openai.install(app)
    app.router.routes.append(mcp.route(state))
    openapi.install(app)
    return app


def _guarded(warm_up: Callable[[State, FastAPI], None], state: State, app: FastAPI) -> None:
    try:
        warm_up(state, app)
    except ClusterTalksError as error:
        logging.getLogger(__name__).error("The start failed: %s", error)
        state.fail(error)
    except Exception:  # its text is for the log
        logging.getLogger(__name__).exception("The start failed")
        state.fail(NotReady("The start failed, the log says why.", "`cluster-talks doctor` tells what to mend."))
