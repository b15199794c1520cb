"""Presentations of several producers, read to whole texts and anchors; damaged and hostile ones refused."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pptx import Presentation
from pptx.util import Cm

from assistant.errors import UnreadableDocument
from ingest.readers.pptx import read_pptx
from ingest.readers.reading import Reading

SAMPLES = Path(__file__).parent / "samples"
WHOLE = (SAMPLES / "spotkanie.pptx").read_bytes()
TITLE_ONLY, BLANK = 5, 6  # layouts of the library's template


def told(reading: Reading) -> list[tuple[int | None, tuple[str, ...], str]]:
    return [(section.anchor.slide, section.anchor.heading, section.text) for section in reading.sections]


def test_a_presentation_of_libreoffice() -> None:
    reading = read_pptx((SAMPLES / "seance.pptx").read_bytes())
    assert reading.meta.title == "Achats d’innovation à Liège"
    assert reading.notes == ("Hidden slides were left out: 2.",)
    assert told(reading) == [
        (1, ("Achats d’innovation à Liège",), "Séance d’information pour les PME"),
        (
            3,
            ("Qui peut répondre ?",),
            "- Toute entreprise, seule\n- Un groupement de PME\n\n| Éclairage; Budget: 250 000 €",
        ),
        (3, ("Qui peut répondre ?", "Notes"), "Rappeler la date limite : le 3 mai."),
        (4, (), "À gauche : le marché\n\nÀ droite : le besoin\n\nGroupe, premier\n\nGroupe, second"),
    ]


def test_a_presentation_of_python_pptx() -> None:
    reading = read_pptx(WHOLE)
    assert reading.meta.title == "Kupowanie innowacji"
    assert reading.meta.language == "pl"
    assert reading.notes == ("Hidden slides were left out: 3.",)
    assert told(reading) == [
        (1, ("Kupowanie innowacji",), "Spotkanie w Łodzi\n\n12 czerwca"),
        (2, ("Dlaczego?",), "- Lepsze usługi\n- Niższe koszty"),
        (2, ("Dlaczego?", "Notes"), "Przykład z Gdańska.\n\nPotem pytania."),
        (
            4,
            (),
            "po lewej\n\npo prawej\n\ngrupa: pierwszy\n\ngrupa: drugi\n\n"
            "| Konsultacje; Od: marzec; Do: maj\n| Ocena: do ustalenia",
        ),
        (4, ("Notes",), "Slajd bez tytułu."),
        (5, ("Kontakt",), "Biuro pośrednika innowacji"),
    ]


def made(fill: Callable[[Any], None], title: str = "") -> bytes:
    """A presentation that was filled so."""
    presentation = Presentation()
    presentation.core_properties.title = title
    fill(presentation)
    buffer = io.BytesIO()
    presentation.save(buffer)
    return buffer.getvalue()


def changed(data: bytes, change: Callable[[str, bytes], bytes | None], packing: int = zipfile.ZIP_STORED) -> bytes:
    """The archive with each part as `change` gives it, without those that it gives up."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", packing) as new:
        for name in old.namelist():
            if (content := change(name, old.read(name))) is not None:
                new.writestr(name, content)
    return buffer.getvalue()


def on_first_slide(change: Callable[[bytes], bytes | None]) -> bytes:
    return changed(WHOLE, lambda name, part: change(part) if name == "ppt/slides/slide1.xml" else part)


def box(shapes: Any, text: str, top: float, left: float = 1) -> Any:
    shape = shapes.add_textbox(Cm(left), Cm(top), Cm(4), Cm(1))
    shape.text_frame.text = text
    return shape


