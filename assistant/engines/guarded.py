"""A model that is asked only while it makes sense: not by more at once than it can take, not longer than a reader
waits, not past the tokens of a day, and not while it keeps failing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from assistant.engines.model import TICK, Model, ModelFailed, NotNow, Prompt
from assistant.settings import Settings

FAILURES = 3  # in a row, after which a model is left alone
PAUSE = 30.0  # seconds, after which one question tries it again
FEW_CHARACTERS, MANY_CHARACTERS = 3, 10  # of a token: what is spent is counted by few; more than many is no answer
DAY = 86_400  # seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """`seconds`: from the question to the last word; `at_once`: answers that are written at the same time;
    `tokens_a_day`: read and written together, as estimated, 0: any number."""

    seconds: float = 30
    at_once: int = 4
    tokens_a_day: int = 0


def limits_of(settings: Settings) -> Limits:
    """The limits that are set."""
    return Limits(settings.model_timeout, settings.model_at_once, settings.model_tokens_a_day)


class Guarded:
    """The model within its limits; itself a Model. `now`: a clock in seconds."""

    def __init__(self, model: Model, limits: Limits, now: Callable[[], float] = time.monotonic) -> None:
        self.name = model.name
        self._model, self._limits, self._now = model, limits, now
        self._turns = threading.Semaphore(limits.at_once)
        self._lock = threading.Lock()
        self._failures, self._closed_until = 0, 0.0
        self._day, self._spent = 0, 0

    def write(self, prompt: Prompt) -> Iterator[str]:
        """As Model.write. Raises ModelFailed also where the model is not to be asked."""
        self._admit()
        deadline = self._now() + min(self._limits.seconds, prompt.seconds)
        while not self._turns.acquire(timeout=TICK):
            if self._now() > deadline:
                raise NotNow(f"{self._limits.at_once} answers were being written all the time.")
            yield ""
        try:
            self._spend(prompt)
            yield from self._watched(prompt, deadline)
        finally:
            self._turns.release()

    def tried(self) -> str:
        """As Model.tried, without these limits."""
        return self._model.tried()

    def close(self) -> None:
        """As Model.close."""
        self._model.close()

    def _watched(self, prompt: Prompt, deadline: float) -> Iterator[str]:
        whole = room = prompt.tokens * MANY_CHARACTERS
        try:
            with closing(self._model.write(prompt)) as pieces:  # type: ignore[type-var]
                for piece in pieces:
                    room -= len(piece)
                    if self._now() > deadline:
                        raise ModelFailed("It took too long.")
                    if room < 0:
                        raise ModelFailed("It wrote far more than it was asked for.")
                    yield piece
        except NotNow:
            raise
        except ModelFailed:
            self._failed()
            raise
        except GeneratorExit:
            if room < whole:  # it writes; its reader has enough or is gone
                self._worked()
            raise
        self._worked()

    def _worked(self) -> None:
        self._failures, self._closed_until = 0, 0.0

    def _admit(self) -> None:
        with self._lock:
            if self._now() < self._closed_until:
                raise ModelFailed(f"It failed {self._failures} times in a row, and rests for {PAUSE:g} s.")
            if self._failures >= FAILURES:
                self._closed_until = self._now() + PAUSE  # this question tries it; others do not wait for it

    def _failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES:
                self._closed_until = self._now() + PAUSE

    def _spend(self, prompt: Prompt) -> None:
        cost = (len(prompt.system) + len(prompt.user)) // FEW_CHARACTERS + prompt.tokens
        with self._lock:
            if (today := int(time.time() // DAY)) != self._day:
                self._day, self._spent = today, 0
            if 0 < self._limits.tokens_a_day < self._spent + cost:
                raise ModelFailed(f"The {self._limits.tokens_a_day:,} tokens of today are spent.")
            self._spent += cost
