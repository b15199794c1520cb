"""Word documents of several producers, read to whole texts and anchors; damaged and hostile ones refused."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import pytest
from docx import Document

from assistant.errors import UnreadableDocument
from ingest.readers.archive import open_archive, read_entry
from ingest.readers.docx import read_docx
from tests.contract.said import marks, told

SAMPLES = Path(__file__).parent / "samples"
TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
NAMES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    f'xmlns:r="{LINKS}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
)
STYLES = """
<w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
<w:style w:type="paragraph" w:styleId="Heading2"/>
<w:style w:type="paragraph" w:styleId="Own"><w:name w:val="Own"/><w:basedOn w:val="Heading2"/></w:style>
<w:style w:type="paragraph" w:styleId="Outlined"><w:name w:val="O"/><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Loop"><w:name w:val="L"/><w:basedOn w:val="Loop"/></w:style>
<w:style w:type="paragraph" w:styleId="Body"><w:name w:val="B"/><w:basedOn w:val="Heading2"/><w:pPr><w:outlineLvl w:val="9"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Bullet"><w:name w:val="List Bullet"/><w:pPr><w:numPr><w:numId w:val="3"/></w:numPr></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Bullet2"><w:name w:val="List Bullet 2"/><w:basedOn w:val="Bullet"/></w:style>
<w:style w:type="paragraph" w:styleId="T"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="TOC1"><w:name w:val="toc 1"/></w:style>
<w:style w:type="paragraph" w:styleId="TH"><w:name w:val="TOC Heading"/><w:basedOn w:val="berschrift1"/></w:style>
"""


def p(runs: str, style: str = "", more: str = "") -> str:
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{named}{more}</w:pPr>{runs}</w:p>"


def t(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def table(*rows: str) -> str:
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"


def cell(text: str, props: str = "") -> str:
    return f"<w:tc><w:tcPr>{props}</w:tcPr>{p(t(text))}</w:tc>"


def word(body: str, footnotes: str = "", endnotes: str = "", links: str = "", doctype: str = "") -> bytes:
    """A document of the parts given."""
    main = f"<w:document {NAMES}><w:body>{body}</w:body></w:document>"
    parts = {"document.main": main, "styles": f"<w:styles {NAMES}>{STYLES}</w:styles>"}
    parts |= {"footnotes": f"<w:footnotes {NAMES}>{footnotes}</w:footnotes>"} if footnotes else {}
    parts |= {"endnotes": f"<w:endnotes {NAMES}>{endnotes}</w:endnotes>"} if endnotes else {}
    types = "".join(f'<Override PartName="/word/{n}.xml" ContentType="{TYPE}.{n}+xml"/>' for n in parts)
    own = "".join(
        f'<Relationship Id="{n}" Type="{LINKS}/{n}" Target="{n}.xml"/>' for n in parts if n != "document.main"
    )
    schema = "http://schemas.openxmlformats.org/package/2006"
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{schema}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{types}</Types>',
            "_rels/.rels": f'<Relationships xmlns="{schema}/relationships"><Relationship Id="a" Type="{LINKS}/officeDocument" Target="word/document.main.xml"/></Relationships>',
            "word/_rels/document.main.xml.rels": f'<Relationships xmlns="{schema}/relationships">{own}</Relationships>',
            "word/_rels/footnotes.xml.rels": f'<Relationships xmlns="{schema}/relationships">{links}</Relationships>',
            **{f"word/{n}.xml": (doctype if n == "document.main" else "") + xml for n, xml in parts.items()},
        }
    )


def zipped(parts: dict[str, str], packing: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_a_document_of_libreoffice() -> None:
    reading = read_docx((SAMPLES / "leitfaden.docx").read_bytes())
    assert reading.meta.title == "Innovation einkaufen: ein Leitfaden für Städte"
    assert reading.meta.language == "de"
    consultation = "Eine Konsultation klärt, was der Markt kann."
    assert told(reading) == [
        ((), "Dieser Leitfaden hilft Städten."),
        (
            ("Marktkonsultation",),
            f"{consultation} Sie ist freiwillig und offen.\n\n"
            "Näheres in Erwägungsgrund 42, siehe www.recht.example/richtlinie.\n\n"
            "- Fragen veröffentlichen\n- auf Englisch\n- Antworten auswerten",
        ),
        (
            ("Marktkonsultation", "Fristen"),
            "| Ankündigung; Wochen: 2 (mindestens); Wer: Vergabestelle\n| Gespräche, 4 Wochen",
        ),
        (("Kontakt",), "Mehr bei der Maklerstelle Łódź.\n\nKasten: Rufen Sie die Maklerstelle an."),
    ]
    assert marks(reading) == [
        (consultation, "https://beispiel.example/konsultation"),
        (f"{consultation} Sie ist freiwillig und offen.", "https://www.recht.example/richtlinie"),
    ]


def test_lines_in_bold_and_bullets_that_were_typed() -> None:
    def bold(text: str, value: str = "") -> str:
        return f"<w:r><w:rPr><w:b{value}/></w:rPr><w:t>{text}</w:t></w:r>"

    note = '<w:footnote w:id="1"><w:p><w:r><w:t>https://a.eu/n</w:t></w:r></w:p></w:footnote>'
    refer = '<w:r><w:footnoteReference w:id="1"/></w:r>'
    body = (
        p(t("Start.")) + p(bold("Who may ") + bold("bid?")) + p(t("● ") + t("any firm") + refer) + p(t("•groups"))
        + p(bold("Not bold", ' w:val="0"')) + p(bold("Bold ") + t("and not"))
    )  # fmt: skip
    reading = read_docx(word(p(bold("A guide")) + body, footnotes=note))
    assert reading.meta.title == "A guide"
    text = "- any firm\n- groups\n\nNot bold\n\nBold and not"
    assert told(reading) == [((), "Start."), (("Who may bid?",), text)]
    assert marks(reading) == [("- any firm", "https://a.eu/n")]
    assert read_docx(word(body, footnotes=note)).meta.title is None


def test_a_line_in_bold_in_a_frame_leads_what_is_in_it() -> None:
    tip = f"<w:tc>{p('<w:r><w:rPr><w:b/></w:rPr><w:t>Tip</w:t></w:r>')}{p(t('Ask early.'))}</w:tc>"
    assert told(read_docx(word(p(t("Bids are open.")) + table(tip) + p(t("Bids close in May."))))) == [
        ((), "Bids are open."),
        (("Tip",), "Ask early."),
        ((), "Bids close in May."),
    ]


def test_a_document_of_python_docx() -> None:
    reading = read_docx((SAMPLES / "convocatoria.docx").read_bytes())
    assert reading.meta.title == "Convocatoria de soluciones innovadoras"
    assert reading.meta.language == "es"
    assert told(reading) == [
        ((), "El municipio de Cádiz busca soluciones."),
        (("Quién puede participar",), "Empresas de cualquier tamaño.\n\n- pymes\n- grupos de empresas"),
        (
            ("Quién puede participar", "Plazos"),
            "| Consulta; Inicio: 1 de marzo; Fin: 30 de abril\n"
            "| Diálogo; Inicio: 2 de mayo; Fin: 9 de mayo (a las 12 h)\n"
            "| Inicio: Evaluación: por decidir",
        ),
        (("Contacto",), "Escriba a la oficina de compras."),
    ]
    assert marks(reading) == []


def test_headings_by_name_by_id_by_what_they_are_based_on_and_by_outline() -> None:
    body = [
        p(t("Erstes"), "berschrift1") + p(t("a")),
        p(t("Second"), "Own") + p(t("b"), "Body"),
        p(t("Third"), "Outlined") + p(t("c"), "Loop"),
        p(t("Zweites"), more='<w:outlineLvl w:val="0"/>') + p(t("d"), "Unknown"),
    ]
    reading = read_docx(word("".join(body)))
    assert reading.meta.title == "Erstes"
    assert told(reading) == [
        ((), "a"),
        (("Second",), "b"),
        (("Second", "Third"), "c"),
        (("Zweites",), "d"),
    ]


def test_the_title_line_is_told_only_where_the_document_is_called_otherwise() -> None:
    body = p(t("Contents 1"), "TOC1") + p(t("First")) + p(t("The guide"), "T") + p(t("Another"), "T")
    reading = read_docx(word(body))
    assert reading.meta.title == "The guide"
    assert told(reading) == [((), "First\n\nAnother")]


def test_lists_by_paragraph_and_by_style() -> None:
    def number(of: int) -> str:
        return f'<w:numPr><w:ilvl w:val="0"/><w:numId w:val="{of}"/></w:numPr>'

    body = p(t("one"), "Bullet2") + p(t("two"), more=number(7)) + p(t("none"), "Bullet", number(0))
    assert told(read_docx(word(body))) == [((), "- one\n- two\n\nnone")]


def test_changes_controls_links_fields_and_signs() -> None:
    first = (
        t("Bids ")
        + f"<w:ins>{t('may ')}</w:ins><w:del><w:r><w:delText>must </w:delText><w:noBreakHyphen/></w:r></w:del>"
        + f"<w:moveFrom>{t('now ')}</w:moveFrom><w:moveTo>{t('later ')}</w:moveTo>"
        + f"<w:sdt><w:sdtPr/><w:sdtContent>{t('come')}</w:sdtContent></w:sdt><w:r><w:tab/><w:t>by</w:t><w:br/></w:r>"
        + f'<w:hyperlink r:id="x">{t("e-mail")}</w:hyperlink>'
        + '<w:r><w:instrText> PAGEREF x </w:instrText></w:r><w:fldSimple w:instr="DATE">'
        + f"{t(' in May')}</w:fldSimple><w:r><w:rPr><w:vanish/></w:rPr><w:t> hidden</w:t></w:r>"
        + "<w:r><w:rPr><w:strike/></w:rPr><w:t>or June</w:t></w:r><w:r><w:rPr><w:dstrike/></w:rPr><w:t>!</w:t></w:r>"
        + '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>,</w:t></w:r><m:oMath><m:r><m:t> x=1</m:t></m:r></m:oMath>'
    )
    block = f"<w:sdt><w:sdtContent>{p(t('A control.'))}</w:sdtContent></w:sdt>"
    contents = f'<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj></w:sdtPr><w:sdtContent>{p(t("Contents"))}</w:sdtContent></w:sdt>'
    reading = read_docx(word(p(first) + block + contents))
    assert told(reading) == [((), "Bids may later come by e-mail in May, x=1\n\nA control.")]


def test_ruby_and_the_heading_of_a_table_of_contents() -> None:
    ruby = f"<w:r><w:ruby><w:rt>{t('reading')}</w:rt><w:rubyBase>{t('word')}</w:rubyBase></w:ruby></w:r>"
    reading = read_docx(word(p(t("Contents"), "TH") + p(t("Topic"), "berschrift1") + p(ruby)))
    assert reading.meta.title == "Topic"
    assert told(reading) == [((), "word")]


def test_notes_of_cells_and_headings_follow_the_table_and_the_heading() -> None:
    def refer(to: int) -> str:
        return f'<w:r><w:footnoteReference w:id="{to}"/></w:r>'

    noted = f"<w:tc>{p(t('Town') + refer(1))}</w:tc>"
    body = p(t("Title"), "T") + p(t("Heading") + refer(2), "berschrift1")
    body += table(cell("Who") + cell("May"), noted + cell("yes"), cell("Region") + cell("no"))
    notes = "".join(f'<w:footnote w:id="{n}">{p(t(f"Note {n}."))}</w:footnote>' for n in (1, 2))
    told_in_order = "Note 2.\n\n| Town; May: yes\n| Region; May: no\n\nNote 1."
    assert told(read_docx(word(body, notes))) == [(("Heading",), told_in_order)]


def test_text_boxes_follow_their_paragraph_once() -> None:
    box = f"<w:txbxContent>{p(t('In the box.'))}{p(t('an item'), 'Bullet')}</w:txbxContent>"
    both = f"<mc:AlternateContent><mc:Choice>{box}</mc:Choice><mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent>"
    old = f"<w:r><w:pict><v:textbox><w:txbxContent>{p(t('Old box.'))}</w:txbxContent></v:textbox></w:pict></w:r>"
    reading = read_docx(word(p(f"{t('Before ')}<w:r>{both}</w:r>{t('after.')}") + p(old)))
    assert told(reading) == [((), "Before after.\n\nIn the box.\n\n- an item\n\nOld box.")]


def test_tables_with_merged_nested_and_deleted_cells() -> None:
    rows = [
        cell("Who") + cell("May") + cell("June") + cell("July"),
        cell("Town", '<w:vMerge w:val="restart"/>') + cell("both months", '<w:gridSpan w:val="2"/>') + cell("yes"),
        cell("never shown", "<w:vMerge/>") + cell("") + f"<w:tc>{table(cell('in') + cell('side'))}{p('')}</w:tc>",
        f"<w:trPr><w:del/></w:trPr>{cell('gone')}",
        f'<w:trPr><w:gridBefore w:val="1"/></w:trPr>{cell("late")}',
    ]
    reading = read_docx(
        word(
            table(*rows)
            + p("")
            + table(cell("A frame"))
            + table(cell("x") + cell("y"))
            + p("")
            + table(cell("top"), cell("under"))
        )
    )
    assert told(reading) == [
        ((), "| Town; May: both months; July: yes\n| June: in side\n| May: late\n\nA frame\n\nx\n\ny\n\ntop\n\nunder")
    ]


def test_notes_become_marks_and_paragraphs() -> None:
    def note(kind: str, of: int, content: str) -> str:
        return f'<w:{kind} w:id="{of}">{content}</w:{kind}>'

    def refer(kind: str, to: int) -> str:
        return f'<w:r><w:{kind}Reference w:id="{to}"/></w:r>'

    footnotes = (
        note("footnote", 1, p(f"<w:r><w:footnoteRef/></w:r>{t(' &lt;https://one.example/a_(b)&gt;.')}"))
        + note("footnote", 2, p(f'<w:hyperlink r:id="l">{t("The rules")}</w:hyperlink>') + p(t("in short.")))
        + note("footnote", 3, p(t("Only words.")))
    )
    endnotes = note("endnote", 1, p(t("(See https://end.example/x).")))
    link = f'<Relationship Id="l" Type="{LINKS}/hyperlink" Target="https://rules.example/" TargetMode="External"/>'
    first = p(f"{t('One.')}{refer('footnote', 1)}{t('  Two.')}{refer('footnote', 2)}{t(' Three')}{refer('endnote', 1)}")
    body = first + p(t("Four.") + refer("footnote", 3) + refer("footnote", 99), "Bullet")
    reading = read_docx(word(body, footnotes, endnotes, link))
    assert told(reading) == [
        (
            (),
            "One. Two. Three\n\nThe rules in short.\n\n(See https://end.example/x).\n\n- Four.\n\nOnly words.",
        )
    ]
    assert marks(reading) == [
        ("One.", "https://one.example/a_(b)"),
        ("One. Two.", "https://rules.example/"),
        ("One. Two. Three", "https://end.example/x"),
    ]


BOMB = '<!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
DEEP = "<w:sdtContent>" * 100_000 + "</w:sdtContent>" * 100_000


def mostly_zeros() -> bytes:
    return zipped({"word/document.xml": "0" * 5_000_000}, zipfile.ZIP_DEFLATED)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "encrypted or in an old binary Office format"),
        (b"just text", "no whole zip archive"),
        ((SAMPLES / "leitfaden.docx").read_bytes()[:5000], "no whole zip archive"),
        (zipped({}), "damaged or incomplete"),
        (zipped({"[Content_Types].xml": "<Types/>"}), "damaged or incomplete"),
        ((SAMPLES / "leitfaden.odt").read_bytes(), "damaged or incomplete"),
        ((SAMPLES / "seance.pptx").read_bytes(), "damaged or incomplete"),
        (mostly_zeros(), "unpacks to over 200 times its size"),
        (zipped({str(n): "" for n in range(5_001)}), "5,001 entries, over 5,000"),
        (word(p(t("&c;")), doctype=BOMB), "declares entities"),
        (word(p(t("x")), doctype='<!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/hostname">]>'), "declares entities"),
        (word(DEEP), "damaged or incomplete"),
        (word(p(t("x")), footnotes=DEEP), "XML cannot be read"),
    ],
)
def test_bad_files_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableDocument, match=says) as caught:
        read_docx(data)
    assert caught.value.remedy


def test_a_protected_file_should_be_saved_without_a_password() -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read_docx(b"\xd0\xcf\x11\xe0")
    assert caught.value.remedy == "Save it without a password as .docx."


def patched(data: bytes, name: bytes, offset: int, value: bytes) -> bytes:
    """The archive with a field of the name's directory entry replaced."""
    at = data.index(b"PK\x01\x02")
    while data[at + 46 : at + 46 + len(name)] != name:
        at = data.index(b"PK\x01\x02", at + 4)
    return data[: at + offset] + value + data[at + offset + len(value) :]


