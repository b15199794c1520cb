"""The passages that a model is shown and that its sentences are checked against: those of the evidence first, then the
others that were found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from assistant.citations import Place
from assistant.engines import Task
from assistant.records import Hit
from assistant.verify import Source
from assistant.verify.orders import gives_orders

MOST = 6
CHARACTERS = 6_000
MARKS = {"item": "- ", "row": "| "}


@dataclass(frozen=True)
class Passages:
    """`places`: every unit that a sentence may rest on, passage by passage; `sources`: the same, in the same order, as
    the verifier takes them."""

    places: tuple[Place, ...]
    sources: tuple[Source, ...]

    def text(self) -> str:
        """As a model reads them, numbered from 1: it garbles the ids of passages."""
        units: dict[str, list[Place]] = {}
        for hit, unit in self.places:
            units.setdefault(hit.chunk.id, []).append((hit, unit))
        return "\n\n".join(f"[{number}] {_told(places)}" for number, places in enumerate(units.values(), 1))


def passages_for(task: Task) -> Passages:
    """At most MOST passages of about CHARACTERS in all, the evidence first; not what is recorded as unknown."""
    hits = {hit.chunk.id: hit for hit in (*(quote.hit for quote in task.quotes), *task.hits) if not hit.chunk.gap}
    shown = list(_within(islice(filter(stating, hits.values()), MOST)))
    rows = task.rows([hit.chunk for hit in shown])
    places = tuple((hit, unit) for hit in shown for unit in stating(hit))
    return Passages(places, tuple(_source(hit, unit, rows.get(hit.chunk.id)) for hit, unit in places))


def stating(hit: Hit) -> list[int]:
    """The units of a passage that state something; one that gives orders to a machine does not."""
    if gives_orders(_over(hit)):
        return []
    said = filter(hit.chunk.quotable, range(len(hit.chunk.units)))
    return [number for number in said if not gives_orders(hit.chunk.unit_text(number))]


def _within(hits: Iterable[Hit]) -> Iterator[Hit]:
    room = CHARACTERS
    for hit in hits:
        if room <= 0:
            return
        room -= len(hit.chunk.text)
        yield hit


def _source(hit: Hit, unit: int, rows: NDArray[np.float32] | None) -> Source:
    vector = None if rows is None else rows[1 + unit]  # the first is the passage's
    return Source(hit.chunk.unit_text(unit), _over(hit), hit.document.language, hit.chunk.period, vector)


def _over(hit: Hit) -> str:
    return " > ".join((hit.document.title, *hit.chunk.anchor.path))


def _unnumbered(text: str) -> str:
    """A unit that does not look like the beginning of a passage."""
    return re.sub(r"^\[(\d+)\]", r"(\1)", text)


def _told(places: list[Place]) -> str:
    hit = places[0][0]
    days = [day.isoformat() for day in (hit.chunk.period.start, hit.chunk.period.until) if day]
    holds = f" (holds {' to '.join(days)})" if days else ""
    units = (MARKS.get(hit.chunk.units[unit].kind, "") + _unnumbered(hit.chunk.unit_text(unit)) for _, unit in places)
    return "\n".join((f"{_over(hit)}{holds}", *units))
