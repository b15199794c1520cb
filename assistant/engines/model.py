"""What an engine that writes needs of a language model, wherever that runs. What a model writes is untrusted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

TICK = 0.25  # seconds


class ModelFailed(Exception):
    """The model gave nothing that can be used; the message says why, for those who run the assistant."""


class NotNow(ModelFailed):
    """It is no fault of the model: it is not ready yet, or others have its turn."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is told: the rules, and the question with its passages. `tokens`: how many it may write, `seconds`:
    how long it may take, where that is less than is set."""

    system: str
    user: str
    tokens: int = 400
    seconds: float = math.inf


A_WORD = Prompt("Say yes.", "Yes?", 16)


def write_a_word(model: Model) -> str:
    """The name of a model that can write. Raises ModelFailed."""
    if not "".join(model.write(A_WORD)).strip():
        raise ModelFailed("It wrote nothing.")
    return model.name


class Model(Protocol):
    """Writes. `name`: as answers tell it, for example "chat:openai:gpt-4.1-mini"."""

    name: str

    def write(self, prompt: Prompt) -> Iterator[str]:
        """The text in pieces, as it comes about. While there is none, an empty piece every TICK seconds, so that who
        waits can stop waiting; closing the iterator stops the model at once. Raises ModelFailed."""
        ...

    def tried(self) -> str:
        """Has it write a word; what to tell of it. Raises ModelFailed."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...
