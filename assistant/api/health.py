"""Whether the server lives and whether it answers questions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from assistant.api.state import StateNow

router = APIRouter(tags=["operations"])


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process listens."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Not ready yet"}})
def readyz(state: StateNow, response: Response) -> dict[str, Any]:
    """Questions are answered (200), or how far the preparation is (503)."""
    if not state.ready:
        response.status_code = 503
        return {"status": state.stage, "done": state.done, "total": state.total, "failure": state.failure}
    edition, reader = state.assistant.library.current(), state.assistant.reader
    return {
        "status": "ready",
        "edition": edition.number,
        "documents": edition.documents,
        "chunks": edition.chunks,
        "reader": reader.name if reader else "none",
        "warnings": state.assistant.warnings,
    }
