"""How the work of an answer runs: stage by stage in threads of its own, and no further than there is somebody to hear.

The event loop takes turns between all who ask. A reader who is slow holds no thread, only the place in its answer.
"""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing
from typing import Annotated, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from fastapi import Depends, Request

from assistant.records import Waiting

T = TypeVar("T")

# Answers that are worked on at once: more would only wait for each other, and for the threads of other requests.
AT_ONCE = max(4, 2 * (os.cpu_count() or 1))


class Threads:
    """So many threads at once for one kind of work, however busy the others are."""

    def __init__(self, name: str, count: int) -> None:
        self._count = count
        self._limiter: RunVar[CapacityLimiter] = RunVar(name)

    def __call__(self) -> CapacityLimiter:
        """The limiter of the event loop that this is called in."""
        limiter = self._limiter.get(None)
        if limiter is None:
            self._limiter.set(limiter := CapacityLimiter(self._count))
        return limiter


asking = Threads("asking", AT_ONCE)


async def stages(events: Iterator[T | Waiting]) -> AsyncGenerator[T, None]:
    """The events, none of them None, each worked out in a thread; while there is nothing to tell, nothing. Nothing
    further is done once nobody takes them."""
    with closing(events):  # type: ignore[type-var]
        while (event := await to_thread.run_sync(next, events, None, limiter=asking())) is not None:
            if not isinstance(event, Waiting):
                yield event


async def _until_answered() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


# What is entered here is left when the request is over. A generator that a route yields from is not closed by FastAPI
# when a stream breaks off while it sends, but some time later by Python; until then a model would go on writing.
AtTheEnd = Annotated[AsyncExitStack, Depends(_until_answered)]


async def last(events: Iterator[T], request: Request) -> T | None:
    """The last event, all worked out in one thread; when the client goes away the work stops after the stage it is in,
    and that event is returned. Raises what the work raises."""
    gone = threading.Event()

    def work() -> T | None:
        newest = None
        with closing(events):  # type: ignore[type-var]
            for event in events:
                newest = event
                if gone.is_set():
                    break
        return newest

    newest, failure = None, None
    async with anyio.create_task_group() as group:
        group.start_soon(_watch, request, gone)
        try:
            newest = await to_thread.run_sync(work, limiter=asking())
        except Exception as error:  # raised in here, the group would wrap it
            failure = error
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return newest


async def _watch(request: Request, gone: threading.Event) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    gone.set()
