"""The blocks that a page is made of: headings, paragraphs, items and rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from selectolax.lexbor import LexborNode

from ingest.readers.outline import Outline


@dataclass(frozen=True, slots=True)
class Block:
    """What `Outline.<kind>(*said)` is told. `home`: the element it is, or lies in; `linked`: characters of links;
    `bold`: whether all of it is in bold."""

    kind: str
    said: tuple[Any, ...]
    text: str
    home: LexborNode
    linked: int = 0
    bold: bool = False

    def tell(self, outline: Outline) -> None:
        """Say it to an outline."""
        getattr(outline, "bold" if self.kind == "paragraph" and self.bold else self.kind)(*self.said)

    @property
    def loose(self) -> bool:
        """Whether it is a mere paragraph; those beside the main content are rarely part of it."""
        return self.kind == "paragraph" and self.home.tag not in {"pre", "figure", "table"}


def joined(parts: Sequence[Block]) -> str:
    """The texts of blocks as one, items parted by semicolons."""
    groups = groupby(parts, key=lambda block: block.kind == "item")
    return " ".join(("; " if items else " ").join(block.text for block in group) for items, group in groups)


def merged(kind: str, parts: Sequence[Block], home: LexborNode, text: str | None = None) -> Block:
    """One block that says what several say."""
    text = joined(parts) if text is None else text
    return Block(kind, (text,), text, home, sum(block.linked for block in parts))


def defined(term: str, text: str) -> str:
    """A term and its definition as one text."""
    return f"{term}{' ' if term.endswith((':', '?', '!', '.')) else ': '}{text}" if term and text else term or text


def around(node: LexborNode, tag: str) -> int | None:
    """The nearest element of this tag that a node lies in, None when there is none."""
    while (parent := node.parent) and parent.tag != tag:
        node = parent
    return parent.mem_id if parent else None


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return re.findall(r"[^\W_]+", text.lower())


def ids(root: LexborNode, selector: str) -> set[int]:
    """The elements that a selector finds, by memory id."""
    return {node.mem_id for node in root.css(selector)}
