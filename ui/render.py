"""Records → markup of the page. Pure functions; every piece of a question or a document goes through html.escape.

Quotes are set apart from what the assistant says itself: class "quote" against class "notice".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from html import escape
from itertools import groupby
from pathlib import Path

from babel.dates import format_date

from assistant.language import say
from assistant.places import clock
from assistant.records import Anchor, Citation, Sentence
from ui.conversation import Excerpt, Exchange, Source
from ui.languages import language_names

NAME = "Cluster Talks Assistant"
LOGO = Path(__file__).with_name("logo.svg").read_text(encoding="utf-8")
DIGITS = re.compile(r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)")
ITEM = re.compile(r"^[-|] ", re.MULTILINE)
ADDRESS = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")

# Two for an SME, two for a buyer, two for a cluster organiser; (language, question).
EXAMPLES = (
    ("en", "Where does an SME find public tenders?"),
    ("de", "Wer bleibt bei einer PCP Eigentümer der Schutzrechte?"),
    ("en", "What are the EU procurement thresholds in 2026?"),
    ("es", "¿Puede un comprador público hablar con las empresas antes de la licitación?"),
    ("en", "Who were the speakers of the EU Clusters Talk of 13 September 2023?"),
    ("en", "What can a cluster do for its members in innovation procurement?"),
)


def header(language: str) -> str:
    """Logo, name, sub-title and the language selector."""
    options = "".join(
        f'<option value="{code}" lang="{code}"{" selected" if code == language else ""}>{escape(name)}</option>'
        for code, name in language_names()
    )
    return (
        f'<header class="top" data-language="{escape(language)}">{LOGO}<h1>{NAME}</h1>'
        f'<p>{_say(SUBTITLE, language)}</p><label><span class="unseen">{_say("Page language", language)}</span>'
        f'<select name="language" autocomplete="off">{options}</select></label></header>'
    )


def footer(language: str) -> str:
    """What the answers are."""
    return f"<p>{_say('Answers quote their sources. When the documents do not say it, I say so.', language)}</p>"


def talk(exchanges: Sequence[Exchange], language: str) -> str:
    """The conversation; while there is none, the examples."""
    if not exchanges:
        return _examples(language)
    last = len(exchanges) - 1
    shown = "".join(_exchange(entry, _prefix(i, last), i == last) for i, entry in enumerate(exchanges))
    return f'<div class="log" role="log" aria-live="polite">{shown}</div>'


def sources(exchanges: Sequence[Exchange], language: str, today: date) -> str:
    """One card a citation, those of the latest answer first."""
    last = len(exchanges) - 1
    groups = [
        _group(entry, _prefix(i, last), language, today, i == last)
        for i, entry in reversed(list(enumerate(exchanges)))
        if entry.sources
    ]
    nothing = _say("No sources yet. Ask a question and the places that answer it appear here.", language)
    body = "".join(groups) or f'<p class="nothing">{nothing}</p>'
    title = f'<h2 id="sources-title">{_say("Sources", language)}</h2>'
    return f'<section class="sources" aria-labelledby="sources-title">{title}{body}</section>'


SUBTITLE = "I answer only from documents that people chose and checked, and show where each sentence comes from."


def _say(message: str, language: str, **values: object) -> str:
    return escape(say(message, language, **values))


def _prefix(index: int, last: int) -> str:
    return "" if index == last else f"{index + 1}-"


def _examples(language: str) -> str:
    return (
        f'<section class="start"><h2>{_say("Ask a question", language)}</h2>'
        f'<h3 id="examples">{_say("Example questions", language)}</h3>'
        f'<ul class="examples" aria-labelledby="examples">{_ask_buttons(EXAMPLES)}</ul></section>'
    )


def _ask_buttons(questions: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f'<li><button type="button" lang="{escape(language)}" data-question="{text}">{text}</button></li>'
        for language, text in ((language, escape(text)) for language, text in questions)
    )


def _exchange(exchange: Exchange, prefix: str, latest: bool) -> str:
    parts = [f'<h2 class="question" tabindex="-1">{escape(exchange.question)}</h2>']
    if exchange.sentences:
        parts.append(_answer(exchange, prefix))
    if exchange.state == "running":
        parts.append(f'<p class="progress" role="status">{_say("Searching the documents", exchange.language)}</p>')
    if exchange.state == "failed":
        parts.append(_problem(exchange))
    if latest and exchange.suggestions:
        parts.append(_suggestions(exchange))
    return f'<article class="exchange {exchange.state}">{"".join(parts)}</article>'


def _answer(exchange: Exchange, prefix: str) -> str:
    label = f'<p class="label">{_say("Not answered", exchange.language)}</p>' if exchange.abstained else ""
    look = "answer refusal" if exchange.abstained else "answer"
    return f'<div class="{look}" lang="{escape(exchange.language)}">{label}{"".join(_blocks(exchange, prefix))}</div>'


def _blocks(exchange: Exchange, prefix: str) -> Iterator[str]:
    titles = {source.citation.number: source.citation for source in exchange.sources}
    before: Sentence | None = None
    seen: set[int] = set()
    for (kind, layout), group in groupby(exchange.sentences, key=lambda s: (s.kind, s.layout)):
        pieces = []
        for sentence in group:
            repeated = layout == "item" and before is not None and sentence.citations == before.citations
            marks = "" if repeated else _marks(sentence.citations, titles, prefix, seen)
            pieces.append(_sentence(sentence, marks, titles))
            before = sentence
        yield _block(kind, layout, pieces)


def _block(kind: str, layout: str, pieces: Sequence[str]) -> str:
    if layout == "item":
        return f'<ul class="{kind}">{"".join(f"<li>{piece}</li>" for piece in pieces)}</ul>'
    if kind == "notice":
        return "".join(f'<p class="notice">{piece}</p>' for piece in pieces)
    return f'<p class="{kind}">{" ".join(pieces)}</p>'


def _sentence(sentence: Sentence, marks: str, citations: dict[int, Citation]) -> str:
    if sentence.kind == "notice":
        return _linked(sentence.text)
    cited = next((citations[number] for number in sentence.citations if number in citations), None)
    language = f' lang="{escape(cited.language)}"' if cited and sentence.kind == "quote" else ""
    return f"<span{language}>{_highlighted(sentence)}</span>{marks}"


def _highlighted(sentence: Sentence) -> str:
    """The text, the words that answer set off."""
    if sentence.highlight is None:
        return _text(sentence.text)
    start, end = sentence.highlight
    before, words, after = (
        _text(part) for part in (sentence.text[:start], sentence.text[start:end], sentence.text[end:])
    )
    return f"{before}<strong>{words}</strong>{after}"


def _marks(numbers: Sequence[int], citations: dict[int, Citation], prefix: str, seen: set[int]) -> str:
    links = []
    for number in numbers:
        back = "" if number in seen else f' id="cited-{prefix}{number}"'
        seen.add(number)
        title = escape(citations[number].title) if number in citations else ""
        links.append(
            f'<a{back} class="mark" href="#source-{prefix}{number}" aria-label="{number}: {title}">{number}</a>'
        )
    return f"<sup>{''.join(links)}</sup>" if links else ""


def _linked(text: str) -> str:
    found = ADDRESS.search(text)
    if not found:
        return escape(text)
    address = escape(found.group())
    link = f'<a href="{address}" target="_blank" rel="noopener noreferrer">{address}</a>'
    return f"{escape(text[: found.start()])}{link}{_linked(text[found.end() :])}"


def _problem(exchange: Exchange) -> str:
    message = _say("Something went wrong. Your question is not lost: please try again.", exchange.language)
    detail = f'<p lang="en">{escape(exchange.problem)}</p>' if exchange.problem else ""
    return f'<div class="problem" role="alert"><p>{message}</p>{detail}</div>'


def _suggestions(exchange: Exchange) -> str:
    language = exchange.sources[0].citation.language if exchange.sources else "en"
    return (
        f'<div class="suggestions"><p>{_say("You could ask, for example:", exchange.language)}</p>'
        f"<ul>{_ask_buttons((language, text) for text in exchange.suggestions)}</ul></div>"
    )


def _group(exchange: Exchange, prefix: str, language: str, today: date, latest: bool) -> str:
    cards = "".join(_card(source, prefix, language, today) for source in exchange.sources)
    title = "" if latest else f'<h3 class="earlier">{escape(exchange.question)}</h3>'
    return f'<div class="group">{title}{cards}</div>'


def _card(source: Source, prefix: str, language: str, today: date) -> str:
    citation = source.citation
    return (
        f'<article class="source" id="source-{prefix}{citation.number}" tabindex="-1">'
        f'<div class="source-head"><a class="number" href="#cited-{prefix}{citation.number}">{citation.number}</a>'
        f'<div><h3 lang="{escape(citation.language)}">{escape(citation.title)}</h3>'
        f"{_where(citation.anchor, citation.language, language)}</div></div>"
        f'<blockquote lang="{escape(citation.language)}">{_excerpt(source.excerpt)}</blockquote>'
        f'<p class="about"><span>{escape(citation.publisher or "")}</span>{_badge(citation, language, today)}</p>'
        f'<p class="links">{_links(citation, language)}</p></article>'
    )


def _excerpt(excerpt: Excerpt) -> str:
    before, quote, after = (_text(ITEM.sub("• ", part)) for part in (excerpt.before, excerpt.quote, excerpt.after))
    marked = "\n".join(f"<mark>{line}</mark>" if line.strip() else line for line in quote.split("\n"))
    return before + marked + after


def _text(text: str) -> str:
    """Escaped, with the groups of a long number kept on one line."""
    return DIGITS.sub(lambda found: f'<span class="digits">{found.group()}</span>', escape(text))


def _where(anchor: Anchor, document_language: str, language: str) -> str:
    places = [f'<span lang="{escape(document_language)}">{escape(" › ".join(anchor.heading))}</span>']
    places = places if anchor.heading else []
    for message, number in (("page {number}", anchor.label or anchor.page), ("slide {number}", anchor.slide)):
        if number is not None:
            places.append(_say(message, language, number=number))
    places += [escape(part) for part in (anchor.sheet, anchor.speaker) if part]
    if anchor.row is not None:
        places.append(_say("row {number}", language, number=anchor.row))
    if anchor.start is not None:
        places.append(clock(anchor.start))
    return f'<p class="where">{" · ".join(places)}</p>' if places else ""


def _badge(citation: Citation, language: str, today: date) -> str:
    start, end = citation.valid_from, citation.valid_until
    if start is None and end is None:
        return ""
    locale = "en_GB" if language == "en" else language
    days = {name: format_date(day, "medium", locale=locale) for name, day in (("start", start), ("end", end)) if day}
    message = "valid {start} to {end}" if len(days) == 2 else "valid from {start}" if start else "valid until {end}"  # noqa: PLR2004
    over = end is not None and end < today
    past = f'<span class="badge past">{_say("no longer valid", language)}</span>' if over else ""
    return f'{past}<span class="badge">{_say(message, language, **days)}</span>'


def _links(citation: Citation, language: str) -> str:
    links = [(citation.link, "Open in context")]
    if citation.url and ADDRESS.match(citation.url):
        links.append((citation.url, "Open the original"))
    shown = [(address, _say(message, language)) for address, message in links]
    shown += [(other.url, escape(other.title)) for other in citation.related if other.url and ADDRESS.match(other.url)]
    return "".join(
        f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">{text}</a>' for address, text in shown
    )
