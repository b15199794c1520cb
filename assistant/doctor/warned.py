"""How a check says that a part works, but not as it should."""

from __future__ import annotations

from assistant.errors import ClusterTalksError


class Warned(ClusterTalksError):
    """A part works, but not as it should."""
