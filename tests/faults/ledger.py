"""What was done and what of it was acknowledged, and so which states a kill may leave behind."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from typing import Any


class Refused(Exception):
    """What was asked for was not done, and that was said."""


@dataclass
class Deed:
    """`value` is written to the register `kind`; acknowledged at `ended`, not yet while that is infinite."""

    kind: str
    value: Any
    began: float
    ended: float = inf

    @property
    def acknowledged(self) -> bool:
        return self.ended < inf


@dataclass
class Ledger:
    """All deeds of a run of kills, and what was found wrong on the way."""

    deeds: list[Deed] = field(default_factory=list)
    said: dict[int, set[int]] = field(default_factory=dict)  # what the answers of each edition said
    faults: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def doing(self, kind: str, value: Any) -> Iterator[Deed]:
        """A block that ends when the deed is acknowledged; one that is Refused was never done."""
        deed = Deed(kind, value, time.monotonic())
        with self._lock:
            self.deeds.append(deed)
        try:
            yield deed
        except Refused:
            self._remove(deed)
            return
        deed.ended = time.monotonic()

    def note(self, kind: str, value: Any) -> None:
        """What is known to be so now."""
        with self.doing(kind, value):
            pass

    def acknowledged(self, kind: str) -> list[Deed]:
        with self._lock:
            return [deed for deed in self.deeds if deed.kind == kind and deed.acknowledged]

    def values(self, kind: str) -> set[Any]:
        """All that was acknowledged."""
        return {deed.value for deed in self.acknowledged(kind)}

    def possible(self, kind: str) -> set[Any]:
        """The values that a register may have: of each deed that no later one has replaced for certain."""
        certain = max((deed.began for deed in self.acknowledged(kind)), default=-inf)
        with self._lock:
            return {deed.value for deed in self.deeds if deed.kind == kind and deed.ended >= certain}

    def open(self) -> dict[str, int]:
        """How many deeds of each kind are under way."""
        with self._lock:
            return dict(Counter(deed.kind for deed in self.deeds if not deed.acknowledged))

    def counts(self) -> Counter[str]:
        with self._lock:
            return Counter(deed.kind for deed in self.deeds if deed.acknowledged)

    def settle(self) -> None:
        """Forget what was under way: what came of it has been looked at."""
        with self._lock:
            self.deeds[:] = [deed for deed in self.deeds if deed.acknowledged]

    def _remove(self, deed: Deed) -> None:
        with self._lock, suppress(ValueError):
            self.deeds.remove(deed)
