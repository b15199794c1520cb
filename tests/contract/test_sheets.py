"""Spreadsheets of several producers, read row by row; damaged and hostile ones refused."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles import Font

from assistant.errors import UnreadableDocument
from assistant.records import Anchor
from ingest.readers import sheets
from ingest.readers.reading import Reading
from ingest.readers.sheets import read_csv, read_xlsx

SAMPLES = Path(__file__).parent / "samples"
UNSTORED = "3 formulas have no stored value: open and save the file in a spreadsheet program."


def rows(reading: Reading) -> list[tuple[Anchor, str]]:
    return [(section.anchor, section.text) for section in reading.sections]


def at(row: int, heading: str | None = None, sheet: str | None = None) -> Anchor:
    return Anchor(heading=(heading,) if heading else (), sheet=sheet, row=row)


def book(*lines: list[object], title: str = "Blatt") -> bytes:
    made = openpyxl.Workbook()
    made.active.title = title
    for line in lines:
        made.active.append(line)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def test_caption_names_of_columns_formats_and_hidden_sheets() -> None:
    reading = read_xlsx((SAMPLES / "auftraege.xlsx").read_bytes())
    spent = "Ausgaben der Länder (in Mio. €)"
    assert rows(reading) == [
        (at(5, spent, "Übersicht"), "| Österreich; 2024: 12; 2025: 14.25; Anteil: 35%"),
        (at(6, spent, "Übersicht"), "| Ungarn; 2024: 8; 2025: 0.3; Anteil: 12.5%; Anmerkung: geschätzt; ohne Länder"),
        (at(7, spent, "Übersicht"), "| Summe; 2024: 20"),
        (
            at(2, "Termine", "Termine"),
            "| Kläranlage Graz; Beginn: 2026-03-05; Öffnung der Angebote: 2026-04-17 12:30; Offen: yes",
        ),
        (at(3, "Termine", "Termine"), "| Notruf Győr; Beginn: 2025-11-03; Offen: no"),
    ]
    assert reading.notes == ("Sheet Rechnung is hidden and was not read.",)
    assert reading.meta.title == "Aufträge für Innovation"


def test_formulas_without_a_stored_value_are_told() -> None:
    reading = read_xlsx((SAMPLES / "zakazky.xlsx").read_bytes())
    assert rows(reading) == [
        (at(1, "Kraje", "Kraje"), "| Vysočina; 12; 2025-06-30"),
        (at(2, "Kraje", "Kraje"), "| Plzeňský kraj; 7"),
        (at(4, "Kraje", "Kraje"), "| Celkem"),
        (at(2, "Fáze", "Fáze"), "| Návrh; Rozpočet: 1200000; Podíl: 30%"),
        (at(3, "Fáze", "Fáze"), "| Prototyp; Podíl: 70%"),
    ]
    assert reading.notes == (UNSTORED,)


def test_a_spreadsheet_program_has_stored_them() -> None:
    reading = read_xlsx((SAMPLES / "zakazky-libreoffice.xlsx").read_bytes())
    assert [text for _, text in rows(reading)][2:] == [
        "| Celkem; 19; 84",
        "| Návrh; Rozpočet: 1200000; Podíl: 30%",
        "| Prototyp; Rozpočet: 2400000; Podíl: 70%",
    ]
    assert reading.notes == ()


def test_what_is_struck_out_is_left_out() -> None:
    made = openpyxl.Workbook()
    for line in (["Call", "Until"], ["Health", "1 March"], ["Water", "5 May"]):
        made.active.append(line)
    made.active["B2"].font = Font(strike=True)
    file = io.BytesIO()
    made.save(file)
    assert [text for _, text in rows(read_xlsx(file.getvalue()))] == ["| Health", "| Water; Until: 5 May"]


def test_a_style_without_its_font_is_no_damage() -> None:
    made = openpyxl.Workbook()
    made.active.append(["Call", "Until"])
    made.active.append(["Health", 0.5])
    made.active["B2"].number_format = "0%"
    file, changed = io.BytesIO(), io.BytesIO()
    made.save(file)
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            new.writestr(name, re.sub(rb'(<xf numFmtId="9" fontId=)"0"', rb'\1"99"', old.read(name)))
    assert [text for _, text in rows(read_xlsx(changed.getvalue()))] == ["| Health; Until: 50%"]


def test_one_formula() -> None:
    assert read_xlsx(book(["Součet", "=1+1"])).notes == (
        "1 formula has no stored value: open and save the file in a spreadsheet program.",
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([["Lyon", 2023], ["Köln", 2024]], ["| Lyon; 2023", "| Köln; 2024"]),
        ([["Stadt", "Jahr"], ["Lyon", 2023]], ["| Lyon; Jahr: 2023"]),
        ([["Stadt", "Jahr", "Notiz"], ["Lyon", "offen"], ["Köln", "zu", "neu"]], ["| Lyon; Jahr: offen", "| Köln; Jahr: zu; Notiz: neu"]),
        ([["Stadt", "Land", "Notiz"], ["Lyon", "FR"]], ["| Stadt; Land; Notiz", "| Lyon; FR"]),
        ([["Name", "Wert"], ["Bau", 2e15]], ["| Bau; Wert: 2000000000000000"]),
        ([["Name", "Wert"], ["Bau", 5], ["Bemerkung"]], ["| Bau; Wert: 5", "| Bemerkung"]),
        ([["Name", "Wert"], ["Bau", 1], [None, 2.0]], ["| Bau; Wert: 1", "| Wert: 2"]),
    ],
    ids=["years are no names over years", "years", "a later row is full", "no row is full", "large", "lone cell", "no name"],
)  # fmt: skip
def test_which_row_names_the_columns(lines: list[list[object]], expected: list[str]) -> None:
    assert [text for _, text in rows(read_xlsx(book(*lines)))] == expected


def test_the_first_lone_cell_is_the_caption_and_others_are_rows() -> None:
    reading = read_xlsx(book(["Schwellenwerte"], ["Stand: März"], [], ["Art", "Wert"], ["Bau", 5]))
    assert rows(reading) == [
        (at(2, "Schwellenwerte", "Blatt"), "| Stand: März"),
        (at(5, "Schwellenwerte", "Blatt"), "| Bau; Wert: 5"),
    ]


def test_an_empty_book_has_no_sections() -> None:
    assert read_xlsx(book()) == Reading(())


def test_too_many_rows_and_columns_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_ROWS", 2)
    reading = read_xlsx(book(["a"], [], ["b"], ["c"]))
    assert [anchor.row for anchor, _ in rows(reading)] == [1, 3]
    assert reading.notes == ("Only the first 20,000 rows were read: split the file into smaller ones.",)
    wide = read_xlsx(book(["x"] * 501, title="Breit"))
    assert wide.notes == ("Only the first 500 columns of Breit were read.",)
    assert wide.sections[0].text.count("x") == 500


def test_csv_of_a_spreadsheet_program() -> None:
    reading = read_csv((SAMPLES / "auftraege.csv").read_bytes())
    spent = "Ausgaben der Länder (in Mio. €)"
    assert rows(reading) == [
        (at(5, spent), "| Österreich; 2024: 12; 2025: 14.25; Anteil: 35%"),
        (at(6, spent), "| Ungarn; 2024: 8; 2025: 0.3; Anteil: 12.5%; Anmerkung: geschätzt; ohne Länder"),
        (at(7, spent), "| Summe; 2024: 20"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Art,Wert\nBau,5\n\nDienst,7\n", [(2, "| Bau; Wert: 5"), (4, "| Dienst; Wert: 7")]),
        ("Art\tWert\nBau\t5,4\n", [(2, "| Bau; Wert: 5,4")]),
        ("Art|Wert\nBau|5,4", [(2, "| Bau; Wert: 5,4")]),
        ("sep=;\nArt;Wert\nBau;5,4\n", [(2, "| Bau; Wert: 5,4")]),
        ('Art,Wert\n"Bau,\nTeil 1", "5"\nDienst,7\n', [(2, "| Bau, Teil 1; Wert: 5"), (3, "| Dienst; Wert: 7")]),
        ("Art;Wert;Jahr\nBau;5,4;2024\nDienst;7,5;2025\n", [(2, "| Bau; Wert: 5,4; Jahr: 2024"), (3, "| Dienst; Wert: 7,5; Jahr: 2025")]),
        ("Größe\r\nklein\r\n", [(1, "| Größe"), (2, "| klein")]),
        ("", []),
    ],
    ids=["comma", "tab", "bar", "told", "quoted line ends", "decimal commas", "one column", "empty"],
)  # fmt: skip
def test_csv(text: str, expected: list[tuple[int, str]]) -> None:
    assert rows(read_csv(text.encode())) == [(at(row), line) for row, line in expected]


def without(data: bytes, name: str, content: bytes | None = None) -> bytes:
    """The archive without one entry, or with another content of it."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            if entry != name or content is not None:
                new.writestr(entry, content if entry == name and content is not None else old.read(entry))
    return file.getvalue()


