"""Values by key, of which those asked for last stay at hand: for what never changes, as the passages of an edition."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class AtHand(Generic[K, T]):
    """Keeps the `size` values asked for last. `fetch` gives those of several keys at once, without unknown ones."""

    def __init__(self, fetch: Callable[[Sequence[K]], Mapping[K, T]], size: int) -> None:
        self._fetch, self._size = fetch, size
        self._kept: OrderedDict[K, T] = OrderedDict()  # at the end: what was asked for last
        self._using = threading.Lock()

    def __call__(self, keys: Sequence[K]) -> dict[K, T]:
        """The values that there are, in the order of the keys."""
        with self._using:
            known = {key: self._kept[key] for key in keys if key in self._kept}
        missing = [key for key in keys if key not in known]
        known |= self._fetch(missing) if missing else {}
        found = {key: known[key] for key in keys if key in known}
        self._keep(found)
        return found

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def keep_only(self, keys: Container[K]) -> None:
        """Let go of the values of all other keys."""
        with self._using:
            for key in [key for key in self._kept if key not in keys]:
                del self._kept[key]

    def _keep(self, found: Mapping[K, T]) -> None:
        with self._using:
            for key, value in found.items():
                self._kept[key] = value
                self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
