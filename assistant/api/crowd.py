"""How many requests may wait for answers in one process: beyond CROWD a client is told when to come back.

They wait for the threads that answer (`running.py`). With more askers than it can serve each would wait longer than the
one before, until all have gone away before their answers come. A route that answers questions takes the assistant as
Free. The chat page has a queue of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Depends

from assistant.api.running import AT_ONCE
from assistant.api.state import Ready
from assistant.ask import Assistant
from assistant.errors import Crowded

CROWD = 64 * AT_ONCE  # on two cores 256: a quarter of a minute of quoted answers


class Crowd:
    """Those whose questions are answered or wait, up to `most`."""

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place among them until the block ends. Raises Crowded."""
        if self.held >= self.most:
            raise Crowded(f"{self.held} questions are waiting.", f"Ask again in {Crowded.wait} seconds.")
        self.held += 1
        try:
            yield
        finally:
            self.held -= 1


crowd = Crowd(CROWD)


async def get_free(assistant: Ready) -> AsyncIterator[Assistant]:
    """The assistant, for routes that answer; their request has arrived whole by then."""
    with crowd.place():
        yield assistant


Free = Annotated[Assistant, Depends(get_free)]
