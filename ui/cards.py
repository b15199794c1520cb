"""The cards of the sources panel: where a quote stands, until when it holds, and how to get there."""

from __future__ import annotations

import re
from datetime import date
from html import escape

from babel.dates import format_date

from assistant.places import clock
from assistant.records import Anchor, Citation
from ui.conversation import Excerpt, Exchange, Source
from ui.languages import locale_of
from ui.markup import ADDRESS, plain, said

ITEM = re.compile(r"^[-|] ", re.MULTILINE)


def cards_of(exchange: Exchange, prefix: str, language: str, today: date, latest: bool) -> str:
    """The cards of one exchange; an earlier one has its question over them."""
    cards = "".join(_card(source, prefix, language, today) for source in exchange.sources)
    title = "" if latest else f'<h3 class="earlier" lang="{escape(exchange.language)}">{escape(exchange.question)}</h3>'
    return f'<div class="group">{title}{cards}</div>'


def _card(source: Source, prefix: str, language: str, today: date) -> str:
    citation = source.citation
    return (
        f'<article class="source" id="source-{prefix}{citation.number}" tabindex="-1">'
        f'<div class="source-head"><a class="number" href="#cited-{prefix}{citation.number}">{citation.number}</a>'
        f'<div><h3 lang="{escape(citation.language)}">{escape(citation.title)}</h3>'
        f"{_where(citation.anchor, citation.language, language)}</div></div>"
        f'<blockquote lang="{escape(citation.language)}">{_excerpt(source.excerpt)}</blockquote>'
        f'<p class="about"><span>{escape(citation.publisher or "")}</span>{_superseded(citation, language)}'
        f"{_badge(citation, language, today)}</p>"
        f'<p class="links">{_links(citation, language)}</p></article>'
    )


def _excerpt(excerpt: Excerpt) -> str:
    before, quote, after = (plain(ITEM.sub("• ", part)) for part in (excerpt.before, excerpt.quote, excerpt.after))
    marked = "\n".join(f"<mark>{line}</mark>" if line.strip() else line for line in quote.split("\n"))
    return before + marked + after


def _where(anchor: Anchor, document_language: str, language: str) -> str:
    places = [f'<span lang="{escape(document_language)}">{escape(" › ".join(anchor.heading))}</span>']
    places = places if anchor.heading else []
    for message, number in (("page {number}", anchor.label or anchor.page), ("slide {number}", anchor.slide)):
        if number is not None:
            places.append(said(message, language, number=number))
    places += [escape(part) for part in (anchor.sheet, anchor.speaker) if part]
    if anchor.row is not None:
        places.append(said("row {number}", language, number=anchor.row))
    if anchor.start is not None:
        places.append(clock(anchor.start))
    return f'<p class="where">{" · ".join(places)}</p>' if places else ""


def _badge(citation: Citation, language: str, today: date) -> str:
    start, end = citation.valid_from, citation.valid_until
    if start is None and end is None:
        return ""
    days = {
        name: format_date(day, "medium", locale=locale_of(language))
        for name, day in (("start", start), ("end", end))
        if day
    }
    message = "valid {start} to {end}" if len(days) == 2 else "valid from {start}" if start else "valid until {end}"  # noqa: PLR2004
    over = end is not None and end < today
    past = f'<span class="badge past">{said("no longer valid", language)}</span>' if over else ""
    return f'{past}<span class="badge">{said(message, language, **days)}</span>'


def _superseded(citation: Citation, language: str) -> str:
    if not (newer := citation.superseded_by):
        return ""
    by = said("Superseded by: {title}", language, title=newer.title)
    return f'<span class="badge past"><a href="/read/{escape(newer.document)}" target="_blank">{by}</a></span>'


def _links(citation: Citation, language: str) -> str:
    links = [(citation.link, "Open in context")] if citation.link.startswith("/read/") else []
    if citation.url and ADDRESS.match(citation.url):
        links.append((citation.url, "Open the original"))
    shown = [(address, said(message, language)) for address, message in links]
    shown += [(other.url, escape(other.title)) for other in citation.related if other.url and ADDRESS.match(other.url)]
    made = "".join(
        f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">{text}</a>' for address, text in shown
    )
    return f"{made}{_ask_about(citation, language)}"


def _ask_about(citation: Citation, language: str) -> str:
    return (
        f'<button type="button" data-source="{escape(citation.document)}" data-title="{escape(citation.title)}">'
        f"{said('Ask about this source', language)}</button>"
    )
