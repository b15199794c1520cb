"""Records → markup of the page. Pure functions; every piece of a question or a document goes through html.escape.

Quotes are set apart from what the assistant says itself: class "quote" against class "notice".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from html import escape
from itertools import groupby
from pathlib import Path

from assistant.glossary import Glossary
from assistant.language import message, say_number
from assistant.records import Citation, Sentence
from ui.cards import cards_of
from ui.conversation import Exchange
from ui.examples import examples
from ui.focus import restricted
from ui.languages import language_names
from ui.markup import linked, said
from ui.tools import answer_tools
from ui.words import Words

NAME = "Cluster Talks Assistant"
LOGO = Path(__file__).with_name("logo.svg").read_text(encoding="utf-8")

ROLES = {
    "sme": message("For SMEs"),
    "buyer": message("For buyers"),
    "organiser": message("For clusters and organisers"),
}


def header(language: str) -> str:
    """Logo, name, sub-title and the language selector."""
    options = "".join(
        f'<option value="{code}" lang="{code}"{" selected" if code == language else ""}>{escape(name)}</option>'
        for code, name in language_names()
    )
    return (
        f'<header class="top" data-language="{escape(language)}">{LOGO}<h1>{NAME}</h1>'
        f'<p>{said(SUBTITLE, language)}</p><label><span class="unseen">{said("Page language", language)}</span>'
        f'<select name="language" autocomplete="off">{options}</select></label></header>'
    )


def footer(language: str) -> str:
    """What the answers are, and the ways to what is kept and to the accessibility statement."""
    promise = said("Answers quote their sources. When the documents do not say it, I say so.", language)
    ways = (("/privacy", said("Privacy", language)), ("/accessibility", said("Accessibility", language)))
    links = "".join(f'<a href="{address}" target="_blank">{name}</a>' for address, name in ways)
    return f"<p>{promise}</p><p>{links}</p>"


@dataclass(frozen=True)
class Look:
    """What the conversation is shown with: the words that are explained, and whether answers can be rated."""

    glossary: Glossary
    rating: bool


def talk(exchanges: Sequence[Exchange], language: str, look: Look) -> str:
    """The conversation; while there is none, the examples."""
    if not exchanges:
        return _examples(language)
    if exchanges[-1].state == "running":
        look = replace(look, rating=False)  # what is drawn with each sentence knows nothing of a rating given meanwhile
    shown = "".join(
        _exchange(entry, number, number == len(exchanges), look, language) for number, entry in enumerate(exchanges, 1)
    )
    return f'<div class="log">{shown}</div>'


def sources(exchanges: Sequence[Exchange], language: str, today: date) -> str:
    """One card a citation, those of the latest answer first."""
    last = len(exchanges) - 1
    groups = [
        cards_of(entry, "" if i == last else f"{i + 1}-", language, today, i == last)
        for i, entry in reversed(list(enumerate(exchanges)))
        if entry.sources
    ]
    nothing = said("No sources yet. Ask a question and the places that answer it appear here.", language)
    body = "".join(groups) or f'<p class="nothing">{nothing}</p>'
    title = f'<h2 id="sources-title">{said("Sources", language)}</h2>'
    return f'<section class="sources" aria-labelledby="sources-title">{title}{body}</section>'


SUBTITLE = "I answer only from documents that people chose and checked, and show where each sentence comes from."


def _examples(language: str) -> str:
    groups = "".join(
        f'<section class="role"><h3 id="role-{role}">{said(ROLES[role], language)}</h3>'
        f'<ul aria-labelledby="role-{role}">{_ask_buttons((language, text) for text in questions)}</ul></section>'
        for role, questions in examples(language).items()
    )
    title = said("Ask a question", language)
    return f'<section class="start"><h2>{title}</h2><div class="examples">{groups}</div></section>'


def _ask_buttons(questions: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f'<li><button type="button" lang="{escape(language)}" data-question="{text}">{text}</button></li>'
        for language, text in ((language, escape(text)) for language, text in questions)
    )


def _exchange(exchange: Exchange, number: int, latest: bool, look: Look, language: str) -> str:
    prefix = "" if latest else f"{number}-"
    words = Words(look.glossary, f"{number}-", (exchange.language, language))
    parts = [
        f'<h2 class="question" tabindex="-1">{escape(exchange.question)}</h2>',
        restricted(exchange.focus, exchange.language),
    ]
    if exchange.sentences:
        parts += [_answer(exchange, prefix, words), words.meanings()]
    if exchange.sources:
        parts.append(_to_sources(exchange, prefix))
    if exchange.state == "running":
        parts.append(f'<p class="progress">{said("Searching the documents", exchange.language)}</p>')
    elif exchange.sentences:
        parts.append(answer_tools(exchange, number, look.rating))
    if exchange.state == "failed":
        parts.append(_problem(exchange))
    if latest and exchange.suggestions:
        parts.append(_suggestions(exchange))
    return f'<article class="exchange {exchange.state}" lang="{escape(exchange.language)}">{"".join(parts)}</article>'


def _to_sources(exchange: Exchange, prefix: str) -> str:
    """On a phone the sources stand below everything: how many there are, and the way there."""
    count = say_number("{number} source", "{number} sources", len(exchange.sources), exchange.language)
    first = exchange.sources[0].citation.number
    return f'<p class="to-sources"><a href="#source-{prefix}{first}">{escape(count)}</a></p>'


def _answer(exchange: Exchange, prefix: str, words: Words) -> str:
    label = f'<p class="label">{said("Not answered", exchange.language)}</p>' if exchange.abstained else ""
    look = "answer refusal" if exchange.abstained else "answer"
    body = "".join(_blocks(exchange, prefix, words))
    return f'<div class="{look}" lang="{escape(exchange.language)}">{label}{body}</div>'


def _blocks(exchange: Exchange, prefix: str, words: Words) -> Iterator[str]:
    titles = {source.citation.number: source.citation for source in exchange.sources}
    before: Sentence | None = None
    seen: set[int] = set()
    for (kind, layout), group in groupby(exchange.sentences, key=lambda s: (s.kind, s.layout)):
        pieces = []
        for sentence in group:
            repeated = layout == "item" and before is not None and sentence.citations == before.citations
            marks = "" if repeated else _marks(sentence.citations, titles, prefix, seen)
            pieces.append(_sentence(sentence, marks, titles, words))
            before = sentence
        yield _block(kind, layout, pieces)


def _block(kind: str, layout: str, pieces: Sequence[str]) -> str:
    if layout == "item":
        return f'<ul class="{kind}">{"".join(f"<li>{piece}</li>" for piece in pieces)}</ul>'
    if kind == "notice":
        return "".join(f'<p class="notice">{piece}</p>' for piece in pieces)
    return f'<p class="{kind}">{" ".join(pieces)}</p>'


def _sentence(sentence: Sentence, marks: str, citations: dict[int, Citation], words: Words) -> str:
    if sentence.kind == "notice":
        return linked(sentence.text)
    cited = next((citations[number] for number in sentence.citations if number in citations), None)
    language = f' lang="{escape(cited.language)}"' if cited and sentence.kind == "quote" else ""
    return f"<span{language}>{_highlighted(sentence, words)}</span>{marks}"


def _highlighted(sentence: Sentence, words: Words) -> str:
    """The text, the words that answer set off."""
    if sentence.highlight is None:
        return words.marked(sentence.text)
    start, end = sentence.highlight
    before, answer, after = sentence.text[:start], sentence.text[start:end], sentence.text[end:]
    return f"{words.marked(before)}<strong>{words.marked(answer)}</strong>{words.marked(after)}"


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


def _problem(exchange: Exchange) -> str:
    message = said("Something went wrong. Your question is not lost: please try again.", exchange.language)
    detail = f'<p lang="en">{escape(exchange.problem)}</p>' if exchange.problem else ""
    return f'<div class="problem" role="alert"><p>{message}</p>{detail}</div>'


def _suggestions(exchange: Exchange) -> str:
    language = exchange.sources[0].citation.language if exchange.sources else "en"
    return (
        f'<div class="suggestions"><p>{said("You could ask, for example:", exchange.language)}</p>'
        f"<ul>{_ask_buttons((language, text) for text in exchange.suggestions)}</ul></div>"
    )
