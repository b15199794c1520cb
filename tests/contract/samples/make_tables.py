"""Makes the workbooks of this folder: `python make_tables.py`, then the commands that README.md tells."""

from datetime import date, datetime
from pathlib import Path

import openpyxl
import xlsxwriter

HERE = Path(__file__).parent


def auftraege() -> None:
    """With XlsxWriter: a caption, years as names of columns, formats, formulas with values, a hidden sheet."""
    with xlsxwriter.Workbook(HERE / "auftraege.xlsx") as book:
        day, moment = book.add_format({"num_format": "dd.mm.yyyy"}), book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        share, exact = book.add_format({"num_format": "0%"}), book.add_format({"num_format": "0.0 %"})
        book.set_properties({"title": "Aufträge für Innovation"})
        sheet = book.add_worksheet("Übersicht")
        sheet.write("B2", "Ausgaben der Länder (in Mio. €)")
        sheet.write_row("B4", ["Land", 2024, 2025, "Anteil", "Anmerkung"])
        sheet.write_row("B5", ["Österreich", 12.0, 14.25])
        sheet.write("E5", 0.35, share)
        sheet.write_row("B6", ["Ungarn", 8, 0.1 + 0.2])
        sheet.write("E6", 0.125, exact)
        sheet.write("F6", "geschätzt;\nohne Länder")
        sheet.write("B7", "Summe")
        sheet.write_formula("C7", "=SUM(C5:C6)", None, 20)
        dates = book.add_worksheet("Termine")
        dates.write_row("A1", ["Verfahren", "Beginn", "Öffnung der Angebote", "Offen"])
        dates.write("A2", "Kläranlage Graz")
        dates.write_datetime("B2", datetime(2026, 3, 5), day)
        dates.write_datetime("C2", datetime(2026, 4, 17, 12, 30), moment)
        dates.write_boolean("D2", True)
        dates.write("A3", "Notruf Győr")
        dates.write_datetime("B3", datetime(2025, 11, 3), day)
        dates.write_boolean("D3", False)
        hidden = book.add_worksheet("Rechnung")
        hidden.write_row("A1", ["nicht", "lesen"])
        hidden.hide()
        book.add_worksheet("Leer")


def zakazky() -> None:
    """With openpyxl: no names of columns on the first sheet, and formulas whose values nobody has stored."""
    book = openpyxl.Workbook()
    first = book.active
    first.title = "Kraje"
    for row in (["Vysočina", 12, date(2025, 6, 30)], ["Plzeňský kraj", 7, None], [], ["Celkem", "=B1+B2", "=B1*B2"]):
        first.append(row)
    second = book.create_sheet("Fáze")
    for row in (["Fáze", "Rozpočet", "Podíl"], ["Návrh", 1_200_000, 0.3], ["Prototyp", "=B2*2", 0.7]):
        second.append(row)
    second["C2"].number_format = second["C3"].number_format = "0%"
    book.save(HERE / "zakazky.xlsx")


auftraege()
zakazky()
