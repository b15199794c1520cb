"""Markdown with YAML front matter. A section is what stands under one heading.

Footnotes carry sources: `[^key]` after a sentence says that the address in the note supports it. Comments on a line of
their own, right under a heading, say more about that section:

    <!-- valid: 2024-01-01..2025-12-31 -->   the section holds for that period (an open end is left out)
    <!-- gap -->                             the section says what is not known
    <!-- asked:                              questions that the section answers, one a line, in the words of people
    Who ran it?                              who do not know the text; they are searched, and offered as suggestions
    -->

Blocks of HTML are read as on a page; what is struck out is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

import frontmatter
import yaml
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.footnote import footnote_plugin

from assistant.errors import UnreadableDocument
from assistant.records import Anchor, Period, Section, SourceMark
from ingest.readers.html_in_markdown import html_plugin
from ingest.readers.outline import LOWEST, awaited, looks_like_heading, row_text
from ingest.readers.reading import Reading, decode, front_matter

VALID = re.compile(r"<!--\s*valid:\s*(\d{4}-\d{2}-\d{2})?\s*\.\.\s*(\d{4}-\d{2}-\d{2})?\s*-->")
GAP = re.compile(r"<!--\s*gap\s*-->")
ASKED = re.compile(r"<!--\s*asked:(.*?)-->", re.DOTALL)
SENTENCE = re.compile(r".+?(?:[.!?]\s+|$)", re.DOTALL)
# What site builders put beside text: attributes of Kramdown and Pandoc, "{.note #id lang="de"}", templates of Liquid.
ATTRIBUTE = r'(?:[.#][\w-]+|[\w-]+="[^"{}]*")'
BUILT = re.compile(rf"\{{:? ?{ATTRIBUTE}(?: {ATTRIBUTE})* ?\}}|\{{%[^{{}}]*%\}}| ?\{{\{{[^{{}}]*\}}\}}")
NAMED = re.compile(r"\{[^{}]*#([\w-]+)[^{}]*\}\s*$")  # a heading's own id
LONGEST_ID = 200
BREAK, STRUCK = re.compile(r"<br\b", re.IGNORECASE), re.compile(r"<(/?)(?:s|strike|del)\b", re.IGNORECASE)
POINTER_SHARE = 0.35  # of a sentence's characters, from which on it is only a link
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"]).use(footnote_plugin).use(html_plugin)


def read_markdown(data: bytes) -> Reading:
    """Sections by heading, with their period, their gap mark and the sources of their sentences."""
    values, body = _split_front_matter(decode(data))
    return read_body(body, values)


def read_body(body: str, values: dict[str, object]) -> Reading:
    """Sections of Markdown text without front matter; `values` are the front matter that belongs to it."""
    tree = SyntaxTreeNode(MARKDOWN.parse(body))
    addresses = {note.meta["label"]: _address(note) for note in tree.walk() if note.type == "footnote"}
    parts = _parts(tree)
    if not values.get("title"):
        values = {**values, "title": next((part.heading for part in parts if part.level == 1), None)}
    path: list[tuple[int, str]] = []
    sections = []
    for part in parts:
        path = [(level, heading) for level, heading in path if level < part.level]
        if part.heading and part.heading != values["title"]:
            path.append((part.level, part.heading))
        text, marks = _text(part.nodes, addresses)
        if text:
            anchor = Anchor(heading=tuple(heading for _, heading in path), fragment=part.fragment)
            period, gap, asked = _directives(part.nodes)
            sections.append(Section(text, anchor, period, gap, marks, asked))
    return Reading(tuple(sections), front_matter(values))


def _split_front_matter(text: str) -> tuple[dict[str, object], str]:
    try:
        values, body = frontmatter.parse(text)
    except (yaml.YAMLError, ValueError) as error:  # the latter for a day that there is not
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise UnreadableDocument(
            f"front matter{where}: {problem}.", "Put values that hold a colon or quote in double quotes."
        ) from error
    return dict(values), str(body)


@dataclass
class _Part:
    """A heading and the nodes below it, up to the next heading."""

    level: int = 0
    heading: str = ""
    fragment: str | None = None
    nodes: list[SyntaxTreeNode] = field(default_factory=list)
    commented: bool = False


def _parts(tree: SyntaxTreeNode) -> list[_Part]:
    parts = [_Part()]
    for node, after in zip(tree.children, [*tree.children[1:], None], strict=True):
        if node.type == "heading":
            parts.append(_heading(node))
        elif _leads_on(parts[-1], node, after):
            parts.append(_Part(LOWEST, _inline(node)[0], parts[-1].fragment))
        else:
            parts[-1].nodes.append(node)
            parts[-1].commented |= node.type == "html_block"
    return parts


def _leads_on(part: _Part, node: SyntaxTreeNode, after: SyntaxTreeNode | None) -> bool:
    """Whether a line in bold is a heading: there is text below it, and its section has no comments of its own."""
    text, notes = _inline(node) if _in_bold(node) else ("", [])
    if notes or not looks_like_heading(text) or part.commented:
        return False
    before = [line for said in part.nodes[-1:] for _, line, _ in _blocks(said)]
    if after is None or after.type == "heading" or _in_bold(after):
        return False
    return any(line for _, line, _ in _blocks(after)) and not awaited("".join(before[-1:]))


def _in_bold(node: SyntaxTreeNode) -> bool:
    if node.type != "paragraph":
        return False
    said = [piece for piece in node.children[0].children if piece.type == "footnote_ref" or _inline(piece)[0]]
    return [piece.type for piece in said] == ["strong"]


def _heading(node: SyntaxTreeNode) -> _Part:
    text, named = _inline(node)[0], NAMED.search(node.children[0].content[-LONGEST_ID:] if node.children else "")
    return _Part(int(node.tag[1]), text, named[1] if named else _slug(text))


def _directives(nodes: Sequence[SyntaxTreeNode]) -> tuple[Period, bool, tuple[str, ...]]:
    comments = "".join(node.content for node in nodes if node.type == "html_block")
    found = VALID.search(comments)
    period = Period(*(_day(day) for day in found.groups())) if found else Period()
    asked = (line.strip() for block in ASKED.findall(comments) for line in block.splitlines())
    return period, bool(GAP.search(comments)), tuple(dict.fromkeys(line for line in asked if line))


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise UnreadableDocument(f"valid: {text} is no date.", "Write YYYY-MM-DD.") from error


def _text(nodes: Sequence[SyntaxTreeNode], addresses: dict[str, str | None]) -> tuple[str, tuple[SourceMark, ...]]:
    """The one text form of a Section, and the addresses of its notes at the characters that they follow."""
    text, last, marks = "", "", []
    led = zip(nodes, [False, *map(_leads, nodes)], strict=False)
    for prefix, line, notes in (block for node, after in led for block in _blocks(node, after)):
        if not line:
            continue
        text += ("" if not text else "\n" if prefix and prefix == last else "\n\n") + prefix
        marks += [SourceMark(len(text) + at, url) for at, label in notes if (url := addresses.get(label))]
        text, last = text + line, prefix
    return text, tuple(marks)


_Notes = list[tuple[int, str]]


def _leads(node: SyntaxTreeNode) -> bool:
    """Whether a paragraph leads to a list that follows: items are part of what it says, also where they are links."""
    return node.type == "paragraph" and _inline(node)[0].endswith(":")


def _blocks(node: SyntaxTreeNode, led: bool = False) -> Iterator[tuple[str, str, _Notes]]:
    """(line prefix, text, notes) of each paragraph, list item and table row below a node."""
    match node.type:
        case "paragraph":
            yield "", *(_inline(node) if led else without_pointers(node))
        case "heading":  # in a quote or an item, where it begins no section
            yield "", *_inline(node)
        case "bullet_list" | "ordered_list":
            for item in node.children:
                for child in item.children:
                    yield from (("- ", line, notes) for _, line, notes in _blocks(child, led))
        case "blockquote":
            for child in node.children:
                yield from _blocks(child)
        case "table":
            header, *rows = [[_inline(cell)[0] for cell in row.children] for row in node.walk() if row.type == "tr"]
            yield from (("| ", row_text(header, row), []) for row in rows)
        case "fence" | "code_block":
            yield "", " ".join(node.content.split()), []


def _inline(node: SyntaxTreeNode) -> tuple[str, _Notes]:
    """Plain text of a block's inline content, and (character, label) of each footnote mark in it."""
    text, notes = "", []
    for piece in _shown(node):
        match piece.type:
            case "text":
                said = BUILT.sub("", piece.content)
                text += said.lstrip() if text.endswith(" ") else said
            case "code_inline":
                text += piece.content
            case "softbreak" | "hardbreak":
                text = text.rstrip() + " "
            case "html_inline" if BREAK.match(piece.content):
                text = text.rstrip() + " "
            case "image":
                text += piece.content
            case "footnote_ref":
                notes.append((len(text), piece.meta["label"]))
    return text.strip(), notes


