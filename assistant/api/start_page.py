"""What a browser sees while the documents are being prepared; it opens the page by itself when they are ready."""

from __future__ import annotations

import asyncio
import time

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from assistant.api.state import State, StateNow

router = APIRouter()
PATIENCE, LOOK = 20.0, 0.1  # seconds


@router.get("/", response_class=HTMLResponse, include_in_schema=False, name="start_page")
async def start_page(request: Request, state: StateNow) -> Response:
    """The page; it asks /readyz twice a second. The chat page takes this route's place: where only that is still to
    come, it is waited for."""
    if state.ready and await _page_comes(state):
        return _Again(request)
    return HTMLResponse(PAGE)


class _Again(Response):
    """Whatever has the address of the request by now."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self._routes = request.app.router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        await self._routes(scope, receive, send)


async def _page_comes(state: State) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not state.page and not state.failure and time.monotonic() < deadline:
        await asyncio.sleep(LOOK)
    return state.page


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Cluster Talks Assistant</title><style>
:root { color-scheme: light dark; }
body { font: 1.1rem/1.6 system-ui, sans-serif; display: grid; place-content: center; min-height: 90vh; }
body { margin: 0 1.5rem; }
progress { width: min(24rem, 80vw); height: .8rem; accent-color: #1d5f8a; }
</style></head><body><main><h1>Cluster Talks Assistant</h1>
<p id="text" role="status">The documents are being prepared. This page opens by itself when they are ready.</p>
<progress id="bar" aria-labelledby="text"></progress></main><script>
async function look() {
  try {
    const response = await fetch("/readyz"), state = await response.json(), bar = document.getElementById("bar");
    if (state.page) return location.reload();
    if (state.failure) document.getElementById("text").textContent = state.failure;
    if (state.total) { bar.max = state.total; bar.value = state.done; }
  } catch { document.getElementById("text").textContent = "The server does not answer. Trying again …"; }
  setTimeout(look, 500);
}
look();
</script></body></html>"""