GOOD = book(["Art", "Wert"], ["Bau", 5])
SHEET = "xl/worksheets/sheet1.xml"
BOMB = b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">
<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;">
<!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;"><!ENTITY h "&g;&g;&g;&g;&g;&g;&g;&g;">]>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr">
<is><t>&h;</t></is></c></row></sheetData></worksheet>"""


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "encrypted or in an old binary Office format"),
        (b"Art;Wert", "no whole zip archive"),
        (GOOD[: len(GOOD) // 2], "no whole zip archive"),
        (without(GOOD, SHEET, bytes(2_000_000)), "cannot be opened safely"),
        (without(GOOD, SHEET, BOMB), "damaged"),
        (without(GOOD, SHEET), "damaged"),
        (without(GOOD, SHEET, b"<worksheet"), "damaged"),
        (without(GOOD, "[Content_Types].xml"), "damaged"),
    ],
    ids=["encrypted", "text", "truncated", "zip bomb", "entities", "no sheet", "no XML", "no workbook"],
)
def test_bad_workbooks_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableDocument, match=says) as caught:
        read_xlsx(data)
    assert caught.value.remedy


def test_bad_csv_is_refused() -> None:
    with pytest.raises(UnreadableDocument, match="line 2: field larger than field limit") as caught:
        read_csv(b"Art,Wert\nBau," + b"5" * 200_000)
    assert caught.value.remedy
