"""OpenDocument text. Left out is what is not the text itself: deleted or struck out, indexes, annotations, headers."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator

from lxml import etree

from assistant.errors import UnreadableDocument
from ingest.readers.archive import open_archive, parse_xml, read_entry
from ingest.readers.flow import Flow, Line, Note, first_title
from ingest.readers.reading import Reading, front_matter, language_of, own_title

MAX_COLUMNS = 64  # that one cell may be repeated for
MAX_DIGITS = 6

_OASIS = "urn:oasis:names:tc:opendocument:xmlns:"
SPACES = {name: f"{_OASIS}{name}:1.0" for name in ("text", "table", "office", "style", "meta", "manifest")}
SPACES["fo"] = f"{_OASIS}xsl-fo-compatible:1.0"
SPACES["draw"] = f"{_OASIS}drawing:1.0"
SPACES["dc"] = "http://purl.org/dc/elements/1.1/"
SPACES["xlink"] = "http://www.w3.org/1999/xlink"


def _tag(name: str) -> str:
    space, local = name.split(":")
    return f"{{{SPACES[space]}}}{local}"


HEADING, PARAGRAPH, SPAN, LIST, NOTE = map(_tag, ("text:h", "text:p", "text:span", "text:list", "text:note"))
TABLE, ROW, CELL, COVERED = map(
    _tag, ("table:table", "table:table-row", "table:table-cell", "table:covered-table-cell")
)
LEVEL, STYLE, REPEATED = map(_tag, ("text:outline-level", "text:style-name", "table:number-columns-repeated"))
WEIGHT = _tag("fo:font-weight")
NAME, PROPERTIES, STRUCK = map(_tag, ("style:name", "style:text-properties", "style:text-line-through-style"))
DRAWN = f"{{{SPACES['draw']}}}"
BLANKS = set(map(_tag, ("text:s", "text:tab", "text:line-break")))
INDEXES = "table-of-content alphabetical-index illustration-index table-index object-index user-index"
LEFT_OUT = {
    *(_tag(f"text:{name}") for name in INDEXES.split()),
    *map(_tag, ("text:tracked-changes", "text:ruby-text", "office:annotation", "office:forms")),
}


def read_odt(data: bytes) -> Reading:
    """Sections by heading. The title is what the properties say, else a line set as title, else what looks most like
    one."""
    with open_archive(data, ".odt") as archive:
        _refuse_encrypted(archive)
        content = parse_xml(read_entry(archive, "content.xml"))
        title, language = _properties(archive)
    body = content.find(f".//{_tag('office:text')}")
    if body is None:
        raise UnreadableDocument("the file is no OpenDocument text.", "Save it as .odt from a word processor.")
    styles = _Styles(content)
    _empty_what_is_struck_out(content)
    title = title or _first_title(body, styles)
    flow = Flow(title)
    _tell(flow, body, styles)
    return Reading(flow.outline.sections(), front_matter({"title": title, "language": language_of(language)}))


def _refuse_encrypted(archive: zipfile.ZipFile) -> None:
    name = "META-INF/manifest.xml"
    if name not in archive.namelist():
        return
    if parse_xml(read_entry(archive, name)).find(f".//{_tag('manifest:encryption-data')}") is not None:
        raise UnreadableDocument("the file is encrypted.", "Save it without a password as .odt.")


def _properties(archive: zipfile.ZipFile) -> tuple[str | None, str | None]:
    """Title and language."""
    if "meta.xml" not in archive.namelist():
        return None, None
    meta = parse_xml(read_entry(archive, "meta.xml"))
    title, language = (meta.findtext(f".//{_tag(name)}") for name in ("dc:title", "dc:language"))
    return own_title(title), language


class _Styles:
    """Names of the styles that set a line as title, and of those in bold."""

    def __init__(self, content: etree._Element) -> None:
        named = {style.get(NAME): style for style in content.iter(_tag("style:style"))}
        parent = _tag("style:parent-style-name")
        self.titles = {"Title", *(name for name, style in named.items() if style.get(parent) == "Title")}
        words = ((name, style.find(f"{PROPERTIES}[@{WEIGHT}]")) for name, style in named.items())
        self._weights = {name: said.get(WEIGHT) for name, said in words if said is not None}

    def bold(self, block: etree._Element) -> bool:
        """Whether all of a paragraph is in bold."""
        texts = (text for text in block.xpath(".//text()") if text.strip())
        return all(self._weight(text, block) == "bold" for text in texts)

    def _weight(self, text: etree._ElementUnicodeResult, block: etree._Element) -> str | None:
        """What the nearest style around a text says."""
        return next(filter(None, (self._weights.get(node.get(STYLE)) for node in _around(text, block))), None)


def _around(text: etree._ElementUnicodeResult, block: etree._Element) -> Iterator[etree._Element]:
    """The elements that a text of a block stands in, up to the block."""
    node = text.getparent().getparent() if text.is_tail else text.getparent()
    while node is not block:
        yield node
        node = node.getparent()
    yield block


def _empty_what_is_struck_out(content: etree._Element) -> None:
    lines = ((line.getparent().get(NAME), line.get(STRUCK, "none")) for line in content.iter(PROPERTIES))
    struck = {name for name, line in lines if line != "none"} - {None}
    for node in [node for node in content.iter(SPAN, PARAGRAPH, HEADING) if node.get(STYLE) in struck]:
        node.clear(keep_tail=True)


def _first_title(body: etree._Element, styles: _Styles) -> str | None:
    said = [block for block, _ in _blocks(body) if block.tag != TABLE]
    titles = [block for block in said if block.tag == PARAGRAPH and block.get(STYLE) in styles.titles]
    headings = [block for block in said if block.tag == HEADING and _number(block, LEVEL) == 1]
    return first_title(*((_line(block, styles) for block in blocks) for blocks in (titles, headings, said)))


def _tell(flow: Flow, parent: etree._Element, styles: _Styles) -> None:
    for block, listed in _blocks(parent):
        if block.tag == TABLE:
            flow.table([_cells(row) for row in _rows(block)])
            continue
        line = _line(block, styles)
        if block.tag == HEADING:
            flow.heading(_number(block, LEVEL), line)
        elif block.get(STYLE) in styles.titles:
            flow.heading(0, line)
        else:
            flow.paragraph(line, listed)
        for box in line.boxes:
            with flow.outline.apart():
                _tell(flow, box, styles)


def _blocks(parent: etree._Element, listed: bool = False) -> Iterator[tuple[etree._Element, bool]]:
    """Headings, paragraphs and tables in reading order, and whether they stand in a list."""
    for child in parent.iterchildren(tag=etree.Element):
        if child.tag in {HEADING, PARAGRAPH, TABLE}:
            yield child, listed
        elif child.tag not in LEFT_OUT:
            yield from _blocks(child, listed or child.tag == LIST)


def _line(block: etree._Element, styles: _Styles | None = None) -> Line:
    """A paragraph; where `styles` are given also whether it is in bold."""
    line = Line(bold=styles is not None and styles.bold(block))
    for piece in _pieces(block):
        if isinstance(piece, str):
            line.pieces.append(piece)
        elif piece.tag == NOTE:
            line.refer(_note(piece))
        else:
            line.boxes.append(piece)
    return line


def _pieces(node: etree._Element) -> Iterator[str | etree._Element]:
    """Text, notes and drawings below a paragraph."""
    yield node.text or ""
    for child in node:
        if child.tag in BLANKS:
            yield " "
        elif child.tag == NOTE or str(child.tag).startswith(DRAWN):
            yield child
        elif isinstance(child.tag, str) and child.tag not in LEFT_OUT:
            yield from _pieces(child)
        yield child.tail or ""


def _note(note: etree._Element) -> Note:
    body = note.find(_tag("text:note-body"))
    lines = [] if body is None else _lines(body)
    link = note.find(f".//{_tag('text:a')}")
    return Note(" ".join(line.text for line in lines), None if link is None else link.get(_tag("xlink:href")))


def _lines(parent: etree._Element) -> list[Line]:
    """All lines below, those of tables and text boxes too."""
    lines: list[Line] = []
    for block, _ in _blocks(parent):
        if block.tag == TABLE:
            lines += [line for row in _rows(block) for cell in row.iterchildren(CELL) for line in _lines(cell)]
        else:
            lines.append(line := _line(block))
            lines += [inner for box in line.boxes for inner in _lines(box)]
    return lines


def _rows(table: etree._Element) -> Iterator[etree._Element]:
    """Each row once: one that is repeated says nothing new."""
    for child in table.iterchildren(tag=etree.Element):
        if child.tag == ROW:
            yield child
        elif child.tag != TABLE:
            yield from _rows(child)


def _cells(row: etree._Element) -> list[list[Line]]:
    """The lines of each column; a cell that others are merged into has its text in the first."""
    columns: list[list[Line]] = []
    for cell in row.iterchildren(CELL, COVERED):
        lines = _lines(cell) if cell.tag == CELL else []
        columns += [lines] * min(_number(cell, REPEATED), MAX_COLUMNS)
    return columns


def _number(node: etree._Element, name: str) -> int:
    """A count, 1 where it is not given or makes no sense."""
    value = node.get(name, "")
    return max(int(value), 1) if value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS else 1
