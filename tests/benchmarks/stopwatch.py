"""Seconds inside functions of the running program, without a change to it: a run is timed where its stages are.

To time another stage, add a line to PLACES.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

# Stage -> where its work is done. "read" runs beside the others, in a process of its own.
PLACES: dict[str, tuple[str, ...]] = {
    "read": ("ingest.isolate.Nursery.read",),
    "cut": ("ingest.places.made.cut",),
    "keep text": ("assistant.library.Library.add_version",),
    "embed": ("assistant.embedders.BundledE5.embed_documents", "tests.benchmarks.known.KnownEmbedder.embed_documents"),
    "store": ("assistant.vectors.EditionVectors.add",),
    "index": ("ingest.build.build_lexical",),
}


@contextmanager
def timed(places: dict[str, tuple[str, ...]] = PLACES) -> Iterator[dict[str, float]]:
    """The seconds by stage, which grow while the block runs."""
    seconds: dict[str, float] = defaultdict(float)
    with ExitStack() as patched:
        for stage, names in places.items():
            for name in names:
                patched.enter_context(_timed(stage, name, seconds))
        yield seconds


@contextmanager
def _timed(stage: str, name: str, seconds: dict[str, float]) -> Iterator[None]:
    place, _, function = name.rpartition(".")
    with patch(name, _timing(stage, _at(place, function), seconds)):
        yield


def _at(place: str, function: str) -> Callable[..., Any]:
    from pkgutil import resolve_name

    found: Callable[..., Any] = getattr(resolve_name(place), function)
    return found


def _timing(stage: str, function: Callable[..., Any], seconds: dict[str, float]) -> Callable[..., Any]:
    @wraps(function)
    def run(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            seconds[stage] += time.perf_counter() - began

    return run
