"""EPUB: the chapters of a book in their order, each read as the page that it is."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree
from selectolax.lexbor import LexborHTMLParser

from assistant.errors import UnreadableDocument
from ingest.readers.archive import open_archive, parse_xml, read_entry
from ingest.readers.html import blocks, html_text, untitled
from ingest.readers.html.walk import HEADINGS
from ingest.readers.outline import Outline, plain
from ingest.readers.reading import Reading, front_matter, language_of

CONTAINER, ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
FONTS = (".otf", ".ttf", ".ttc", ".woff", ".woff2")
CHAPTERS = {"application/xhtml+xml", "text/html"}
CONTENTS = "application/x-dtbncx+xml"


def read_epub(data: bytes) -> Reading:
    """Sections by the headings of all chapters; the title and the language are those that the book tells."""
    book = _Book.open(data)
    outline, labels = Outline(), book.labels()
    for path in book.chapters():
        _chapter_into(outline, _page(read_entry(book.archive, path)), labels.get(path, ""))
    title = book.says("title")
    meta = front_matter({"title": title, "language": language_of(book.says("language"))})
    return Reading(untitled(outline.sections(), title), meta)


def _chapter_into(outline: Outline, page: LexborHTMLParser, label: str) -> None:
    """Say a chapter to an outline; one without headings has the name that it has in the table of contents."""
    if page.body is None:
        return
    found = blocks(page.body)
    if label and not page.css_first(HEADINGS):
        outline.heading(1, label)
        found = found[1:] if found and found[0].text == label else found
    for block in found:
        block.tell(outline)


def _page(data: bytes) -> LexborHTMLParser:
    return LexborHTMLParser(html_text(data))


@dataclass(frozen=True, slots=True)
class _Item:
    path: str
    kind: str
    properties: list[str]


@dataclass(frozen=True, slots=True)
class _Book:
    """The archive, and its package document: what belongs to the book, and in which order."""

    archive: zipfile.ZipFile
    package: etree._Element
    items: dict[str, _Item]

    @classmethod
    def open(cls, data: bytes) -> _Book:
        """Raises UnreadableDocument when it is no book or one that only its reader's device can open."""
        archive = open_archive(data)
        _refuse_protected(archive)
        root = parse_xml(read_entry(archive, CONTAINER)).find(".//{*}rootfile")
        path = root.get("full-path", "") if root is not None else ""
        package = parse_xml(read_entry(archive, path))
        items = {
            item.get("id", ""): _Item(
                _within(path, item.get("href", "")), item.get("media-type", ""), item.get("properties", "").split()
            )
            for item in package.iterfind(".//{*}manifest/{*}item")
        }
        return cls(archive, package, items)

    def says(self, name: str) -> str | None:
        """A word of the book about itself."""
        return plain("".join(self.package.findtext(f".//{{*}}metadata//{{*}}{name}") or "")) or None

    def chapters(self) -> Iterator[str]:
        """The pages to be read one after the other, without the table of contents."""
        for reference in self.package.iterfind(".//{*}spine/{*}itemref"):
            item = self.items.get(reference.get("idref", ""))
            if item and reference.get("linear") != "no" and item.kind in CHAPTERS and "nav" not in item.properties:
                yield item.path

    def labels(self) -> dict[str, str]:
        """The names of pages in the table of contents, in either of its two forms."""
        labels: dict[str, str] = {}
        for item in self.items.values():
            if "nav" in item.properties or item.kind == CONTENTS:
                with suppress(UnreadableDocument):  # a book can be read without
                    for address, label in _entries(_page(read_entry(self.archive, item.path))):
                        labels.setdefault(_within(item.path, address), label)
        return labels


def _entries(page: LexborHTMLParser) -> Iterator[tuple[str, str]]:
    for contents in page.css("nav"):
        if contents.attributes.get("epub:type") in {None, "toc"}:
            yield from ((link.attributes["href"] or "", plain(link.text())) for link in contents.css("a[href]"))
    for point in page.css("navpoint"):
        content, label = point.css_first("content"), point.css_first("navlabel")
        if content and label:
            yield content.attributes.get("src") or "", plain(label.text())


def _within(path: str, address: str) -> str:
    """The entry that an address in the entry `path` names."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(address.partition("#")[0])))


def _refuse_protected(archive: zipfile.ZipFile) -> None:
    if ENCRYPTION not in archive.namelist():
        return
    named = (each.get("URI", "") for each in parse_xml(read_entry(archive, ENCRYPTION)).iter("{*}CipherReference"))
    if not all(address.lower().endswith(FONTS) for address in named):
        raise UnreadableDocument(
            "the book is protected by DRM.", "Ask its publisher for a copy without protection, or leave it out."
        )
