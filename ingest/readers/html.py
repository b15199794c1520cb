"""HTML: the main content of a page, as Markdown, read by the Markdown reader.

trafilatura finds the main content of pages of the open web; where it finds nothing or drops most of a small page, the
whole body is taken instead, without navigation, scripts and forms.
"""

from __future__ import annotations

import trafilatura
from selectolax.lexbor import LexborHTMLParser, LexborNode

from ingest.readers.markdown import read_body
from ingest.readers.reading import Reading, decode

NOT_CONTENT = "script, style, noscript, template, nav, header, footer, aside, form, iframe, svg, [hidden]"
KEPT_SHARE = 0.5
BLOCKS = {
    "h1": "# ",
    "h2": "## ",
    "h3": "### ",
    "h4": "#### ",
    "p": "",
    "li": "- ",
    "dt": "",
    "dd": "",
    "blockquote": "",
}


def read_html(data: bytes) -> Reading:
    """Sections of a page by its headings; the title, language and address it gives itself are its front matter."""
    text = decode(data)
    page = LexborHTMLParser(text)
    values = _meta(page)
    whole = _body(page)
    main = trafilatura.extract(
        text, output_format="markdown", include_formatting=True, include_comments=False, favor_recall=True
    )
    enough = main is not None and _words(main) >= KEPT_SHARE * _words(whole)
    return read_body(str(main) if enough else whole, values)


def _words(text: str) -> int:
    return len(text.split())


def _meta(page: LexborHTMLParser) -> dict[str, object]:
    def attribute(selector: str, name: str) -> str | None:
        node = page.css_first(selector)
        return (node.attributes.get(name) or None) if node else None

    heading, title = page.css_first("h1"), page.css_first("title")
    url = attribute("link[rel=canonical]", "href")
    named = heading or title
    return {
        "title": " ".join(named.text().split()) if named else None,
        "language": (attribute("html", "lang") or "")[:2].lower() or None,
        "url": url if url and url.startswith("http") else None,
        "publisher": attribute("meta[property='og:site_name']", "content"),
    }


def _body(page: LexborHTMLParser) -> str:
    for node in page.css(NOT_CONTENT):
        node.decompose()
    root = page.css_first("main") or page.css_first("article") or page.body
    return "\n\n".join(_blocks(root)) if root else ""


def _blocks(root: LexborNode) -> list[str]:
    lines = []
    for node in root.css(", ".join((*BLOCKS, "table"))):
        if node.tag == "table":
            lines.append(_table(node))
        elif node.parent is None or not _inside_block(node):
            lines.append(BLOCKS[str(node.tag)] + " ".join(node.text().split()))
    return [line for line in lines if line.strip("#- ")]


def _inside_block(node: LexborNode) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.tag in {"li", "blockquote", "table"}:
            return True
        parent = parent.parent
    return False


def _table(table: LexborNode) -> str:
    rows = [[" ".join(cell.text().split()).replace("|", "/") for cell in row.css("th, td")] for row in table.css("tr")]
    rows = [row for row in rows if row]
    if not rows:
        return ""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])
