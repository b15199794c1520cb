"""HTML among Markdown, as a plugin of markdown-it: its blocks become tokens, as if they were written in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from selectolax.lexbor import LexborHTMLParser

if TYPE_CHECKING:
    from ingest.readers.html.blocks import Block


def html_plugin(md: MarkdownIt) -> None:
    """Reads blocks of HTML as on a page. Comments stay where they are."""
    md.core.ruler.push("html_in_markdown", _read)


def _read(state: StateCore) -> None:
    tokens: list[Token] = []
    for is_page, group in groupby(state.tokens, key=_is_page):
        together = list(group)
        tokens += _read_as_page(together) if is_page else together
    state.tokens = tokens


def _is_page(token: Token) -> bool:
    return token.type == "html_block" and not token.content.lstrip().startswith("<!--")


def _read_as_page(together: Sequence[Token]) -> list[Token]:
    """A table with empty lines in it is several blocks to Markdown."""
    # Imports trafilatura, which is heavy: few documents in Markdown hold HTML.
    from ingest.readers.html import blocks

    root = LexborHTMLParser("".join(token.content for token in together)).body
    tokens = [token for block in (blocks(root) if root else ()) for token in TOKENS[block.kind](block)]
    for token in tokens:
        token.map = together[0].map
    return tokens


def _paragraph(block: Block) -> list[Token]:
    return _in([_inline(block.text, "strong" if block.bold else "")], "paragraph")


def _heading(block: Block) -> list[Token]:
    """What unfolds has a line in bold, as it is no part of the order of headings."""
    if block.home.tag == "summary":
        return _paragraph(replace(block, bold=True))
    level, text, fragment = block.said
    inline = _inline(text)
    inline.content += f" {{#{fragment}}}" if fragment else ""
    return _in([inline], "heading", tag=f"h{level}")


def _item(block: Block) -> list[Token]:
    return _in([_inline(block.text)], "bullet_list", "list_item", "paragraph")


def _row(block: Block) -> list[Token]:
    """A table of this row."""
    return _in([token for cells in block.said for token in _in(_cells(cells), "tr")], "table")


def _cells(texts: Sequence[str]) -> list[Token]:
    return [token for text in texts for token in _in([_inline(text)], "td")]


TOKENS: dict[str, Callable[[Block], list[Token]]] = {
    "paragraph": _paragraph,
    "heading": _heading,
    "item": _item,
    "row": _row,
}


def _inline(text: str, mark: str = "") -> Token:
    said = [Token("text", "", 0, content=text)]
    return Token("inline", "", 0, content=text, children=_in(said, mark) if mark else said)


def _in(tokens: Sequence[Token], *names: str, tag: str = "") -> list[Token]:
    """Tokens within blocks of these names, the outermost first."""
    return [
        *(Token(f"{name}_open", tag, 1) for name in names),
        *tokens,
        *(Token(f"{name}_close", tag, -1) for name in reversed(names)),
    ]
