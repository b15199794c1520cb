"""How a Chroma server is spoken to, which may be away."""

from __future__ import annotations

from typing import Any

import httpx

from assistant.away import Away

PATIENCE = httpx.Timeout(20, connect=3)  # seconds it may take
UPSTREAM = (502, 503, 504)  # what a proxy before it says when it is away
AWAY = ("The Chroma server", "CLUSTER_TALKS_CHROMA_URL")


class Session(httpx.Client):
    """Requests to a Chroma server that may be away: asked twice where a connection breaks, then told as Away."""

    def request(self, method: str, url: Any, **more: Any) -> httpx.Response:  # noqa: ANN401
        """Its response. Raises Away."""
        try:
            return self._asked(method, url, **more)
        except httpx.TimeoutException as error:
            raise Away(*AWAY) from error
        except httpx.TransportError:
            return self._again(method, url, **more)

    def _again(self, method: str, url: Any, **more: Any) -> httpx.Response:  # noqa: ANN401
        try:
            return self._asked(method, url, **more)
        except httpx.TransportError as error:
            raise Away(*AWAY) from error

    def _asked(self, method: str, url: Any, **more: Any) -> httpx.Response:  # noqa: ANN401
        response = super().request(method, url, **more)
        if response.status_code in UPSTREAM:
            raise Away(*AWAY)
        return response
