"""Draws the PDF samples that no office program writes: `python tests/contract/samples/make_pdf.py`."""

from __future__ import annotations

from pathlib import Path
from zlib import compress

from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

HERE = Path(__file__).parent
DEJAVU = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
LEFT, RIGHT, TOP = 60, 260, 740

LEFT_LINES = """Clusters know which of their members
can deliver and which cannot. A buyer
who asks them early saves a year. In
Besançon the hospital asked the micro-
technique cluster for help with a lamp
that nurses can wear. Nine firms came
to the first meeting, and six of them
were new to public buying.

The pre- and post-operative wards tried
the lamp for ten weeks. Nobody wished to
give it back. The purchase was then made
by a public procurement of innovative
solutions, shared with two hospitals""".split("\n")
RIGHT_LINES = """in Lausanne and Turin. Each paid a third
of the price, which fell by 18 percent.

What was difficult
Law differed in the three countries, so
the tender named one law and one court.
The French ministry had to agree, and it
took four months.

Language was the lesser problem: all had
agreed on English, with a summary in
French and Italian.""".split("\n")


def lines(page: Canvas, x: float, y: float, text: str, size: float = 10, font: str = "Helvetica") -> float:
    """Draw lines one below the other, and give the height of the next."""
    page.setFont(font, size)
    for line in text.split("\n"):
        page.drawString(x, y, line)
        y -= 1.2 * size
    return y


def columns() -> None:
    """Preface on pages i and ii, then two columns that are drawn line by line across both; page labels."""
    pdfmetrics.registerFont(TTFont("DejaVu", DEJAVU))
    page = Canvas(str(HERE / "columns.pdf"), pagesize=(595, 842), invariant=True, lang="fr-BE")
    page.setTitle("Microsoft Word - lampe_v3_final.docx")
    page.addPageLabel(0, style="ROMAN_LOWER", start=1)
    page.addPageLabel(2, style="ARABIC", start=1)
    lines(page, LEFT, TOP, "The lamp of Besançon", 24, "Helvetica-Bold")
    y = lines(page, LEFT, TOP - 60, "Preface", 16, "Helvetica-Bold")
    lines(page, LEFT, y - 6, "This is the story of a purchase. It is told by the ﬁve people who made it, in an oﬃce\n"
          "above the river. We thank the town and\nthe", 10, "DejaVu")  # fmt: skip
    lines(page, 292, 30, "i")
    page.showPage()
    lines(page, LEFT, TOP, "region for their patience.", 10, "DejaVu")
    lines(page, LEFT, TOP - 40, "▪ A ﬁrst item, which takes more than one line to say what it is about, and goes\n"
          "   on here.\n▪ A second item.", 10, "DejaVu")  # fmt: skip
    lines(page, 292, 30, "ii")
    page.showPage()
    lines(page, LEFT, TOP, "How a hospital bought what it could not describe", 16, "Helvetica-Bold")
    for at in range(max(len(LEFT_LINES), len(RIGHT_LINES))):
        for x, column in ((LEFT, LEFT_LINES), (RIGHT, RIGHT_LINES)):
            if at < len(column):
                heading = column[at] == "What was difficult"
                lines(page, x, TOP - 40 - 14 * at, column[at], 13 if heading else 10)
    lines(page, 292, 30, "1")
    page.showPage()
    lines(page, LEFT, TOP, "The lamp is sold in nine countries today.")
    lines(page, 292, 30, "– 2 –")
    page.save()


def locked(name: str, user: str) -> None:
    """Encrypted; opened without a password where `user` is empty."""
    lock = StandardEncryption(user, ownerPassword="näher", canCopy=0, canPrint=0)
    page = Canvas(str(HERE / name), pagesize=(300, 300), invariant=True, encrypt=lock)
    lines(page, 40, 240, "Das Los 2 gewann eine Firma aus Görlitz.\nIhr Preis lag bei 84 000 Euro.")
    page.save()


def picture() -> ImageReader:
    """A small grey picture, as a scanner makes."""
    from io import BytesIO
    from struct import pack
    from zlib import crc32

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", crc32(kind + data))

    header = chunk(b"IHDR", pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    rows = chunk(b"IDAT", compress(b"".join(b"\0" + bytes(range(0, 256, 32)) for _ in range(8))))
    return ImageReader(BytesIO(b"\x89PNG\r\n\x1a\n" + header + rows + chunk(b"IEND", b"")))


def scanned(name: str, *texts: str) -> None:
    """Pages with the given text each; one without text is a picture only."""
    page = Canvas(str(HERE / name), pagesize=(300, 300), invariant=True)
    for text in texts:
        if text:
            lines(page, 40, 240, text)
        else:
            page.drawImage(picture(), 0, 0, 300, 300)
        page.showPage()
    page.save()


if __name__ == "__main__":
    columns()
    locked("locked.pdf", "geheim")
    locked("owner.pdf", "")
    scanned("scanned.pdf", "", "")
    scanned("partly-scanned.pdf", "Lot 1 was let to Åkerlund AB.", "", "Lot 3 was not let.", "", "")
