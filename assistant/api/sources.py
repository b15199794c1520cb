"""Looking at the documents themselves: search, list, text, and a page that shows a quote in its place."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import date
from pathlib import PurePath
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic.dataclasses import dataclass

from assistant.api.ask import Day
from assistant.api.problems import responses
from assistant.api.state import Ready
from assistant.citations import reading_link
from assistant.errors import BadRequest
from assistant.periods import periods_asked
from assistant.places import original
from assistant.records import Anchor, Document, Filters
from assistant.retrieve import Query as Search

router = APIRouter(tags=["sources"])

MOST = 2**31 - 1  # the largest number that every database holds
Number = Annotated[int | None, Query(ge=1, le=MOST)]
Character = Annotated[int, Query(ge=0, le=MOST)]


@dataclass(frozen=True)
class Passage:
    """A passage that a search found."""

    text: str
    score: float
    document: str
    title: str
    uri: str
    url: str | None
    anchor: Anchor
    link: str
    gap: bool
    valid_from: date | None
    valid_until: date | None


@dataclass(frozen=True)
class SearchOut:
    """Passages, best first."""

    question: str
    edition: int
    passages: list[Passage]


@dataclass(frozen=True)
class SourcesOut:
    """The documents of an edition."""

    edition: int
    documents: list[Document]


@dataclass(frozen=True)
class TextOut:
    """A document's text as it was cited."""

    edition: int
    document: Document
    text: str


@router.get("/api/v1/search", responses=responses(422, 429, 503))
def search(
    assistant: Ready,
    q: Annotated[str, Query(min_length=1, max_length=4000, examples=["open market consultation"])],
    count: Annotated[int, Query(ge=1, le=50)] = 10,
    kind: Annotated[tuple[str, ...], Query()] = (),
    language: Annotated[tuple[str, ...], Query()] = (),
    as_of: Day | None = None,
) -> SearchOut:
    """The passages nearest to some words, without an answer."""
    if not q.strip():
        raise BadRequest("The search is empty.", "Write some words.")
    edition = assistant.library.current()
    found = assistant.retriever.search(
        Search((q,), periods_asked(q, as_of or date.today()), Filters(kind, (), language)), edition, count
    )
    return SearchOut(
        question=q,
        edition=edition.number,
        passages=[
            Passage(
                text=hit.chunk.text,
                score=round(hit.score, 4),
                document=hit.document.id,
                title=hit.document.title,
                uri=hit.document.uri,
                url=original(hit.document, hit.chunk.anchor, hit.chunk.text),
                anchor=hit.chunk.anchor,
                link=reading_link(hit.document.id, edition.number, (hit.chunk.start, hit.chunk.end)),
                gap=hit.chunk.gap,
                valid_from=hit.chunk.period.start,
                valid_until=hit.chunk.period.until,
            )
            for hit in found.hits
        ],
    )


@router.get("/api/v1/sources", responses=responses(404, 503))
def sources(assistant: Ready, edition: Number = None) -> SourcesOut:
    """The documents that answers come from."""
    number = edition or assistant.library.current().number
    assistant.library.edition(number)
    documents = assistant.library.documents(number)
    return SourcesOut(number, [_shown(document) for document in documents])


@router.get("/api/v1/sources/{document}/text", responses=responses(404, 503))
def text(document: str, assistant: Ready, edition: Number = None) -> TextOut:
    """A document's text in an edition, old ones included; `span` of a citation are characters of it."""
    number = edition or assistant.library.current().number
    record, snapshot = assistant.library.snapshot(document, number)
    return TextOut(number, _shown(record), snapshot)


def _shown(document: Document) -> Document:
    """Without the folders of this machine."""
    return replace(document, root=PurePath(document.root).name)


@router.get("/read/{document}", response_class=HTMLResponse, include_in_schema=False)
def read(document: str, assistant: Ready, edition: Number = None, start: Character = 0, end: Character = 0) -> str:
    """The text with the quote marked, for people who follow a citation."""
    number = edition or assistant.library.current().number
    record, snapshot = assistant.library.snapshot(document, number)
    start, end = min(start, len(snapshot)), min(end, len(snapshot))
    before, quote, after = (html.escape(part) for part in (snapshot[:start], snapshot[start:end], snapshot[end:]))
    marked = f'{before}<mark id="quote">{quote}</mark>{after}' if quote else html.escape(snapshot)
    origin = (
        f'<p><a href="{html.escape(record.url)}" rel="noopener">{html.escape(record.url)}</a></p>' if record.url else ""
    )
    return READ_PAGE.format(
        language=html.escape(record.language),
        title=html.escape(record.title),
        origin=origin,
        text=marked,
        edition=number,
    )


READ_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
:root {{ color-scheme: light dark; background: Canvas; color: CanvasText; }}
body {{ font: 1.05rem/1.6 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }}
body {{ overflow-wrap: anywhere; }}
pre {{ font: inherit; white-space: pre-wrap; }}
mark {{ background: #ffe9a8; color: #1c1c1c; padding: .1em 0; scroll-margin-top: 30vh; }}
h1 {{ font-size: 1.4rem; line-height: 1.3; }}
footer {{ font-size: .85rem; }}
footer a {{ display: inline-block; padding: .3rem 0; }}
</style></head><body><main><h1>{title}</h1><pre>{text}</pre></main>
<footer>{origin}<p>Edition {edition}</p></footer></body></html>"""
