"""What a visitor thinks of an answer, and noting it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from assistant.insights import note_feedback
from assistant.library import Library
from assistant.settings import Keeping
from ui.conversation import Exchange
from ui.tools import COMPLAINTS, MAX_COMMENT


@dataclass(frozen=True, slots=True)
class Opinion:
    """Whether an answer helped; where not: why, about which of its sources (a document), and a comment."""

    helped: bool
    reason: str | None = None
    comment: str = ""
    document: str | None = None

    @classmethod
    def of(cls, sent: Any) -> Opinion:  # noqa: ANN401 - what a browser sends can be anything
        """What a browser sent, cut to what can be meant."""
        return cls(
            helped=sent.rating == "up",
            reason=sent.reason if sent.reason in (*COMPLAINTS,) else None,
            comment=str(sent.comment or "")[:MAX_COMMENT],
            document=str(sent.document) if sent.document else None,
        )


def rate(library: Library, keeping: Keeping, exchange: Exchange, opinion: Opinion, client: str) -> Exchange:
    """The exchange as rated; the opinion is kept where opinions are."""
    if keeping.on:
        shown = {source.citation.document for source in exchange.sources}
        note_feedback(
            library,
            answer=exchange.id,
            rating="up" if opinion.helped else "down",
            language=exchange.language,
            edition=exchange.edition,
            reason=None if opinion.helped else opinion.reason,
            comment="" if opinion.helped else opinion.comment,
            question=exchange.question,
            client=client,
            document=opinion.document if opinion.reason == "wrong_source" and opinion.document in shown else None,
        )
    return replace(exchange, rating="up" if opinion.helped else "down")
