"""What was asked for last stays at hand."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.at_hand import AtHand


def test_only_what_is_not_at_hand_is_fetched_and_unknown_keys_are_left_out() -> None:
    fetched: list[list[str]] = []

    def fetch(keys: Sequence[str]) -> dict[str, str]:
        fetched.append(list(keys))
        return {key: key.upper() for key in reversed(keys) if key != "?"}

    values = AtHand(fetch, size=2)
    assert list(values(["a", "?", "b"]).items()) == [("a", "A"), ("b", "B")]
    assert values(["b", "a"]) == {"a": "A", "b": "B"}
    values(["c"])  # takes the place of b, which was asked for before a
    values(["a", "b"])
    assert fetched == [["a", "?", "b"], ["c"], ["b"]]


def test_more_than_is_kept_is_given_whole() -> None:
    values = AtHand(lambda keys: dict.fromkeys(keys, 1), size=1)
    assert values(["a", "b", "c"]) == {"a": 1, "b": 1, "c": 1}


def test_what_is_not_wanted_any_more_is_let_go() -> None:
    fetched: list[str] = []

    def fetch(keys: Sequence[str]) -> dict[str, int]:
        fetched.extend(keys)
        return dict.fromkeys(keys, 1)

    values = AtHand(fetch, size=3)
    values(["a", "b", "c"])
    values.keep_only({"b", "d"})
    values(["a", "b"])
    assert fetched == ["a", "b", "c", "a"]
