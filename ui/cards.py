"""The cards of the sources panel: where a quote stands, until when it holds, and how to get there."""

from __future__ import annotations

import re
from datetime import date
from html import escape

from babel.dates import format_date

from assistant.language import message
from assistant.places import PAGE, SLIDE, clock
from assistant.records import Citation
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
    about = [f"<span>{escape(citation.publisher)}</span>"] if citation.publisher else []
    about += [_date(citation, language), _superseded(citation, language), _badge(citation, language, today)]
    return (
        f'<article class="source" id="source-{prefix}{citation.number}" tabindex="-1">'
        f'<div class="source-head"><a class="number" href="#cited-{prefix}{citation.number}">{citation.number}</a>'
        f'<div><h3 lang="{escape(citation.language)}">{escape(citation.title)}</h3>'
        f"{_where(citation, language)}</div></div>"
        f'<blockquote lang="{escape(citation.language)}">{_excerpt(source.excerpt)}</blockquote>'
        f'<p class="about">{"".join(about)}</p><p class="links">{_links(citation, language)}</p></article>'
    )


def _date(citation: Citation, language: str) -> str:
    """When the event was that a document is about, else when the document was retrieved."""
    if citation.event_date:
        return f"<span>{_day(citation.event_date, language)}</span>"
    if citation.retrieved:
        return f"<span>{said('retrieved: {date}', language, date=_day(citation.retrieved, language))}</span>"
    return ""


def _day(day: date, language: str) -> str:
    return format_date(day, "medium", locale=locale_of(language))


def _excerpt(excerpt: Excerpt) -> str:
    before, quote, after = (plain(ITEM.sub("• ", part)) for part in (excerpt.before, excerpt.quote, excerpt.after))
    marked = "\n".join(f"<mark>{line}</mark>" if line.strip() else line for line in quote.split("\n"))
    return before + marked + after


def _where(citation: Citation, language: str) -> str:
    anchor = citation.anchor
    places = [f'<span lang="{escape(citation.language)}">{escape(" › ".join(anchor.heading))}</span>']
    places = places if anchor.heading else []
    for text, number in ((PAGE, anchor.label or anchor.page), (SLIDE, anchor.slide)):
        if number is not None:
            places.append(said(text, language, number=number))
    places += [escape(part) for part in (anchor.sheet, anchor.speaker) if part]
    if anchor.row is not None:
        places.append(said("row {number}", language, number=anchor.row))
    if anchor.start is not None:
        places.append(_time(citation, anchor.start))
    return f'<p class="where">{" · ".join(places)}</p>' if places else ""


def _time(citation: Citation, start: float) -> str:
    """The second of a recording; where the recording has an address, it opens there."""
    if citation.url and ADDRESS.match(citation.url):
        return f'<a href="{escape(citation.url)}" target="_blank" rel="noopener noreferrer">{clock(start)}</a>'
    return clock(start)


VALID = {  # by whether the start and the end are known
    (True, True): message("valid {start} to {end}"),
    (True, False): message("valid from {start}"),
    (False, True): message("valid until {end}"),
}


def _badge(citation: Citation, language: str, today: date) -> str:
    start, end = citation.valid_from, citation.valid_until
    if start is None and end is None:
        return ""
    days = {name: _day(day, language) for name, day in (("start", start), ("end", end)) if day}
    text = VALID[start is not None, end is not None]
    over = end is not None and end < today
    past = f'<span class="badge past">{said("no longer valid", language)}</span>' if over else ""
    return f'{past}<span class="badge">{said(text, language, **days)}</span>'


def _superseded(citation: Citation, language: str) -> str:
    if not (newer := citation.superseded_by):
        return ""
    by = said("Superseded by: {title}", language, title=newer.title)
    return f'<span class="badge past"><a href="/read/{escape(newer.document)}" target="_blank">{by}</a></span>'


def _links(citation: Citation, language: str) -> str:
    shown = [(citation.link, said("Open in context", language))] if citation.link.startswith("/read/") else []
    if citation.url and ADDRESS.match(citation.url):
        shown.append((citation.url, said("Open the original", language)))
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
