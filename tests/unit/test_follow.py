"""Editions are opened and read beforehand as they come."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from assistant import follow
from assistant.away import Away

Looks = list[tuple[int, int]]  # the newest edition and the one served, at each look


class Watched:
    """An assistant whose library tells another thing at each look; (0, 0): it cannot be reached."""

    def __init__(self, looks: Looks) -> None:
        self.done: list[str] = []
        self._looks = looks
        self.library: Any = SimpleNamespace(newest=self._newest, current=self._current, edition=str)
        self.retriever: Any = SimpleNamespace(index=lambda edition: self.done.append(f"open {edition}"))

    def follow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Look until there is nothing more to tell."""
        monkeypatch.setattr(follow, "time", SimpleNamespace(sleep=lambda _: self._looks.pop(0)))
        monkeypatch.setattr(follow, "settle", lambda: self.done.append("settle"))
        follow._follow(self, lambda: not self._looks)  # type: ignore[arg-type]

    def prepare(self) -> None:
        self.done.append(f"prepare {self._looks[0][1]}")

    def _newest(self) -> int:
        if not any(self._looks[0]):
            raise Away("The database", "CLUSTER_TALKS_DATABASE_URL")
        return self._looks[0][0]

    def _current(self) -> Any:
        return SimpleNamespace(number=self._looks[0][1])


@pytest.mark.parametrize(
    ("looks", "done"),
    [
        ([(1, 1), (1, 1)], ["open 1", "prepare 1", "settle"]),
        ([(1, 1), (2, 1), (2, 2)], ["open 1", "prepare 1", "settle", "open 2", "prepare 2"]),
        ([(2, 2), (2, 1)], ["open 2", "prepare 2", "settle", "prepare 1"]),
        ([(0, 0), (2, 2)], ["open 2", "prepare 2", "settle"]),
        ([(1, 1), (0, 0), (2, 2)], ["open 1", "prepare 1", "settle", "open 2", "prepare 2"]),
    ],
    ids=["nothing new", "built, then published", "rolled back", "away at first", "away for a while"],
)
def test_editions_are_opened_once_whole_and_prepared_once_served(
    looks: Looks, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    watched: Any = Watched(list(looks))
    watched.follow(monkeypatch)
    assert watched.done == done


def test_an_edition_that_cannot_be_read_beforehand_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Panic(BaseException):
        pass

    def broken() -> None:
        watched.done.append("broken")
        raise Panic

    watched: Any = Watched([(1, 1), (1, 1), (2, 1)])
    watched.prepare = broken
    watched.follow(monkeypatch)
    assert watched.done == ["open 1", "broken", "settle", "open 2"]


def test_a_library_that_fails_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    watched: Any = Watched([(1, 1), (2, 2), (2, 2)])
    watched.library.newest = Mock(side_effect=[1, RuntimeError("The disk fails"), 2])
    watched.follow(monkeypatch)
    assert watched.done == ["open 1", "prepare 1", "settle", "open 2", "prepare 2"]
