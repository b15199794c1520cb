"""From an element of a page to its blocks: one way down the tree, a function a kind of element in READ."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from selectolax.lexbor import LexborNode

from ingest.readers.html.blocks import Block, around, defined, ids, joined, merged, words
from ingest.readers.html.tables import NO_CELL, NO_TABLE, Cell, row_of, span, split
from ingest.readers.outline import plain

MAX_DEPTH = 100
HEADINGS = "h1, h2, h3, h4, h5, h6"
NEVER = """script, style, noscript, template, nav, iframe, object, svg, math annotation, select, textarea, button, rp,
    rt, s, strike, del, [hidden]:not([hidden=until-found]), [style*="display:none" i], [style*="display: none" i],
    [style*="line-through" i], .visually-hidden, .sr-only, .mw-editsection"""
BREAK = "\v"  # stands for <br>; two of them part paragraphs
INLINE = """a abbr acronym bdi bdo big button cite code data dfn em font i img input ins kbd label mark nobr
    output picture progress q ruby samp small span sub sup time tt u var wbr""".split()


def walked(root: LexborNode, left_out: set[int]) -> list[Block]:
    """The blocks of an element, without those parts."""
    walk = Walk(left_out, root)
    walk.block(root)
    return walk.found


def text_of(node: LexborNode) -> str:
    """What an element says, on one line."""
    return joined(walked(node, ids(node, NEVER) - ids(node, "button")))


@dataclass
class Walk:
    """Goes down a tree once: text gathers in `run`, and every element that is not inline ends it."""

    left_out: set[int]
    home: LexborNode
    found: list[Block] = field(default_factory=list)
    run: list[str] = field(default_factory=list)
    linked: int = 0
    links: int = 0
    bold: int = 0
    light: bool = False  # some of the run is not in bold
    depth: int = 0
    last: Block | None = None

    def children(self, node: LexborNode) -> None:
        """What stands in an element."""
        if self.depth == MAX_DEPTH:
            self.run.append(node.text(separator=" "))
            self.light = True
            return
        self.depth += 1
        for child in node.iter(include_text=True):
            if child.mem_id not in self.left_out:
                READ.get(str(child.tag), Walk.block)(self, child)
        self.depth -= 1

    def seen(self, top: LexborNode, names: str) -> list[LexborNode]:
        """The elements of these names in one, which are not left out with what they stand in."""
        return [node for node in top.css(names) if not self._hidden(node, top)]

    def _hidden(self, node: LexborNode | None, top: LexborNode) -> bool:
        while node and node.mem_id != top.mem_id:
            if node.mem_id in self.left_out:
                return True
            node = node.parent
        return False

    def text(self, node: LexborNode) -> None:
        """A stretch of text."""
        content = node.text_content or ""
        self.run.append(content)
        self.linked += len(content) if self.links else 0
        self.light |= not self.bold and bool(content.strip())

    def strong(self, node: LexborNode) -> None:
        """Text in bold."""
        self.bold += 1
        self.children(node)
        self.bold -= 1

    def line_break(self, _: LexborNode) -> None:
        """A line break."""
        self.run.append(BREAK)

    def link(self, node: LexborNode) -> None:
        """A link within the page to a note or such as "¶" or "↑" is no text."""
        if (node.attributes.get("href") or "").startswith("#") and _is_mark(node):
            return
        self.links += 1
        self.children(node)
        self.links -= 1

    def block(self, node: LexborNode) -> None:
        """An element that begins and ends a paragraph."""
        self.flush()
        outer, self.home = self.home, node
        self.children(node)
        self.flush()
        self.home = outer

    def flush(self) -> None:
        """End the paragraph that has gathered."""
        texts = [text for part in re.split(rf"{BREAK}\s*{BREAK}", "".join(self.run)) if (text := plain(part))]
        bold = len(texts) == 1 and not self.light
        self.found += [Block("paragraph", (text,), text, self.home, self.linked, bold) for text in texts]
        self.run, self.linked, self.light = [], 0, False

    def inside(self, node: LexborNode) -> list[Block]:
        """The blocks of an element, kept apart from those found so far."""
        self.flush()
        found, self.found = self.found, []
        self.block(node)
        found, self.found = self.found, found
        return found

    def heading(self, node: LexborNode) -> None:
        """A heading of the level that its tag names."""
        self._heading(int(str(node.tag)[1]), node)

    def _heading(self, level: int, node: LexborNode) -> None:
        inner = self.inside(node)
        if text := joined(inner):
            self.last = Block("heading", (level, text, fragment_of(node)), text, node, sum(b.linked for b in inner))
            self.found.append(self.last)

    def details(self, node: LexborNode) -> None:
        """What unfolds is a section of its own; after it that goes on in which it stands."""
        outer = self.last
        self.block(node)
        self.last = outer
        if outer:
            self.found.append(outer)

    def summary(self, node: LexborNode) -> None:
        """The heading of what unfolds."""
        self._heading(self.last.said[0] + 1 if self.last else 1, node)

    def whole(self, node: LexborNode) -> None:
        """An element whose blocks belong together."""
        self.found += [replace(block, home=node, bold=False) for block in self.inside(node)]

    def item(self, node: LexborNode) -> None:
        """An item, then those of the lists in it; one that holds headings or tables is a part of the page's layout."""
        inner = self.inside(node)
        if {block.kind for block in inner} <= {"paragraph", "item"}:
            for kind, parts in ((kind, list(group)) for kind, group in groupby(inner, key=lambda block: block.kind)):
                self.found += parts if kind == "item" else [merged("item", parts, node)]
        else:
            self.found += inner

    def definitions(self, node: LexborNode) -> None:
        """Each definition with its terms; a list that holds headings or tables is a part of the page's layout."""
        if node.css_first(f"{HEADINGS}, table"):
            return self.block(node)
        parts = [part for part in self.seen(node, "dt, dd") if around(part, "dl") == node.mem_id]
        terms: list[Block] = []
        for tag, group in groupby(parts, key=lambda part: part.tag):
            said = [merged("item", self.inside(part), node) for part in group]
            if tag == "dd":
                term = ", ".join(block.text for block in terms)
                self.found += [merged("item", [*terms, block], node, defined(term, block.text)) for block in said]
            terms = said if tag == "dt" else []
        self.found += terms
        return None

    def table(self, node: LexborNode) -> None:
        """A row a line; a table of one column, or one that holds headings or tables, is a part of the layout."""
        layout = len(node.css("table")) > 1 or node.css_first(HEADINGS) or node.attributes.get("role") in NO_TABLE
        rows = [] if layout else self.grid(node)
        if all(len(row) == 1 for row in rows):
            return self.block(node)
        header, body = split(rows)
        self.found += [replace(block, home=node) for name in self.seen(node, "caption") for block in self.inside(name)]
        for row in body:
            text = " ".join(cell.text for cell in dict.fromkeys(row))
            linked = sum(cell.linked for cell in dict.fromkeys(row))
            self.found.append(Block("row", row_of(header, row), text, node, linked))
        return None

    def grid(self, table: LexborNode) -> list[list[Cell]]:
        """The rows of a table; a cell that spans others stands in the place of each."""
        lines = self.seen(table, "tr")
        rows: list[dict[int, Cell]] = [{} for _ in lines]
        for at, line in enumerate(lines):
            column = 0
            for node in line.css("th, td"):
                cell = NO_CELL if node.mem_id in self.left_out else _cell(node, self.inside(node))
                while column in rows[at]:
                    column += 1
                for row in rows[at : at + span(node, "rowspan")]:
                    row.update(dict.fromkeys(range(column, column + span(node, "colspan")), cell))
        return [[row.get(column, NO_CELL) for column in range(max(row) + 1)] for row in rows if row]