@pytest.mark.parametrize(
    ("named", "title"),
    [
        ("PowerPoint Presentation", "Slide title"),
        ("Presentación de PowerPoint", "Slide title"),
        ("Slide 1", "Slide title"),
        ("", "Slide title"),
        ("Nakup inovacij", "Nakup inovacij"),
    ],
)
def test_a_title_that_says_nothing_gives_way_to_the_first_slides(named: str, title: str) -> None:
    def fill(presentation: Any) -> None:
        slide = presentation.slides.add_slide(presentation.slide_layouts[TITLE_ONLY])
        slide.shapes.title.text = "Slide\vtitle"
        box(slide.shapes, "text", 8)

    reading = read_pptx(made(fill, named))
    assert reading.meta.title == title
    assert told(reading) == [(1, ("Slide title",), "text")]


def test_order_tolerates_a_little_and_footers_are_left_out() -> None:
    def fill(presentation: Any) -> None:
        slide = presentation.slides.add_slide(presentation.slide_layouts[BLANK])
        box(slide.shapes, "fourth", 9)
        box(slide.shapes, "second", 5, left=9)
        box(slide.shapes, "first\nof two", 5.4, left=1)
        box(slide.shapes, "third", 5.6, left=0)
        for kind in ("ftr", "dt", "sldNum", "hdr"):
            footer = box(slide.shapes, f"left out: {kind}", 18)
            properties = footer._element.nvSpPr.nvPr
            properties.append(properties.makeelement(f"{{{properties.nsmap['p']}}}ph", {"type": kind}))

    assert told(read_pptx(made(fill))) == [(1, (), "first\n\nof two\n\nsecond\n\nthird\n\nfourth")]


def test_what_is_struck_out_is_left_out() -> None:
    def fill(presentation: Any) -> None:
        slide = presentation.slides.add_slide(presentation.slide_layouts[BLANK])
        paragraph = box(slide.shapes, "By ", 1).text_frame.paragraphs[0]
        for text, strike in (("1 March ", "sngStrike"), ("15 ", "noStrike"), ("April ", "dblStrike"), ("March", None)):
            run = paragraph.add_run()
            run.text = text
            if strike:
                run._r.get_or_add_rPr().set("strike", strike)

    assert told(read_pptx(made(fill))) == [(1, (), "By 15 March")]


def test_a_merged_cell_is_told_once() -> None:
    def fill(presentation: Any) -> None:
        slide = presentation.slides.add_slide(presentation.slide_layouts[BLANK])
        cells = slide.shapes.add_table(2, 3, Cm(1), Cm(1), Cm(9), Cm(2)).table
        for column, name in enumerate(("Who", "May", "June")):
            cells.cell(0, column).text = name
        cells.cell(1, 1).merge(cells.cell(1, 2))
        cells.cell(1, 0).text, cells.cell(1, 1).text, cells.cell(1, 2).text = "Town", "both", "never shown"

    assert told(read_pptx(made(fill))) == [(1, (), "| Town; May: both")]


def test_an_alternative_is_read_in_the_first_of_its_forms() -> None:
    def fill(presentation: Any) -> None:
        slide = presentation.slides.add_slide(presentation.slide_layouts[BLANK])
        box(slide.shapes, "formula", 1)
        box(slide.shapes, "picture of it", 1)

    names = b'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'

    def wrap(name: str, part: bytes) -> bytes:
        if name != "ppt/slides/slide1.xml":
            return part
        start, middle, end = part.index(b"<p:sp>"), part.rindex(b"<p:sp>"), part.rindex(b"</p:sp>") + 7
        choice, fallback = part[start:middle], part[middle:end]
        both = b"<mc:Choice>" + choice + b"</mc:Choice><mc:Fallback>" + fallback + b"</mc:Fallback>"
        return part[:start] + b"<mc:AlternateContent " + names + b">" + both + b"</mc:AlternateContent>" + part[end:]

    assert told(read_pptx(changed(made(fill), wrap))) == [(1, (), "formula")]


