"""What runs elsewhere and may be away for a while: a database server, a Chroma server.

Whoever talks to one raises Away when it does not answer. Nothing is remembered of that: the next request tries anew.
"""

from __future__ import annotations

from assistant.errors import ClusterTalksError


class Away(ClusterTalksError):
    """A server that this one needs does not answer; `setting` is where its address stands."""

    status = 503
    title = "A part of the service does not answer"
    wait = 2

    def __init__(self, part: str, setting: str) -> None:
        super().__init__(f"{part} does not answer.", f"Try again in a moment; if it lasts, see {setting}.")