def test_encrypted_and_doubled_entries_and_too_much_in_all() -> None:
    data = zipped({"a": "text", "b": "text"})
    with pytest.raises(UnreadableDocument, match="entry 'b' is encrypted"):
        open_archive(patched(data, b"b", 8, b"\x01\x00"))
    with pytest.raises(UnreadableDocument, match="it holds 'a' 2 times"):
        open_archive(patched(data, b"b", 46, b"a"))
    with pytest.raises(UnreadableDocument, match="would unpack to 300,000,004 bytes"):
        open_archive(patched(data, b"b", 24, (300_000_000).to_bytes(4, "little")))


def test_a_directory_that_lies_about_the_size_does_not_help() -> None:
    data = patched(mostly_zeros(), b"word/document.xml", 24, (1000).to_bytes(4, "little"))
    with pytest.raises(UnreadableDocument, match=r"damaged at 'word/document\.xml'"):
        read_entry(open_archive(data), "word/document.xml")


def test_python_docx_keeps_entities_unexpanded() -> None:
    data = word(p(t("&a;")), doctype='<!DOCTYPE w [<!ENTITY a "expanded">]>')
    assert Document(io.BytesIO(data)).paragraphs[0].text == ""


def test_damage_anywhere_is_told_as_such() -> None:
    data, dice = (SAMPLES / "leitfaden.docx").read_bytes(), random.Random(5)
    refused = 0
    for _ in range(80):
        damaged = bytearray(data)
        for at in dice.sample(range(len(data)), 4):
            damaged[at] = dice.randrange(256)
        try:
            read_docx(bytes(damaged))
        except UnreadableDocument:
            refused += 1
    assert refused > 40
