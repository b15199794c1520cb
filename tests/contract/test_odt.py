"""OpenDocument texts, read to whole texts and anchors; damaged and hostile ones refused."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import pytest

from assistant.errors import UnreadableDocument
from ingest.readers.odt import read_odt
from tests.contract.said import marks, told

SAMPLES = Path(__file__).parent / "samples"
OASIS = "urn:oasis:names:tc:opendocument:xmlns"
NAMES = (
    " ".join(f'xmlns:{name}="{OASIS}:{name}:1.0"' for name in ("office", "text", "table", "style", "meta"))
    + f' xmlns:draw="{OASIS}:drawing:1.0" xmlns:xlink="http://www.w3.org/1999/xlink"'
    + f' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:fo="{OASIS}:xsl-fo-compatible:1.0"'
)
MANIFEST = (
    f'<m:manifest xmlns:m="{OASIS}:manifest:1.0"><m:file-entry m:full-path="content.xml">%s</m:file-entry></m:manifest>'
)


def zipped(parts: dict[str, str], packing: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def written(body: str, styles: str = "", doctype: str = "", **more: str) -> bytes:
    """A text of that content."""
    automatic = f"<office:automatic-styles>{styles}</office:automatic-styles>"
    content = f"<office:document-content {NAMES}>{automatic}<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    return zipped({"content.xml": doctype + content, **more})


def p(content: str, style: str = "Standard") -> str:
    return f'<text:p text:style-name="{style}">{content}</text:p>'


def h(level: str, content: str) -> str:
    return f"<text:h {level}>{content}</text:h>"


def test_a_document_of_libreoffice() -> None:
    reading = read_odt((SAMPLES / "leitfaden.odt").read_bytes())
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


def test_the_title_falls_back_to_the_title_line_then_to_the_first_heading() -> None:
    heading = h('text:outline-level="1"', "Čas") + p("x")
    own = '<style:style style:name="P7" style:parent-style-name="Title"/>'
    line = p("Příručka", "P7") + heading
    assert told(read_odt(written(line, own))) == [(("Čas",), "x")]
    assert read_odt(written(line, own)).meta.title == "Příručka"
    assert read_odt(written(heading)).meta.title == "Čas"
    assert told(read_odt(written(heading))) == [((), "x")]
    meta = f"<office:document-meta {NAMES}><office:meta><dc:title> Nákup\ninovací </dc:title></office:meta></office:document-meta>"
    named = read_odt(written(line, own, **{"meta.xml": meta}))
    assert (named.meta.title, named.meta.language) == ("Nákup inovací", None)
    assert told(named) == [((), "Příručka"), (("Čas",), "x")]


def test_lines_in_bold_and_bullets_that_were_typed() -> None:
    bold = '<style:style style:name="{}"><style:text-properties fo:font-weight="bold"/></style:style>'
    span = '<text:span text:style-name="S">{}</text:span>'
    body = (
        h('text:outline-level="1"', "Guide") + p("Start.") + p("Who may bid?", "P") + p("● any firm") + p(span.format("How?")) + p("So.")
        + p(span.format("Half") + " bold") + p('In <text:span text:style-name="N">light</text:span>', "P")
    )  # fmt: skip
    assert told(
        read_odt(written(body, bold.format("P") + bold.format("S") + bold.format("N").replace("bold", "normal")))
    ) == [
        ((), "Start."),
        (("Who may bid?",), "- any firm"),
        (("How?",), "So.\n\nHalf bold\n\nIn light"),
    ]


def test_headings_without_a_sound_level_count_as_the_first() -> None:
    levels = ["", 'text:outline-level="0"', 'text:outline-level="²"', 'text:outline-level="99999999999"']
    body = p("Title", "Title") + "".join(h(level, f"H{n}") + p(str(n)) for n, level in enumerate(levels))
    assert told(read_odt(written(body))) == [((f"H{n}",), str(n)) for n in range(4)]


def test_white_space_sections_and_what_is_left_out() -> None:
    left_out = (
        "<office:annotation><text:p>a comment</text:p></office:annotation>",
        "<text:ruby><text:ruby-base>base</text:ruby-base><text:ruby-text>ruby</text:ruby-text></text:ruby>",
    )
    line = f'A<text:s text:c="9"/>b<text:tab/>c<text:line-break/><text:span>d<!-- no -->e</text:span>\n f{left_out[0]} {left_out[1]}'
    body = (
        f"<text:tracked-changes><text:changed-region><text:deletion>{p('deleted')}</text:deletion></text:changed-region></text:tracked-changes>"
        f"<text:section>{p(line)}</text:section>"
        f"<text:alphabetical-index><text:index-body>{p('index, 3')}</text:index-body></text:alphabetical-index>"
        f"<text:bibliography><text:index-body>{p('[Šim21] A book')}</text:index-body></text:bibliography>"
    )
    assert told(read_odt(written(body))) == [((), "A b c de f base\n\n[Šim21] A book")]


def test_what_is_struck_out_is_left_out() -> None:
    def style(name: str, line: str) -> str:
        return f'<style:style style:name="{name}"><style:text-properties style:text-line-through-style="{line}"/></style:style>'

    def said(text: str, name: str) -> str:
        return f'<text:span text:style-name="{name}">{text}</text:span>'

    body = p(f"By {said('1 <text:span>March</text:span>', 'T1')} 15 {said('March', 'T2')}.") + p("Gone.", "P1")
    styles = style("T1", "solid") + style("T2", "none") + style("P1", "wave")
    assert told(read_odt(written(body, styles))) == [((), "By 15 March.")]


def test_tables_with_repeated_merged_and_nested_cells() -> None:
    def cell(content: str, props: str = "", tag: str = "table-cell") -> str:
        return f"<table:{tag} {props}>{content}</table:{tag}>"

    inner = f"<table:table><table:table-row>{cell(p('in'))}{cell(p('side'))}</table:table-row></table:table>"
    header = "".join(cell(p(name)) for name in ("Who", "May", "June", "July"))
    rows = (
        f"<table:table-header-rows><table:table-row>{header}</table:table-row></table:table-header-rows>"
        f'<table:table-row table:number-rows-repeated="1000000">{cell(p("Town"))}{cell(p("yes"), many(2))}{cell(inner)}</table:table-row>'
        f"<table:table-row>{cell(p('Region'))}{cell(p('two months'))}{cell(p('never shown'), tag='covered-table-cell')}{cell('', many(10**5))}</table:table-row>"
    )
    frame = f"<table:table><table:table-row>{cell(p('A frame') + p('of two'))}</table:table-row></table:table>"
    reading = read_odt(written(f"<table:table>{rows}</table:table>{frame}"))
    assert told(reading) == [
        ((), "| Town; May: yes; June: yes; July: in side\n| Region; May: two months\n\nA frame\n\nof two")
    ]


def many(times: int) -> str:
    return f'table:number-columns-repeated="{times}"'


def test_a_cell_is_repeated_for_so_many_columns_only() -> None:
    row = f"<table:table-row><table:table-cell {many(10**5)}>{p('z')}</table:table-cell></table:table-row>"
    reading = read_odt(written(f"<table:table>{row * 2}</table:table>"))
    assert told(reading) == [((), "| z" + "; z: z" * 63)]


def test_nested_tables_do_not_multiply() -> None:
    body = p("deep")
    for _ in range(40):
        body = f"<table:table><table:table-row><table:table-cell {many(60)}>{body}</table:table-cell></table:table-row></table:table>"
    assert read_odt(written(body)).sections[0].text.count("deep") == 60


def test_notes_become_marks_and_paragraphs() -> None:
    def note(content: str) -> str:
        return f"<text:note><text:note-citation>1</text:note-citation><text:note-body>{content}</text:note-body></text:note>"

    linked = note(p('<text:a xlink:href="https://rules.example/">The rules</text:a>') + p("in short."))
    line = f" One.{note(p('https://one.example/a.'))}  Two.{linked}{note(p('Only words.'))} Three"
    item = f"<text:list><text:list-header>{p('Kinds:')}</text:list-header><text:list-item>{p('an item' + note(p('www.two.example')))}</text:list-item></text:list>"
    reading = read_odt(written(p(line) + item))
    assert told(reading) == [((), "One. Two. Three\n\nThe rules in short.\n\nOnly words.\n\n- Kinds:\n- an item")]
    assert marks(reading) == [
        ("One.", "https://one.example/a"),
        ("One. Two.", "https://rules.example/"),
        (reading.sections[0].text, "https://www.two.example"),
    ]


BOMB = '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
WHOLE = (SAMPLES / "leitfaden.odt").read_bytes()
ENCRYPTED = {"META-INF/manifest.xml": MANIFEST % "<m:encryption-data/>", "content.xml": "\x01\x02"}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xd0\xcf\x11\xe0" + bytes(600), "encrypted or in an old binary Office format"),
        (zipped(ENCRYPTED), "^the file is encrypted. Save it without a password as .odt.$"),
        (b"<office:document/>", "no whole zip archive"),
        (WHOLE[: len(WHOLE) // 2], "no whole zip archive"),
        (zipped({}), "it has no 'content.xml'"),
        (zipped({"content.xml": ""}), "XML cannot be read"),
        (zipped({"content.xml": "<a/>"}), "no OpenDocument text"),
        ((SAMPLES / "leitfaden.docx").read_bytes(), "it has no 'content.xml'"),
        (zipped({"content.xml": "0" * 5_000_000}, zipfile.ZIP_DEFLATED), "unpacks to over 200 times its size"),
        (written(p("&c;"), doctype=BOMB), "declares entities"),
        (written("<text:section>" * 100_000 + "</text:section>" * 100_000), "XML cannot be read"),
        (written("<text:section>" * 1_000 + "</text:section>" * 1_000), "XML cannot be read"),
        (written(p("x"), **{"meta.xml": "<"}), "XML cannot be read"),
    ],
)
def test_bad_files_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableDocument, match=says) as caught:
        read_odt(data)
    assert caught.value.remedy


def test_damage_anywhere_is_told_as_such() -> None:
    dice = random.Random(5)
    refused = 0
    for _ in range(80):
        damaged = bytearray(WHOLE)
        for at in dice.sample(range(len(WHOLE)), 40):
            damaged[at] = dice.randrange(256)
        try:
            read_odt(bytes(damaged))
        except UnreadableDocument:
            refused += 1
    assert refused > 40
