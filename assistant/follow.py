"""Opening an edition where it will be served, while it is still being checked: where another process built it, its word
index is made here and nobody's question waits for that. What is served is read beforehand, as far as
the reader keeps it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from assistant.ask import Assistant
from assistant.away import Away
from assistant.memory import settle

LOOK_SECONDS = 1.0


def follow(assistant: Assistant, stopping: Callable[[], bool]) -> threading.Thread:
    """Open the newest edition that is whole, and each that comes later; ends soon after `stopping`."""
    thread = threading.Thread(target=_follow, args=(assistant, stopping), name="follow", daemon=True)
    thread.start()
    return thread


def _follow(assistant: Assistant, stopping: Callable[[], bool]) -> None:
    opened = prepared = 0
    while not stopping():
        try:
            opened = _open_newest(assistant, opened)
            prepared = _prepare_served(assistant, prepared)
        except Away:  # looked for again
            logging.getLogger(__name__).debug("The newest edition cannot be looked for")
        except Exception:
            logging.getLogger(__name__).warning("The newest edition cannot be looked for", exc_info=True)
        time.sleep(LOOK_SECONDS)


def _open_newest(assistant: Assistant, opened: int) -> int:
    newest = assistant.library.newest()
    if newest != opened:
        _try("opened", newest, lambda: assistant.retriever.index(assistant.library.edition(newest)))
    return newest


def _prepare_served(assistant: Assistant, prepared: int) -> int:
    served = assistant.library.current().number
    if served != prepared:
        _try("read beforehand", served, assistant.prepare)
    if not prepared:
        settle()  # with that the server has what it keeps
    return served


def _try(what: str, edition: int, act: Callable[[], object]) -> None:
    """Once: where it fails, whoever asks the edition is told."""
    try:
        act()
    except Away:
        raise
    except BaseException:  # a panic of Chroma is no Exception
        logging.getLogger(__name__).warning("Edition %s cannot be %s", edition, what, exc_info=True)
