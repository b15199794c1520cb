"""Opening an edition where it will be served, while it is still being checked: where another process built it, its word
index is made here and nobody's question waits for that. Once it is served, its new passages are read beforehand, and
what was kept of those that went is let go."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from assistant.ask import Assistant
from assistant.away import Away

LOOK_SECONDS = 1.0


def follow(assistant: Assistant, stopping: Callable[[], bool]) -> threading.Thread:
    """Open the newest edition that is whole, and each that comes later; ends soon after `stopping`."""
    thread = threading.Thread(target=_follow, args=(assistant, stopping), name="follow", daemon=True)
    thread.start()
    return thread


def _follow(assistant: Assistant, stopping: Callable[[], bool]) -> None:
    opened = served = 0
    while not stopping():
        try:
            opened = _open_newest(assistant, opened)
            served = _prepare_served(assistant, served)
        except Away:  # looked for again
            logging.getLogger(__name__).debug("The newest edition cannot be looked for")
        time.sleep(LOOK_SECONDS)


def _open_newest(assistant: Assistant, opened: int) -> int:
    newest = assistant.library.newest()
    if newest != opened:
        try:
            assistant.retriever.index(assistant.library.edition(newest))
        except Away:
            raise
        except Exception:  # whoever asks it is told
            logging.getLogger(__name__).warning("Edition %s cannot be opened", newest, exc_info=True)
    return newest


def _prepare_served(assistant: Assistant, prepared: int) -> int:
    served = assistant.library.current().number
    if prepared not in (0, served):  # the first one is prepared by who opens the assistant
        assistant.prepare()
    return served
