"""PowerPoint presentations: the text of each slide in reading order, then the speaker's notes. Left out are hidden
slides, what is struck out, footers, dates and slide numbers."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree
from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE, PP_PLACEHOLDER
from pptx.exc import PythonPptxError
from pptx.oxml.ns import qn
from pptx.shapes.base import BaseShape
from pptx.slide import Slide

from ingest.readers.archive import damage_told, open_archive, parse_xml, refuse_entities
from ingest.readers.outline import Outline, plain
from ingest.readers.reading import Reading, front_matter, language_of, own_title

BAND = 182_880  # shapes whose tops differ by less stand side by side: a fifth of an inch

TITLES = {PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE, PP_PLACEHOLDER.VERTICAL_TITLE}
BODIES = {
    PP_PLACEHOLDER.BODY,
    PP_PLACEHOLDER.OBJECT,
    PP_PLACEHOLDER.VERTICAL_BODY,
    PP_PLACEHOLDER.VERTICAL_OBJECT,
}
LEFT_OUT = {PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.HEADER, PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.SLIDE_NUMBER}
ALTERNATE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
NOT_TEXT = {"pres", "parTrans", "sibTrans"}  # points of a diagram that only lay it out


def read_pptx(data: bytes) -> Reading:
    """A section a slide, under its title; `notes` tell which slides are hidden."""
    open_archive(data, ".pptx").close()
    outline = Outline()
    with damage_told(PythonPptxError):
        presentation = Presentation(io.BytesIO(data))
        slides = list(enumerate(presentation.slides, start=1))
        shown = [(number, slide) for number, slide in slides if slide.element.get("show") not in {"0", "false"}]
        titles = [_tell(outline, number, slide) for number, slide in shown]
        properties = presentation.core_properties
        title = own_title(properties.title) or next(iter(titles), None)
        language = language_of(properties.language)
    hidden = [number for number, _ in slides if number not in {number for number, _ in shown}]
    return Reading(outline.sections(), front_matter({"title": title, "language": language}), _told_hidden(hidden))


def _told_hidden(numbers: list[int]) -> tuple[str, ...]:
    return (f"Hidden slides were left out: {', '.join(map(str, numbers))}.",) if numbers else ()


def _tell(outline: Outline, number: int, slide: Slide) -> str | None:
    """One slide; its title is returned."""
    refuse_entities(slide.element)
    _choose_first(slide.element)
    _remove_what_is_struck_out(slide.element)
    shapes = list(_in_reading_order(slide.shapes))
    titled = next((shape for shape in shapes if _role(shape) in TITLES), None)
    title = plain(titled.text_frame.text) if titled is not None else ""
    outline.top()
    outline.at(slide=number)
    outline.heading(1, title)
    for shape in shapes:
        if shape is not titled and _role(shape) not in LEFT_OUT:
            _tell_shape(outline, shape)
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame):
        outline.heading(2, "Notes")
        for line in _lines(frame):
            outline.paragraph(line)
    return title or None


def _choose_first(tree: Any) -> None:  # noqa: ANN401 - an lxml element
    """Puts in the place of alternatives the first, which the program that wrote them prefers; python-pptx passes over
    all of them."""
    for alternate in list(tree.iter(ALTERNATE)):
        choice = next(alternate.iterchildren(tag=etree.Element), ())
        for element in list(choice):
            alternate.addprevious(element)
        alternate.getparent().remove(alternate)


def _remove_what_is_struck_out(tree: Any) -> None:  # noqa: ANN401 - an lxml element
    for run in list(tree.iter(qn("a:r"))):
        if run.rPr is not None and run.rPr.get("strike", "noStrike") != "noStrike":
            run.getparent().remove(run)


def _in_reading_order(shapes: Iterable[Any]) -> Iterator[Any]:
    """From top to bottom, side by side from left to right, a group at its own place."""
    band: list[Any] = []
    for shape in sorted(shapes, key=_top):
        if band and _top(shape) - _top(band[0]) >= BAND:
            yield from _from_left(band)
            band = []
        band.append(shape)
    yield from _from_left(band)


def _from_left(band: list[Any]) -> Iterator[Any]:
    for shape in sorted(band, key=lambda shape: shape.left or 0):
        if shape.shape_type == MSO_SHAPE_TYPE.GROUP:
            yield from _in_reading_order(shape.shapes)
        else:
            yield shape


def _top(shape: BaseShape) -> int:
    return shape.top or 0


def _role(shape: BaseShape) -> PP_PLACEHOLDER | None:
    return shape.placeholder_format.type if shape.is_placeholder else None


def _tell_shape(outline: Outline, shape: Any) -> None:  # noqa: ANN401 - any kind of shape
    if shape.has_text_frame:
        lines = _lines(shape.text_frame)
        listed = len(lines) > 1 and _role(shape) in BODIES
        for line in lines:
            (outline.item if listed else outline.paragraph)(line)
    elif getattr(shape, "has_table", False):
        _tell_table(
            outline, [["" if cell.is_spanned else plain(cell.text) for cell in row.cells] for row in shape.table.rows]
        )
    else:
        for line in _diagram(shape):
            outline.item(line)


def _lines(frame: Any) -> list[str]:  # noqa: ANN401 - a text frame
    return [line for paragraph in frame.paragraphs if (line := plain(paragraph.text))]


def _tell_table(outline: Outline, rows: list[list[str]]) -> None:
    """The first row is the header. One row or one column is but a frame around text."""
    if len(rows) == 1 or all(len(row) == 1 for row in rows):
        for cell in (cell for row in rows for cell in row):
            outline.paragraph(cell)
        return
    for row in rows[1:]:
        outline.row(rows[0], row)


def _diagram(shape: BaseShape) -> Iterator[str]:
    """The texts of a SmartArt drawing."""
    for ids in shape.element.iter(f"{{{DIAGRAM}}}relIds"):
        root = parse_xml(shape.part.related_part(ids.get(qn("r:dm"))).blob)
        for point in root.iter(f"{{{DIAGRAM}}}pt"):
            if point.get("type") not in NOT_TEXT:
                for paragraph in point.iter(qn("a:p")):
                    yield plain("".join(text.text or "" for text in paragraph.iter(qn("a:t"))))
