"""Whether the server lives, whether it answers questions, and its metrics."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from assistant.api.problems import responses
from assistant.api.running import Threads
from assistant.api.state import StateNow, get_state
from assistant.errors import Forbidden, NotFound, NotReady
from assistant.telemetry.metrics import MEDIA_TYPE

router = APIRouter(tags=["operations"])

# Whoever looks whether the server lives or is ready is not to wait for the threads that routes and dependencies share.
_looking = Threads("looking", 2)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process listens."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Not ready yet, or stopping"}})
async def readyz(request: Request, response: Response, page: bool = False) -> dict[str, Any]:
    """Questions are answered (200), or how far the preparation is, or that the server stops (503). The chat page comes
    a few seconds after the first answers: for a proxy that sends visitors, `?page=true` is 503 until then."""
    state, stopping = get_state(request), request.app.state.drain.begun
    if stopping or not state.ready or (page and not state.page):
        response.status_code, response.headers["Retry-After"] = 503, str(NotReady.wait)
    if stopping:
        return {"status": "stopping"}
    if not state.ready:
        return {"status": state.stage, "done": state.done, "total": state.total, "failure": state.failure}
    edition = await to_thread.run_sync(state.assistant.library.current, limiter=_looking())
    reader = state.assistant.reader
    return {
        "status": "ready",
        "page": state.page,
        "failure": state.failure,
        "edition": edition.number,
        "documents": edition.documents,
        "chunks": edition.chunks,
        "reader": reader.name if reader else "none",
        "warnings": state.assistant.warnings,
    }


@router.get(
    "/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}, **responses(403, 404)}
)
def metrics(state: StateNow, request: Request) -> Response:
    """What this process counts, for Prometheus; by default for clients on this machine and private networks only."""
    match state.settings.metrics:
        case "off":
            raise NotFound("Metrics are switched off here.", "Set CLUSTER_TALKS_METRICS to local or open.")
        case "local" if not _near(request):
            raise Forbidden("Metrics are for private networks.", "Set CLUSTER_TALKS_METRICS=open to give them to all.")
    return Response(request.app.state.metrics.text(), media_type=MEDIA_TYPE)


def _near(request: Request) -> bool:
    """Whether a request comes from this machine or a private network."""
    try:
        return request.client is not None and ip_address(request.client.host).is_private
    except ValueError:
        return False