def _shown(node: SyntaxTreeNode) -> Iterator[SyntaxTreeNode]:
    """A node and all below it, but for what is struck out."""
    yield node
    struck = False
    for child in node.children:
        if child.type == "html_inline" and (tag := STRUCK.match(child.content)):
            struck = not tag[1]
        elif not struck and child.type != "s":
            yield from _shown(child)


def without_pointers(node: SyntaxTreeNode) -> tuple[str, _Notes]:
    """A paragraph without sentences such as "See [the other page](other.md).": links, not statements."""
    text, notes = _inline(node)
    linked = [_inline(link)[0] for link in node.walk() if link.type == "link"]

    def points(sentence: re.Match[str]) -> bool:
        inside = sum(len(words) for words in linked if words in sentence.group())
        sourced = any(sentence.start() < at <= sentence.end() for at, _ in notes)
        return inside >= POINTER_SHARE * len(sentence.group()) and not sourced

    sentences = list(SENTENCE.finditer(text))
    dropped = [sentence for sentence in sentences if points(sentence)]
    kept = "".join(sentence.group() for sentence in sentences if sentence not in dropped)
    before = [(at, sum(len(d.group()) for d in dropped if d.start() < at)) for at, _ in notes]
    return kept.strip(), [(at - gone, label) for (at, gone), (_, label) in zip(before, notes, strict=True)]


def _address(note: SyntaxTreeNode) -> str | None:
    return next((str(node.attrs["href"]) for node in note.walk() if node.type == "link"), None)


def _slug(heading: str) -> str | None:
    """The id that most Markdown renderers give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") or None
