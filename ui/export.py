"""A conversation as something to keep: text for the clipboard, Markdown, a Word document. Printing is the browser's.

To offer another format, write a function and a line in FORMATS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO

from babel.dates import format_date

from assistant.language import say
from assistant.places import told_place
from assistant.records import Citation, Sentence
from ui.conversation import Exchange
from ui.focus import restrictions
from ui.languages import locale_of

NAME = "Cluster Talks Assistant"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True, slots=True)
class File:
    """Something to download."""

    name: str
    media: str
    content: bytes


def answer_text(exchange: Exchange, address: str = "") -> str:
    """One question with its answer and numbered sources, for the clipboard; `address`: what links of the reading page
    are relative to."""
    lines = [exchange.question, ""]
    lines += [_said(sentence) for sentence in exchange.sentences]
    if exchange.sources:
        lines += ["", f"{say('Sources', exchange.language)}:"]
        lines += [f"[{c.number}] {' · '.join(_reference(c, exchange.language, address))}" for c in _cited(exchange)]
    return "\n".join(lines)


def as_markdown(exchanges: Sequence[Exchange], language: str, address: str, today: date) -> bytes:
    """The conversation as Markdown: what was said by people or documents cannot become markup of its own."""
    parts = [f"# {NAME}", _day(today, language)]
    for exchange in exchanges:
        parts += [f"## {_escaped(exchange.question)}", *map(_escaped, _focus(exchange))]
        parts += [_block(sentence) for sentence in exchange.sentences]
        parts += ["\n".join(f"{c.number}. {_source_line(c, exchange.language, address)}" for c in _cited(exchange))]
    return ("\n\n".join(filter(None, parts)) + "\n").encode()


def as_word(exchanges: Sequence[Exchange], language: str, address: str, today: date) -> bytes:
    """The conversation as a Word document."""
    import docx

    document = docx.Document()
    document.core_properties.title = NAME
    document.core_properties.author = NAME
    document.add_heading(NAME, 0)
    document.add_paragraph(_day(today, language))
    for exchange in exchanges:
        document.add_heading(_printable(exchange.question), 1)
        for line in _focus(exchange):
            document.add_paragraph(_printable(line))
        for sentence in exchange.sentences:
            document.add_paragraph(_printable(_said(sentence)), _STYLES.get((sentence.kind, sentence.layout)))
        for citation in _cited(exchange):
            reference = " · ".join(_reference(citation, exchange.language, address))
            document.add_paragraph(_printable(f"[{citation.number}] {reference}"), "Caption")
    file = BytesIO()
    document.save(file)
    return file.getvalue()


_STYLES = {("quote", "text"): "Quote", ("quote", "item"): "List Bullet", ("generated", "item"): "List Bullet"}

FORMATS: dict[str, tuple[str, str, Callable[[Sequence[Exchange], str, str, date], bytes]]] = {
    "markdown": ("md", "text/markdown", as_markdown),
    "word": ("docx", WORD, as_word),
}


def export(form: str, exchanges: Sequence[Exchange], language: str, address: str, today: date) -> File:
    """The conversation as a file of one of FORMATS."""
    ending, media, write = FORMATS[form]
    return File(f"cluster-talks-{today}.{ending}", media, write(exchanges, language, address, today))


def _cited(exchange: Exchange) -> list[Citation]:
    return [source.citation for source in exchange.sources]


def _said(sentence: Sentence) -> str:
    marks = "".join(f"[{number}]" for number in sentence.citations)
    return f"{sentence.text} {marks}".rstrip()


def _focus(exchange: Exchange) -> list[str]:
    return [text for _, text in restrictions(exchange.focus, exchange.language)]


def _printable(text: str) -> str:
    """Without characters that Word files may not hold."""
    return "".join(char for char in text if char.isprintable() or char == "\n")


def _block(sentence: Sentence) -> str:
    text = _escaped(_said(sentence))
    return {"notice": text, "quote": f"> {text}", "generated": text}[sentence.kind]


def _reference(citation: Citation, language: str, address: str) -> Iterator[str]:
    """What a reader needs to find the place again."""
    yield citation.title
    yield from told_place(citation.anchor, language)
    if citation.publisher:
        yield citation.publisher
    yield citation.url or f"{address}{citation.link}"


def _source_line(citation: Citation, language: str, address: str) -> str:
    *said, place = _reference(citation, language, address)
    return f"{' · '.join(map(_escaped, said))} · <{place}>"


def _day(day: date, language: str) -> str:
    return format_date(day, "long", locale=locale_of(language))


def _escaped(text: str) -> str:
    """Markdown's own characters as themselves, in one line."""
    line = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|!~" else char for char in line)
