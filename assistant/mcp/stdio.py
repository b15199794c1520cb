"""The protocol over standard input and output, for a program that starts it: `cluster-talks mcp`.

The handshake needs only the SDK; what answers is opened behind it. Standard output carries nothing but the protocol.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from typing import TYPE_CHECKING

import anyio
from mcp.server.stdio import stdio_server

from assistant.errors import ClusterTalksError
from assistant.mcp.server import open_server
from assistant.settings import Settings, load_settings

if TYPE_CHECKING:
    from assistant.asking import Asker


def serve_stdio(url: str = "", key: str = "") -> None:
    """Serve until standard input ends: through the server at `url`, or over the data folder, whoever owns it. `key`
    takes the place of the setting KEY. Raises BadSetting."""
    settings = load_settings(**({"key": key} if key else {}))
    with closing(_remote(url, settings) if url else _own_folder(settings)) as opened:
        threading.Thread(target=opened.prepare, name="prepare", daemon=True).start()
        anyio.run(_serve, opened)


async def _serve(opened: Opened) -> None:
    server = open_server(lambda _: opened())
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


class Opened:
    """An asker that is opened at its first use, again after that failed, and again when `where` it is has changed."""

    def __init__(self, opening: Callable[[], AbstractContextManager[Asker]], where: Callable[[], str | None]) -> None:
        self._opening, self._where = opening, where
        self._stack, self._lock = ExitStack(), threading.Lock()
        self._asker: Asker | None = None
        self._place: str | None = None

    def __call__(self) -> Asker:
        """The asker. Raises ClusterTalksError."""
        with self._lock:
            if self._asker is None or self._where() != self._place:
                self._asker = self._reopened()
            return self._asker

    def _reopened(self) -> Asker:
        self._asker = None
        self._stack.close()
        self._place = self._where()
        return self._stack.enter_context(self._opening())

    def prepare(self) -> None:
        """Open it ahead of its first use; what goes wrong is told to who asks."""
        with suppress(ClusterTalksError):
            self()

    def close(self) -> None:
        """Let go of what was opened."""
        with self._lock:
            self._stack.close()


def _remote(url: str, settings: Settings) -> Opened:
    def opening() -> AbstractContextManager[Asker]:
        from assistant.asking import open_remote

        return open_remote(url, settings.key.get_secret_value())

    return Opened(opening, lambda: url)


def _own_folder(settings: Settings) -> Opened:
    def opening() -> AbstractContextManager[Asker]:
        from assistant.asking import open_asker

        return open_asker(settings)

    def where() -> str | None:
        from assistant.wiring import DataFolder

        return DataFolder(settings.data).served_at()

    return Opened(opening, where)