def test_the_texts_of_a_diagram() -> None:
    space = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
    art = "http://schemas.openxmlformats.org/drawingml/2006/main"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    frame = (
        '<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="9" name="d"/><p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr>'
        '<p:xfrm><a:off x="0" y="9999999"/><a:ext cx="1" cy="1"/></p:xfrm><a:graphic>'
        f'<a:graphicData uri="{space}"><d:relIds xmlns:d="{space}" xmlns:r="{links}" r:dm="rId77"/></a:graphicData></a:graphic></p:graphicFrame>'
    )

    def point(kind: str, text: str) -> str:
        return f"<d:pt {kind}><d:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></d:t></d:pt>"

    points = point("", "Odkryj") + point('type="sibTrans"', "arrow") + point('type="node"', "Kup")
    data = f'<d:dataModel xmlns:d="{space}" xmlns:a="{art}"><d:ptLst>{points}</d:ptLst></d:dataModel>'

    def change(name: str, part: bytes) -> bytes:
        if name == "ppt/slides/slide1.xml":
            return part.replace(b"</p:spTree>", frame.encode() + b"</p:spTree>")
        if name == "ppt/slides/_rels/slide1.xml.rels":
            link = f'<Relationship Id="rId77" Type="{links}/diagramData" Target="../slides/data.xml"/></Relationships>'
            return part.replace(b"</Relationships>", link.encode())
        return part

    buffer = io.BytesIO(changed(WHOLE, change))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("ppt/slides/data.xml", data)
    assert told(read_pptx(buffer.getvalue()))[0] == (
        1,
        ("Kupowanie innowacji",),
        "Spotkanie w Łodzi\n\n12 czerwca\n\n- Odkryj\n- Kup",
    )


def with_doctype(declaration: str, reference: bytes) -> bytes:
    return on_first_slide(
        lambda part: (f"<!DOCTYPE p [{declaration}]>".encode() + part.split(b"?>", 1)[1]).replace(
            "Spotkanie w Łodzi".encode(), reference
        )
    )


BOMB = '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">'
DEEP = b"<p:grpSp>" * 100_000 + b"</p:grpSp>" * 100_000


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xd0\xcf\x11\xe0" + bytes(600), "encrypted or in an old binary Office format"),
        (b"slides", "no whole zip archive"),
        (WHOLE[: len(WHOLE) // 2], "no whole zip archive"),
        ((SAMPLES / "leitfaden.docx").read_bytes(), "damaged or incomplete"),
        (on_first_slide(lambda part: None), "damaged or incomplete"),
        (on_first_slide(lambda part: part[:200]), "damaged or incomplete"),
        (on_first_slide(lambda part: part.replace(b"</p:spTree>", DEEP + b"</p:spTree>")), "damaged or incomplete"),
        (with_doctype(BOMB, b"&c;"), "declares entities"),
        (with_doctype('<!ENTITY a SYSTEM "file:///etc/hostname">', b"&a;"), "declares entities"),
        (
            changed(
                WHOLE,
                lambda name, part: b"0" * 5_000_000 if name == "ppt/presentation.xml" else part,
                zipfile.ZIP_DEFLATED,
            ),
            "'ppt/presentation.xml' unpacks to over 200 times its size",
        ),
    ],
)
def test_bad_files_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableDocument, match=says) as caught:
        read_pptx(data)
    assert caught.value.remedy


def test_python_pptx_keeps_entities_unexpanded() -> None:
    presentation = Presentation(io.BytesIO(with_doctype('<!ENTITY a "expanded">', b"&a;")))
    assert presentation.slides[0].placeholders[1].text_frame.text == "\n12 czerwca"


def test_damage_anywhere_is_told_as_such() -> None:
    dice = random.Random(5)
    refused = 0
    for _ in range(60):
        damaged = bytearray(WHOLE)
        for at in dice.sample(range(len(WHOLE)), 8):
            damaged[at] = dice.randrange(256)
        try:
            read_pptx(bytes(damaged))
        except UnreadableDocument:
            refused += 1
    assert refused > 30
