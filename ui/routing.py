"""How the chat page gets in among the routes of a server that runs already."""

from __future__ import annotations

import asyncio

from gradio.routes import App
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import Receive, Scope, Send

from ui.origin import own
from ui.weight import lighter

API_PATHS = ("/api/", "/v1/", "/read/")


def is_start_page(route: BaseRoute) -> bool:
    """Whether a route serves the address that the page takes over."""
    return route.matches({"type": "http", "method": "GET", "path": "/", "headers": []})[0] is Match.FULL


class Rest(Mount):
    """What no route of the API has a say in."""

    def __init__(self, page: App, others: list[BaseRoute]) -> None:
        super().__init__("/", app=own(lighter(_StartedLate(page))))
        self._others = others

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Leave unknown paths and methods of the API to its own 404 and 405."""
        if scope["path"].startswith(API_PATHS) or any(r.matches(scope)[0] is Match.PARTIAL for r in self._others):
            return Match.NONE, {}
        return super().matches(scope)


class _StartedLate:
    """Runs Gradio's start-up events before its first request, in the event loop that serves it: the server's own start
    was over when the page was mounted."""

    def __init__(self, page: App) -> None:
        self._page = page
        self._once = asyncio.Lock()
        self._life: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        async with self._once:
            if self._life is None:
                started = asyncio.Event()
                self._life = asyncio.create_task(self._live(started))
                await started.wait()
        await self._page(scope, receive, send)

    async def _live(self, started: asyncio.Event) -> None:
        """From start-up until the loop that serves cancels its tasks."""
        try:
            async with self._page.router.lifespan_context(self._page):
                blocks = self._page.get_blocks()
                blocks.run_startup_events()  # type: ignore[no-untyped-call]
                await blocks.run_extra_startup_events()  # type: ignore[no-untyped-call]
                started.set()
                await asyncio.Event().wait()
        finally:
            started.set()
