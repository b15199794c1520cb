"""Word documents. Left out is what is not the text: deleted, hidden or struck out, tables of contents, page headers."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from docx import Document
from docx.document import Document as WordDocument
from docx.exceptions import PythonDocxError
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.part import Part
from docx.oxml.exceptions import XmlchemyError
from docx.oxml.ns import nsmap, qn
from lxml import etree

from ingest.readers.archive import damage_told, open_archive, parse_xml, refuse_entities
from ingest.readers.flow import Flow, Line, Note, first_title
from ingest.readers.reading import Reading, front_matter, language_of, own_title

HEADING = re.compile(r"heading ?([1-9])", re.IGNORECASE)
COUNT = re.compile("[0-9]{1,2}")  # of columns
MAX_CHAIN = 20  # styles that a style is based on

PARAGRAPH, TABLE, ROW, CELL, RUN, BOX, ID = map(qn, ("w:p", "w:tbl", "w:tr", "w:tc", "w:r", "w:txbxContent", "w:id"))
ALTERNATE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
OUTLINE, NUMBER = "w:pPr/w:outlineLvl", "w:pPr/w:numPr/w:numId"
LEVELS: dict[str | None, int | None] = {None: None, **{str(level): level + 1 for level in range(9)}, "9": 0}
SIGNS = {qn("w:tab"): " ", qn("w:ptab"): " ", qn("w:br"): " ", qn("w:cr"): " ", qn("w:noBreakHyphen"): "-"}
WORDS = {qn("w:t"), qn("m:t"), *SIGNS}
NOTES = {qn("w:footnoteReference"): RELATIONSHIP_TYPE.FOOTNOTES, qn("w:endnoteReference"): RELATIONSHIP_TYPE.ENDNOTES}
BLOCKS = {PARAGRAPH, TABLE}
PIECES = {*WORDS, *NOTES, BOX}
LEFT_OUT = {qn(f"w:{name}") for name in ("del", "moveFrom", "pPr", "rPr", "sdtPr", "rt")}
CONTENTS = "w:sdtPr/w:docPartObj/w:docPartGallery[@w:val='Table of Contents']"
LEFT_OUT_IF: dict[str, tuple[str, ...]] = {
    RUN: ("w:rPr/w:vanish", "w:rPr/w:strike", "w:rPr/w:dstrike"),
    ROW: ("w:trPr/w:del",),
    qn("w:sdt"): (CONTENTS,),
}


@dataclass(frozen=True, slots=True)
class _Style:
    level: int = 0  # of a heading
    listed: bool = False
    title: bool = False
    contents: bool = False


def read_docx(data: bytes) -> Reading:
    """Sections by heading. The title is what the properties say, else what looks most like one."""
    open_archive(data, ".docx").close()
    with damage_told(PythonDocxError, XmlchemyError):
        document = Document(io.BytesIO(data))
        refuse_entities(document.element)
        words = _Words(document)
        properties = document.core_properties
        named, language = own_title(properties.title), language_of(properties.language)
    title = named or words.first_title(document.element)
    flow = Flow(title)
    words.tell(flow, document.element)
    return Reading(flow.outline.sections(), front_matter({"title": title, "language": language}))


class _Words:
    """The paragraphs and tables of a document, with its styles and notes."""

    def __init__(self, document: WordDocument) -> None:
        self._styles = _styles(document.styles.element)
        self._notes: dict[str, dict[str | None, Note]] = {}  # of their reference's tag, by their id
        self._notes = {tag: self._noted(document, kind) for tag, kind in NOTES.items()}

    def _noted(self, document: WordDocument, kind: str) -> dict[str | None, Note]:
        parts = [link.target_part for link in document.part.rels.values() if link.reltype == kind]
        notes = [(note, part) for part in parts for note in parse_xml(part.blob).iterchildren(tag=etree.Element)]
        return {note.get(ID): self._note(note, part) for note, part in notes}

    def _note(self, note: etree._Element, part: Part) -> Note:
        link = note.find(f".//{qn('w:hyperlink')}")
        target = None if link is None else part.rels.get(link.get(qn("r:id")))
        return Note(" ".join(line.text for line in self._lines(note)), target.target_ref if target else None)

    def first_title(self, root: etree._Element) -> str | None:
        styled = [(self._style(block), block) for block in _below(root, BLOCKS) if block.tag == PARAGRAPH]
        titles = [block for style, block in styled if style.title]
        headings = [block for style, block in styled if style.level == 1 and not style.contents]
        said = [block for style, block in styled if not style.contents]
        return first_title(*(map(self._line, blocks) for blocks in (titles, headings, said)))

    def tell(self, flow: Flow, parent: etree._Element) -> None:
        """Everything below, in reading order; a text box after the paragraph that it hangs on."""
        for block in _below(parent, BLOCKS):
            if block.tag == TABLE:
                flow.table(self._rows(block))
            elif not (style := self._style(block)).contents:
                line = self._line(block)
                if style.level or style.title:
                    flow.heading(style.level, line)
                else:
                    flow.paragraph(line, style.listed)
                for box in line.boxes:
                    with flow.outline.apart():
                        self.tell(flow, box)

    def _style(self, paragraph: etree._Element) -> _Style:
        """The style of a paragraph, with what the paragraph itself says otherwise."""
        style = self._styles.get(_value(paragraph, "w:pPr/w:pStyle"), _Style())
        level, number = LEVELS.get(_value(paragraph, OUTLINE)), _value(paragraph, NUMBER)
        return replace(style, level=level or style.level, listed=style.listed if number is None else number != "0")

    def _line(self, paragraph: etree._Element) -> Line:
        line, runs = Line(), dict[etree._Element, None]()
        for piece in _below(paragraph, PIECES):
            if piece.tag in WORDS:
                line.pieces.append(SIGNS.get(piece.tag) or piece.text or "")
                if (piece.text or "").strip():
                    runs[piece.getparent()] = None
            elif piece.tag == BOX:
                line.boxes.append(piece)
            elif note := self._notes.get(piece.tag, {}).get(piece.get(ID)):
                line.refer(note)
        line.bold = all(_is_on(run, "w:rPr/w:b") for run in runs)
        return line

    def _lines(self, parent: etree._Element) -> list[Line]:
        """All lines below, those of tables and text boxes too."""
        lines: list[Line] = []
        for block in _below(parent, BLOCKS):
            if block.tag == TABLE:
                lines += [line for row in self._rows(block) for cell in row for line in cell]
            else:
                lines.append(line := self._line(block))
                lines += [inner for box in line.boxes for inner in self._lines(box)]
        return lines

    def _rows(self, table: etree._Element) -> list[list[list[Line]]]:
        """The lines of each cell, by row and column; where others are merged into it, they stand in the first."""
        rows: list[list[list[Line]]] = []
        for row in _below(table, {ROW}):
            rows.append([[]] * _count(row, "w:trPr/w:gridBefore", 0))
            for cell in _below(row, {CELL}):
                lines = [] if _value(cell, "w:tcPr/w:vMerge") in {"", "continue"} else self._lines(cell)
                rows[-1] += [lines, *[[]] * (_count(cell, "w:tcPr/w:gridSpan", 1) - 1)]
        return rows


def _styles(root: etree._Element) -> dict[str | None, _Style]:
    elements = {style.get(qn("w:styleId")): style for style in root.iterchildren(qn("w:style"))}
    return {name: _resolved(list(islice(_chain(elements, name), MAX_CHAIN))) for name in elements}


def _chain(elements: dict[str | None, etree._Element], name: str | None) -> Iterator[etree._Element]:
    while (style := elements.get(name)) is not None:
        yield style
        name = _value(style, "w:basedOn")


def _resolved(chain: list[etree._Element]) -> _Style:
    """What a style says together with those that it is based on, the nearest first."""
    names = [(_value(style, "w:name") or "").lower() for style in chain]
    levels = (level for style in chain if (level := _style_level(style)) is not None)
    numbers = (number for style in chain if (number := _value(style, NUMBER)) is not None)
    title = "title" in names and "subtitle" not in names
    contents = any(name.startswith("toc ") for name in names)
    return _Style(0 if title else next(levels, 0), next(numbers, "0") != "0", title, contents)


def _style_level(style: etree._Element) -> int | None:
    named = HEADING.fullmatch(_value(style, "w:name") or "") or HEADING.fullmatch(style.get(qn("w:styleId"), ""))
    return int(named[1]) if named else LEVELS.get(_value(style, OUTLINE))


def _below(parent: etree._Element, tags: Collection[str]) -> Iterator[etree._Element]:
    """The nearest elements below that have one of the tags, without what is left out."""
    children = parent.iterchildren(tag=etree.Element)
    for child in islice(children, 1) if parent.tag == ALTERNATE else children:
        if child.tag in LEFT_OUT or any(_is_on(child, path) for path in LEFT_OUT_IF.get(child.tag, ())):
            continue
        if child.tag in tags:
            yield child
        else:
            yield from _below(child, tags)


def _is_on(node: etree._Element, path: str) -> bool:
    return _value(node, path) not in {None, "0", "false", "off"}


def _value(node: etree._Element, path: str) -> str | None:
    """The value of a property: "" where it is but named, None where it is not there."""
    found = node.find(path, nsmap)
    return None if found is None else found.get(qn("w:val"), "")


def _count(node: etree._Element, path: str, default: int) -> int:
    return int(found[0]) if (found := COUNT.fullmatch(_value(node, path) or "")) else default
