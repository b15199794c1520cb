"""The chat page."""

from __future__ import annotations

from fastapi import FastAPI

from assistant.api.state import State
from assistant.ask import Assistant


def mount(app: FastAPI, state: State, assistant: Assistant) -> None:
    """Put the chat page at / of the running application."""
