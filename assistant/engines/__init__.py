"""How an answer is worded from its evidence. To add an engine: write a class, add a line to ENGINES.

The default needs no language model: it says the sentences of the evidence as they stand. One that writes (`written.py`)
words them anew with a model (`model.py`: `chat.py`, `local`); only sentences that its passages bear out are said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.citations import Place
from assistant.errors import BadSetting
from assistant.evidence import Quote
from assistant.names import Names
from assistant.records import Chunk, Hit, Sentence, SentenceKind, Turn, Waiting
from assistant.settings import Settings

if TYPE_CHECKING:
    from assistant.embedders import Embedder


@dataclass(frozen=True, slots=True)
class Task:
    """What an engine gets: the stand-alone question, its evidence, the passages that were found, best first, and of the
    edition its names and the vectors that it has of passages, by their ids: their own, their units', their questions'.
    """

    question: str
    language: str
    quotes: Sequence[Quote]
    hits: Sequence[Hit]
    names: Names
    rows: Callable[[Sequence[Chunk]], Mapping[str, NDArray[np.float32]]]


@dataclass(frozen=True, slots=True)
class Worded:
    """A sentence of an answer, as `records.Sentence`, with the places that it rests on."""

    text: str
    places: tuple[Place, ...] = ()
    kind: SentenceKind = "quote"
    layout: Literal["text", "item"] = "text"
    highlight: tuple[int, int] | None = None

    def sentence(self, citations: tuple[int, ...]) -> Sentence:
        """The same with the numbers of its places."""
        return Sentence(self.text, citations, self.kind, self.layout, self.highlight)


class Engine(Protocol):
    """Words an answer, sentence by sentence. `repeats`: the same task always gives the same sentences."""

    name: str
    repeats: bool

    def compose(self, task: Task) -> Iterator[Worded | Waiting]:
        """The sentences of the answer, each with its places."""
        ...

    def restated(self, question: str, history: Sequence[Turn]) -> str | None:
        """A follow-up as a question that stands alone, where the engine can tell."""
        ...

    def tried(self) -> str:
        """What to tell of it when it works. Raises ModelFailed where it does not."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class QuotesEngine:
    """Says the evidence verbatim, in reading order within a passage; list items stay list items."""

    name = "quotes"
    repeats = True

    def compose(self, task: Task) -> Iterator[Worded]:
        """One sentence a quote."""
        return map(quoted, task.quotes)

    def restated(self, question: str, history: Sequence[Turn]) -> str | None:
        """None: the rules of `conversation.py` are all there is."""
        return None

    def tried(self) -> str:
        """Its name: it always works."""
        return self.name

    def close(self) -> None:
        """Nothing is held."""


def quoted(quote: Quote) -> Worded:
    """A quote, as it stands."""
    kind = quote.hit.chunk.units[quote.unit].kind
    layout: Literal["text", "item"] = "item" if kind in ("item", "row") else "text"
    return Worded(quote.text, ((quote.hit, quote.unit),), layout=layout, highlight=quote.highlight)


QUOTES = QuotesEngine()


def _chat(model: str, settings: Settings, embedder: Embedder) -> Engine:
    from assistant.engines.chat import ChatModel
    from assistant.engines.written import open_written

    return open_written(ChatModel(model, settings), settings, embedder)


def _local(model: str, settings: Settings, embedder: Embedder) -> Engine:
    from assistant.engines.local import open_local
    from assistant.engines.written import open_written

    return open_written(open_local(model, settings.model_sha256), settings, embedder)


ENGINES: dict[str, Callable[[str, Settings, Embedder], Engine]] = {
    "quotes": lambda *_: QUOTES,
    "chat": _chat,
    "local": _local,
}


def open_engine(settings: Settings, embedder: Embedder) -> Engine:
    """The engine that the setting names ("KIND" or "KIND:MODEL"). Raises BadSetting."""
    kind, _, model = settings.engine.partition(":")
    if kind not in ENGINES:
        raise BadSetting(f"There is no engine {kind!r}.", f"Choose one of: {', '.join(ENGINES)}.")
    return ENGINES[kind](model, settings, embedder)
