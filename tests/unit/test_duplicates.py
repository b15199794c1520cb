"""Documents that say nearly the same."""

from __future__ import annotations

from ingest.duplicates import alike, near_duplicates, sketch

WORDS = [f"word{n}" for n in range(400)]
TEXT = " ".join(WORDS)
NEAR = " ".join([*WORDS[:200], "another", *WORDS[201:]])
FAR = " ".join(reversed(WORDS))


def test_sketches_tell_how_much_two_texts_share() -> None:
    assert alike(sketch(TEXT), sketch(TEXT.upper())) == 1.0
    assert alike(sketch(TEXT), sketch(NEAR)) > 0.9
    assert alike(sketch(TEXT), sketch(" ".join(WORDS[:200]))) < 0.7
    assert alike(sketch(TEXT), sketch(FAR)) == 0.0
    assert sketch("too short") == []
    assert alike([], []) == 0.0


def test_pairs_are_named_once_and_only_with_something_new() -> None:
    sketches = {name: sketch(text) for name, text in {"a": TEXT, "b": NEAR, "c": FAR, "d": "short"}.items()}
    assert near_duplicates(sketches, sketches) == [("a", "b")]
    assert near_duplicates({"b": sketches["b"]}, sketches) == [("a", "b")]
    assert near_duplicates({"c": sketches["c"]}, sketches) == []


def test_many_copies_are_told_beside_the_first_ones() -> None:
    copies = {f"{n:03}": sketch(TEXT) for n in range(60)}
    assert {pair[1] for pair in near_duplicates(copies, copies)} == {f"{n:03}" for n in range(1, 60)}
