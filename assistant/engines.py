"""How an answer is worded from its evidence. To add an engine: write a class, add a line to ENGINES.

The default needs no language model: it says the sentences of the evidence as they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from assistant.citations import Numbers
from assistant.errors import BadSetting
from assistant.evidence import Quote
from assistant.records import Sentence
from assistant.settings import Settings


@dataclass(frozen=True, slots=True)
class Task:
    """What an engine gets: the stand-alone question, its evidence and the citation number of each quoted unit."""

    question: str
    language: str
    quotes: Sequence[Quote]
    numbers: Numbers


class Engine(Protocol):
    """Words an answer, sentence by sentence."""

    name: str

    def compose(self, task: Task) -> Iterator[Sentence]:
        """The sentences of the answer, each with its citation numbers."""
        ...


class QuotesEngine:
    """Says the evidence verbatim, in reading order within a passage; list items stay list items."""

    name = "quotes"

    def compose(self, task: Task) -> Iterator[Sentence]:
        """One sentence a quote."""
        for quote in task.quotes:
            kind = quote.hit.chunk.units[quote.unit].kind
            yield Sentence(
                text=quote.hit.chunk.unit_text(quote.unit),
                citations=(task.numbers[quote.hit.chunk.id, quote.unit],),
                layout="item" if kind in ("item", "row") else "text",
                highlight=quote.highlight,
            )


ENGINES: dict[str, Callable[[str, Settings], Engine]] = {"quotes": lambda _, __: QuotesEngine()}


def open_engine(settings: Settings) -> Engine:
    """The engine that the setting names ("KIND" or "KIND:MODEL"). Raises BadSetting."""
    kind, _, model = settings.engine.partition(":")
    if kind not in ENGINES:
        raise BadSetting(f"There is no engine {kind!r}.", f"Choose one of: {', '.join(ENGINES)}.")
    return ENGINES[kind](model, settings)
