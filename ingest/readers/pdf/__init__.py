"""PDF: the text of each page in reading order, by the place and size of its characters.

pdfminer gives the characters. `lines` makes lines of them, `margins` drops headers and footers, `order` finds columns
and tables, `blocks` paragraphs and headings.
"""

from __future__ import annotations

import logging
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice

from pdfminer.pdfdocument import PDFDocument, PDFEncryptionError, PDFPasswordIncorrect
from pdfminer.pdfinterp import PDFPageInterpreter, PDFResourceManager
from pdfminer.pdfpage import PDFPage
from pdfminer.pdfparser import PDFParser
from pdfminer.pdftypes import resolve1
from pdfminer.psexceptions import PSException
from pdfminer.utils import decode_text

from assistant.errors import UnreadableDocument
from ingest.readers.outline import Outline, plain
from ingest.readers.pdf.blocks import Block, blocks
from ingest.readers.pdf.lines import Line, PageText
from ingest.readers.pdf.margins import without_margins
from ingest.readers.pdf.order import ordered
from ingest.readers.reading import Reading, front_matter, own_title

MOST_PAGES = 2000
NAMED_PAGES = 20  # in a note
# What pdfminer and the parsers below it raise on a damaged file; its own errors are all PSException.
DAMAGED = (
    PSException,
    struct.error,
    zlib.error,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RecursionError,
    NotImplementedError,
    OSError,
    EOFError,
)

logging.getLogger("pdfminer").setLevel(logging.ERROR)


@dataclass
class _Page:
    number: int
    label: str | None
    height: float
    lines: Sequence[Line]
    pictures: int
    damaged: bool


@dataclass
class _Pages:
    """What was read of a file; `more`: it has further pages."""

    pages: list[_Page]
    title: str | None
    language: str | None
    more: bool


def read_pdf(data: bytes) -> Reading:
    """Sections by heading and page; columns, lists and words broken at line ends are put together."""
    read = _read(data)
    texts = without_margins([(page.lines, page.height) for page in read.pages])
    try:
        found = blocks([(page.number, ordered(lines)) for page, lines in zip(read.pages, texts, strict=True)])
    except RecursionError as error:  # columns within columns, without end
        raise _damaged() from error
    title = read.title or _first_heading(found)
    values = front_matter({"title": title, "language": read.language})
    return Reading(_outline(found, read.pages, title).sections(), values, _notes(read))


def _read(data: bytes) -> _Pages:
    try:
        read = _pages(PDFDocument(PDFParser(BytesIO(data))))
    except PDFPasswordIncorrect as error:
        raise UnreadableDocument("it is encrypted with a password.", "Save it without a password.") from error
    except PDFEncryptionError as error:
        raise UnreadableDocument("its encryption is not known.", "Save it without encryption.") from error
    except DAMAGED as error:
        raise _damaged() from error
    if all(page.damaged for page in read.pages):
        raise _damaged()
    if any(page.pictures for page in read.pages) and not any(page.lines for page in read.pages):
        raise UnreadableDocument(
            "page images without text: it needs OCR.", "Run OCR, for example ocrmypdf, and ingest the result."
        )
    return read


def _damaged() -> UnreadableDocument:
    return UnreadableDocument("it is damaged, or no PDF.", "Open it in a PDF viewer, save it anew and ingest that.")


def _pages(document: PDFDocument) -> _Pages:
    resources = PDFResourceManager()
    text = PageText(resources)
    interpreter = PDFPageInterpreter(resources, text)
    pages = PDFPage.create_pages(document)
    read = [_page(number, page, interpreter, text) for number, page in enumerate(islice(pages, MOST_PAGES), start=1)]
    titles = (_string(info.get("Title")) for info in document.info)
    title = next(filter(None, map(own_title, titles)), None)
    language = _string(document.catalog.get("Lang"))
    return _Pages(read, title, language[:2].lower() or None, next(pages, None) is not None)


def _page(number: int, page: PDFPage, interpreter: PDFPageInterpreter, text: PageText) -> _Page:
    label = page.label if page.label != str(number) else None
    try:
        interpreter.process_page(page)
        lines, damaged = text.lines(), False
    except DAMAGED:
        lines, damaged = [], True
    return _Page(number, label or None, text.page.height if text.page else 0.0, lines, text.pictures, damaged)


def _string(value: object) -> str:
    value = resolve1(value)
    return plain(decode_text(value)) if isinstance(value, bytes) else ""


def _first_heading(found: Sequence[Block]) -> str | None:
    """The largest heading of the first page."""
    headings = [block for block in found if block.kind == "heading" and block.page == 1]
    return max(headings, key=lambda block: block.size).text if headings else None


def _outline(found: Sequence[Block], pages: Sequence[_Page], title: str | None) -> Outline:
    """The title is no part of the heading path, as it is told with every place."""
    outline = Outline()
    for block in found:
        outline.at(page=block.page, label=pages[block.page - 1].label)
        match block.kind:
            case "heading" if block.text != title:
                outline.heading(block.level, block.text)
            case "item":
                outline.item(block.text)
            case "row":
                outline.row([], [block.text])
            case "paragraph" if block.bold:
                outline.bold(block.text)
            case "paragraph":
                outline.paragraph(block.text)
    return outline


def _notes(read: _Pages) -> tuple[str, ...]:
    pictures = [page.number for page in read.pages if page.pictures and not page.lines and not page.damaged]
    damaged = [page.number for page in read.pages if page.damaged]
    total = len(read.pages)
    notes = (
        _left_out(pictures, total, ("holds no text", "hold no text"), ("it needs OCR", "they need OCR")),
        _left_out(damaged, total, ("is damaged", "are damaged"), ("save the file anew",) * 2),
        f"Only the first {MOST_PAGES:,} pages were read: split the file to have the rest read." if read.more else "",
    )
    return tuple(note for note in notes if note)


def _left_out(pages: Sequence[int], total: int, what: tuple[str, str], remedy: tuple[str, str]) -> str:
    many = len(pages) > 1
    named = ", ".join([*map(str, pages[:NAMED_PAGES]), *(["…"] if len(pages) > NAMED_PAGES else [])])
    were = "were" if many else "was"
    return f"{len(pages)} of {total} pages {what[many]} and {were} left out ({named}): {remedy[many]}." if pages else ""
