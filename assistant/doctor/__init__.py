"""Whether what is installed here works: one line a part, with what to do where it does not.

A check is a function of the settings that returns what it found, or raises: Warned where a part works but not as it
should, any other ClusterTalksError where it does not work. It is a line of CHECKS, the quick ones first. No check takes
a lock or writes to a store, so a running server is not disturbed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from assistant.doctor import access, machine, models, stores
from assistant.doctor.warned import Warned
from assistant.errors import ClusterTalksError, NotReady, ReaderBroken
from assistant.settings import Settings

State = Literal["ok", "warning", "broken"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was found of one part, and what to do about it. "warning": it works, but not as it should."""

    part: str
    state: State
    found: str
    remedy: str = ""


def examine(settings: Settings) -> Iterator[Check]:
    """Check each part of CHECKS. Opens models, which takes some seconds."""
    for part, check in CHECKS.items():
        yield _examined(part, check, settings)


def _examined(part: str, check: Callable[[Settings], str], settings: Settings) -> Check:
    try:
        return Check(part, "ok", check(settings))
    except (Warned, NotReady, ReaderBroken) as error:
        return Check(part, "warning", error.detail, error.remedy)
    except ClusterTalksError as error:
        return Check(part, "broken", error.detail, error.remedy)
    except Exception as error:  # a library's own: the other parts are checked all the same
        first = (str(error) or type(error).__name__).splitlines()[0]
        return Check(part, "broken", f"{type(error).__name__}: {first}", "If this does not tell you more, tell us.")


CHECKS: dict[str, Callable[[Settings], str]] = {
    "settings": machine.settings,
    "python": machine.python,
    "packages": machine.packages,
    "clock": machine.clock,
    "disk": machine.disk,
    "folder": machine.folder,
    "port": access.port,
    "library": stores.library,
    "keys": access.keys,
    "words": stores.words,
    "vectors": stores.vectors,
    "redis": access.redis,
    "traces": access.traces,
    "questions": models.questions,
    "engine": models.engine,
    "embedder": models.embedder,
    "reader": models.reader,
}