READ: dict[str, Callable[[Walk, LexborNode], None]] = {
    **dict.fromkeys(INLINE, Walk.children),
    **dict.fromkeys(("b", "strong"), Walk.strong),
    **dict.fromkeys(HEADINGS.split(", "), Walk.heading),
    **dict.fromkeys(("ul", "ol", "menu", "figure"), Walk.whole),
    "-text": Walk.text,
    "-comment": lambda *_: None,
    "a": Walk.link,
    "br": Walk.line_break,
    "li": Walk.item,
    "dl": Walk.definitions,
    "table": Walk.table,
    "details": Walk.details,
    "summary": Walk.summary,
}


def _is_mark(link: LexborNode) -> bool:
    text = plain(link.text())
    raised = (link.parent and link.parent.tag == "sup") or link.css_first("sup")
    noted = raised or NOTED & {link.attributes.get("role"), link.attributes.get("epub:type")}
    return not words(text) or bool(re.fullmatch(r"\[\w{1,4}\]" if not noted else r"\W*\w{1,4}\W*", text))


NOTED = {"doc-noteref", "noteref"}


def _cell(node: LexborNode, parts: Sequence[Block]) -> Cell:
    names = node.tag == "th" or around(node, "thead") is not None
    return Cell(joined(parts), sum(block.linked for block in parts), names)


OPENED = {"section", "article", "details"}  # what a link can lead to instead of the heading at its start


def fragment_of(heading: LexborNode) -> str | None:
    """The id that leads to a heading: its own, one in it, of an <a> right before, of the section that it opens."""
    near = [heading, *heading.css("[id], a[name]"), *_before(heading)]
    parent = heading.parent
    while parent:
        first = parent.css_first(f"{HEADINGS}, summary")
        if parent.tag in OPENED and first and first.mem_id == heading.mem_id:
            near.append(parent)
        parent = parent.parent
    names = (node.attributes.get("id") or node.attributes.get("name") for node in near)
    return next(filter(None, names), None)


def _before(node: LexborNode) -> list[LexborNode]:
    before = node.prev
    while before and before.is_text_node and not (before.text_content or "").strip():
        before = before.prev
    empty = before is not None and before.is_element_node and not before.text().strip()
    return before.css("a[id], a[name]") if before and empty else []
