"""An answer as clients of OpenAI show it: Markdown with [n] marks, a list of the sources, annotations at the marks.

Most clients know nothing of citations, so the list is part of the text; those that do (Open WebUI, the official client)
find the same sources as annotations. What documents say cannot become a link, an image or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import quote, urlsplit

from assistant.citations import markdown
from assistant.language import say
from assistant.places import told_place
from assistant.records import Answer, Citation, Done, Event, Question, Said, Sentence, Waiting

End = TypeVar("End")

SOURCES = "\n\n---\n\n**{heading}**\n\n{lines}"
_SOURCES = re.compile(r"\n\n---\n\n\*\*[^*\n]+\*\*\n\n1\. .*\Z", re.DOTALL)
_MARK = re.compile(r"(?<= )\[(\d+)\]")  # a bracket of the documents has a backslash before it
_MARKUP = re.compile(r"[\\\[<]")
_MARKUP_OF_A_LINE = re.compile(r"[\\`*_\[\]<>|#~!]")
_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class UrlCitation:
    """Characters `start_index` to `end_index` (the one after the last) of the text are the mark of this source."""

    start_index: int
    end_index: int
    url: str
    title: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of an answer's text, with the annotations that stand in it; the last piece brings the answer."""

    text: str
    citations: tuple[UrlCitation, ...] = ()
    answer: Answer | None = None


def pieces(events: Iterable[Event], site: str) -> Iterator[Piece | Waiting]:
    """A piece a sentence, then the list of sources; `site` is the address that links of this server are relative to."""
    said: list[Sentence] = []
    known: dict[int, Citation] = {}
    for event in events:
        match event:
            case Said():
                before = len(markdown(said))
                said.append(replace(event.sentence, text=_MARKUP.sub(r"\\\g<0>", event.sentence.text)))
                known.update((citation.number, citation) for citation in event.citations)
                text = markdown(said)
                yield Piece(text[before:], tuple(_marks(text, before, known, site)))
            case Waiting():
                yield event
            case Done():
                yield Piece(_sources(event.answer, site), answer=event.answer)


def gathered(parts: Iterable[Piece | Waiting], end: Callable[[Piece], End]) -> Iterator[Piece | Waiting | End]:
    """The pieces as they come, and at last what `end` makes of them as one."""
    said: list[Piece] = []
    for piece in parts:
        if isinstance(piece, Piece):
            said.append(piece)
        yield piece
    yield end(joined(said))


def joined(parts: Sequence[Piece]) -> Piece:
    """All pieces as one."""
    citations = tuple(citation for part in parts for citation in part.citations)
    return Piece("".join(part.text for part in parts), citations, parts[-1].answer)


def without_sources(text: str) -> str:
    """An earlier answer as it comes back in the conversation, without its list of sources."""
    return _SOURCES.sub("", text)


def usage(question: Question, whole: Piece) -> tuple[int, int, int]:
    """Words and punctuation marks: read, said, together. No model writes the answers, so there are no tokens to pay."""
    read = sum(map(_words, (question.text, *(turn.content for turn in question.history))))
    said = _words(whole.text)
    return read, said, read + said


def _words(text: str) -> int:
    return sum(1 for _ in _WORD.finditer(text))


def _marks(text: str, start: int, known: Mapping[int, Citation], site: str) -> Iterator[UrlCitation]:
    for mark in _MARK.finditer(text, start):
        if citation := known.get(int(mark.group(1))):
            yield UrlCitation(mark.start(), mark.end(), _address(citation, site), citation.title)


def _sources(answer: Answer, site: str) -> str:
    if not answer.citations:
        return ""
    lines = "\n".join(f"{c.number}. {_source(c, answer.language, site)}" for c in answer.citations)
    return SOURCES.format(heading=say("Sources", answer.language), lines=lines)


def _source(citation: Citation, language: str, site: str) -> str:
    return " · ".join(
        (f"[{_line(citation.title)}]({_address(citation, site)})", *map(_line, told_place(citation.anchor, language)))
    )


def _address(citation: Citation, site: str) -> str:
    """The original on the web where there is one, else the page of this server that shows the quote in its place."""
    public = citation.url if citation.url and urlsplit(citation.url).scheme in ("http", "https") else None
    return quote(public or f"{site}{citation.link}", safe="%/:?#@!$&'*+,;=~[]-._")


def _line(text: str) -> str:
    return _MARKUP_OF_A_LINE.sub(r"\\\g<0>", " ".join(text.split()))
