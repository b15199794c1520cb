"""What the running server knows about itself: whether it is ready, and the assistant once it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from assistant.ask import Assistant
from assistant.errors import NotReady
from assistant.settings import Settings


class State:
    """Shared by all requests of one server process. `settings` are those it was started with, by default the defaults;
    `corpus` is the folder that documents are put in, `keeping` tells what is kept of questions and feedback."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.model_construct()
        self.corpus, self.keeping = self.settings.corpus, self.settings.keeping
        self._assistant: Assistant | None = None
        self._closers: list[Callable[[], None]] = []
        self.stage = "starting"
        self.done = 0
        self.total = 0
        self.failure: str | None = None
        self.page = False  # whether the chat page is there; it comes a little after the first answers

    def progress(self, stage: str, done: int, total: int) -> None:
        """Note how far the warm-up is."""
        self.stage, self.done, self.total = stage, done, total

    def serve(self, assistant: Assistant) -> None:
        """From now on questions are answered."""
        self._assistant = assistant
        self.stage = "ready"

    def fail(self, error: Exception) -> None:
        """Note why the server cannot become ready, or what failed after it had."""
        self.failure = str(error)
        self.stage = "failed"

    @property
    def ready(self) -> bool:
        """Whether questions are answered."""
        return self._assistant is not None

    @property
    def assistant(self) -> Assistant:
        """The assistant. Raises NotReady."""
        if self._assistant is None:
            raise NotReady(
                self.failure or f"The documents are being prepared ({self.stage} {self.done} of {self.total}).",
                "" if self.failure else "Try again in a moment; GET /readyz tells when.",
            )
        return self._assistant

    def on_close(self, closer: Callable[[], None]) -> None:
        """Call `closer` when the server stops."""
        self._closers.append(closer)

    def close(self) -> None:
        """Let go of everything that was opened."""
        while self._closers:
            self._closers.pop()()


def get_state(request: Request) -> State:
    """The server's state, for routes."""
    state: State = request.app.state.assistant
    return state


def get_assistant(state: Annotated[State, Depends(get_state)]) -> Assistant:
    """The assistant, for routes that need it ready."""
    return state.assistant


StateNow = Annotated[State, Depends(get_state)]
Ready = Annotated[Assistant, Depends(get_assistant)]
