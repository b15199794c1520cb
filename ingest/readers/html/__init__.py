"""HTML: the blocks of a page's main content, with the ids that a link can lead to.

trafilatura says which words of a page are its main content. The page is walked, and the blocks are kept that hold these
words, with the lists, tables and headings beside them; where that is less than half of the page, all of it is kept.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import trafilatura
from selectolax.lexbor import LexborHTMLParser, LexborNode

from assistant.records import Section
from ingest.readers.html.blocks import Block, ids, words
from ingest.readers.html.walk import NEVER, text_of, walked
from ingest.readers.outline import Outline
from ingest.readers.reading import Reading, decode, front_matter, language_of

KEPT_SHARE = 0.5
WINDOW = 3  # words in a row that are compared
NEEDED = ", ".join(f"{tag} button" for tag in ("h1", "h2", "h3", "h4", "h5", "h6", "summary", "dt"))
FURNITURE = """header, footer, aside, dialog, [role=navigation], [role=banner], [role=contentinfo], [role=search],
    [role=dialog], [role=alertdialog], [role=complementary]"""
DOUBTFUL = "form, [class*=cookie i], [id*=cookie i], [class*=consent i], [id*=consent i], [class*=breadcrumb i]"
CONTENT = "body, main, article, h1"  # what holds one of these is no doubtful furniture
OWN_HEADER = "main header, article header, section header"
ROOTS = ("main", "[role=main]", "article", "body")
TITLES = ("main h1", "article h1", "h1", "title")
NOT_SEEN = re.compile(r"</?(?:time|label|fieldset|figure)\b[^>]*>", re.IGNORECASE)  # trafilatura drops their text
BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
DECLARED = re.compile(
    rb"""(?:<meta[^>]*?charset|<\?xml[^>]*?encoding)\s*=\s*["']?\s*"""
    rb"""(utf-?8|windows-\d+|iso-8859-\d+|koi8-[ru]|shift_jis|euc-jp|euc-kr|gb2312|gbk|gb18030|big5)\b""",
    re.IGNORECASE,
)
# What XML may close at once and HTML may not.
CLOSED_AT_ONCE = re.compile(r"<(?!(?:area|base|br|col|embed|hr|img|input|link|meta|source|wbr)\b)([\w:.-]+)([^<>]*)/>")
MEANT = {"iso-8859-1": "windows-1252", "gb2312": "gb18030"}  # as browsers take these names


def read_html(data: bytes) -> Reading:
    """Sections of a page by its headings; the title, language and address it gives itself are its front matter."""
    text = html_text(data)
    page = LexborHTMLParser(text)
    values = _meta(page)
    outline = Outline()
    for block in _main(page, text):
        block.tell(outline)
    return Reading(untitled(outline.sections(), values["title"]), front_matter(values))


def html_text(data: bytes) -> str:
    """A page decoded by its byte order mark, else by what it declares, else by what it looks like; XHTML made HTML."""
    text = _decoded(data)
    is_xml = any(sign in text[:1000] for sign in ("<?xml", "http://www.w3.org/1999/xhtml"))
    return CLOSED_AT_ONCE.sub(r"<\1\2></\1>", text) if is_xml else text


def _decoded(data: bytes) -> str:
    name = next((name for bom, name in BOMS.items() if data.startswith(bom)), None)
    if not name and (declared := DECLARED.search(data[:4096])):
        name = declared.group(1).decode().lower()
    with suppress(UnicodeDecodeError, LookupError):
        return data.decode(MEANT.get(name, name)) if name else decode(data)
    return decode(data)


def blocks(root: LexborNode) -> list[Block]:
    """All headings, paragraphs, list items and table rows of an element, in their order."""
    return walked(root, ids(root, NEVER) - _needed(root))


def untitled(sections: Sequence[Section], title: object) -> tuple[Section, ...]:
    """Sections whose heading path does not repeat the title of the document."""

    def below(section: Section) -> Section:
        path = tuple(heading for heading in section.anchor.heading if heading != title)
        return replace(section, anchor=replace(section.anchor, heading=path))

    return tuple(below(section) for section in sections)


def _meta(page: LexborHTMLParser) -> dict[str, object]:
    def attribute(selector: str, name: str) -> str:
        node = page.css_first(selector)
        return (node.attributes.get(name) or "").strip() if node else ""

    named = (text_of(node) for selector in TITLES for node in page.css(selector))
    url = attribute("link[rel=canonical]", "href")
    return {
        "title": next(filter(None, named), None),
        "language": language_of(attribute("html", "lang")),
        "url": url if url.startswith(("https://", "http://")) else None,
        "publisher": attribute("meta[property='og:site_name']", "content") or None,
    }


# --- the main content


def _needed(root: LexborNode) -> set[int]:
    """Of what is not shown: the buttons that are headings, and what unfolds when a button is pressed."""
    unfolded = {node.attributes.get("aria-controls") for node in root.css("[aria-expanded][aria-controls]")}
    return ids(root, NEEDED) | {node.mem_id for node in root.css("div[id], section[id]") if node.id in unfolded}


def _main(page: LexborHTMLParser, text: str) -> list[Block]:
    body = page.body
    if body is None:
        return []
    doubtful = {node.mem_id for node in body.css(DOUBTFUL) if not node.css_first(CONTENT)}
    left_out = (ids(body, f"{NEVER}, {FURNITURE}") | doubtful) - ids(body, OWN_HEADER) - _needed(body)
    found = trafilatura.extract(NOT_SEEN.sub("", text), output_format="txt", include_comments=False, favor_recall=True)
    kept = _kept(walked(body, left_out), found or "")
    root = next((nodes[0] for selector in ROOTS if len(nodes := page.css(selector)) == 1), body)
    whole = walked(root, left_out)
    return kept if _length(kept) >= KEPT_SHARE * _length(whole) else whole


def _length(found: Sequence[Block]) -> int:
    return sum(len(words(block.text)) for block in found)


def _windows(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + WINDOW]) for at in range(max(1, len(words) - WINDOW + 1))}


def _kept(found: Sequence[Block], main: str) -> list[Block]:
    said = _windows(words(main)).union(*(_windows(words(line)) for line in main.splitlines())) - {()}

    def is_said(block: Block) -> bool:
        windows = _windows(words(block.text))
        return 2 * len(windows & said) >= len(windows)

    sure = [is_said(block) for block in found]
    places = {id_ for block, is_sure in zip(found, sure, strict=True) if is_sure for id_ in _places(block)}

    def is_beside(block: Block) -> bool:
        return not block.loose and 2 * block.linked <= len(block.text) and _places(block)[1] in places

    kept: list[Block] = []
    next_kept = False
    for block, is_sure in reversed(list(zip(found, sure, strict=True))):
        next_kept = is_sure or is_beside(block) or (next_kept and block.kind == "heading")
        kept += [block] if next_kept else []
    return kept[::-1]


def _places(block: Block) -> tuple[int, int]:
    return block.home.mem_id, block.home.parent.mem_id if block.home.parent else 0
