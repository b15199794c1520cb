"""Where the server takes the page from: Gradio is imported here, without what only its own developers need of that."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI

    from assistant.api.state import State
    from assistant.ask import Assistant


def mount(app: FastAPI, state: State, assistant: Assistant) -> None:
    """Put the chat page at / of the running application."""
    with _without_stubs():
        from ui import page
    page.mount(app, state, assistant)


@contextmanager
def _without_stubs() -> Iterator[None]:
    """Each time that Gradio is imported it compares its .pyi files with the sources of its components, a third of that
    time, but leaves it where a component has no source."""
    found = inspect.getfile

    def getfile(thing: Any) -> str:  # noqa: ANN401 - as the library has it
        if isinstance(thing, type) and thing.__module__.startswith("gradio."):
            raise OSError("not looked for")
        return found(thing)

    setattr(inspect, "getfile", getfile)  # noqa: B010 - to the type checker it is a constant
    try:
        yield
    finally:
        setattr(inspect, "getfile", found)  # noqa: B010
