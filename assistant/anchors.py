"""Where a quote stands, in words: "Rights › p. 3", "slide 2", "Sheet1 › row 7", "1:15".

An anchor is that of the JSON interface. A place that a new format brings is one more line of PLACES.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from assistant.places import clock

PLACES: dict[str, Callable[[Any], str]] = {
    "page": "p. {}".format,
    "slide": "slide {}".format,
    "sheet": str,
    "row": "row {}".format,
    "speaker": str,
    "start": clock,
}


def place(anchor: Mapping[str, Any]) -> str:
    """The headings and the place below them, "" for an anchor that tells neither."""
    return " › ".join(_steps(anchor))


def _steps(anchor: Mapping[str, Any]) -> Iterator[str]:
    yield from anchor["heading"]
    for name, form in PLACES.items():
        if anchor[name] is not None:
            yield form(anchor[name])
