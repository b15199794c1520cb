"""PDFs of LibreOffice, Chromium and reportlab: whole texts, at their pages and headings."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import pytest
from pdfminer.pdfinterp import PDFPageInterpreter
from reportlab.pdfgen.canvas import Canvas

from assistant.errors import UnreadableDocument
from assistant.records import Anchor, Section
from ingest.readers import pdf
from ingest.readers.pdf import read_pdf
from ingest.readers.reading import Reading

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> Reading:
    return read_pdf((SAMPLES / name).read_bytes())


def drawn(*pages: list[tuple[float, float, float, str]]) -> bytes:
    """A PDF of pages 500 points high, each of (x, y, size, text); text that begins with ** is in bold."""
    file = BytesIO()
    canvas = Canvas(file, pagesize=(400, 500))
    for page in pages:
        for x, y, size, text in page:
            canvas.setFont("Helvetica-Bold" if text.startswith("**") else "Helvetica", size)
            canvas.drawString(x, y, text.removeprefix("**"))
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def texts(data: bytes) -> list[str]:
    return [section.text for section in read_pdf(data).sections]


def test_an_office_document_without_its_header_and_footer() -> None:
    reading = sample("handbook.pdf")
    why, which, who = "Why ask the market first?", "Which procedure fits?", "Who owns the results?"
    assert reading.meta.title == "Buying what is not yet on the shelf"
    assert reading.meta.language == "en"
    assert reading.notes == ()
    assert [section.anchor for section in reading.sections] == [
        Anchor(page=1),
        Anchor(page=1, heading=(why,)),
        Anchor(page=2, heading=(which,)),
        Anchor(page=3, heading=(which,)),
        Anchor(page=4, heading=(who,)),
    ]
    opening, asked, table, prose, owners = (section.text for section in reading.sections)
    assert opening == (
        "This note is for contracting authorities that wish to buy solutions which no supplier offers today. It was "
        "written with buyers from Malmö, Kraków and Thessaloniki, and with the clusters of their regions."
    )
    assert asked == (
        "A preliminary consultation tells a buyer how far suppliers are. It is open to all, and its result is published "
        "with the contract notice.\n\n"
        "- It shows whether research is still needed before a product can be bought.\n"
        "- It warns small firms early.\n"
        "- It costs little: Région Occitanie spent 4 300 € on its own, travel included."
    )
    assert table == (
        "Three procedures are used most. The figures are those of the network, and count the contracts that were "
        "signed.\n\n"
        "| Innovation partnership; 2023: 12; 2025: 19\n"
        "| Competitive dialogue; 2023: 31; 2025: 28\n"
        "| Negotiation with a prior notice in the journal; 2023: 54; 2025: 61"
    )
    paragraphs = prose.split("\n\n")
    assert [paragraph[:24] for paragraph in paragraphs] == [
        "Nothing here replaces th",
        "Malmö bought a way to ke",
        "A partnership pays for r",
        "A dialogue is slower tha",
    ]
    assert paragraphs[3].endswith(
        "The town keeps a list of these points and reads it before it writes the next description, so that what was "
        "learned in one call is not lost in another one."
    )
    assert owners == (
        "As a rule the supplier owns them, and the buyer has a licence for its own use.\n\n"
        "- Say so in the tender documents.\n"
        "- Ask for the source code only if you can look after it, for the code of a meter that nobody updates is a burden."
    )


def test_columns_drawn_across_and_printed_page_numbers() -> None:
    reading = sample("columns.pdf")
    how = "How a hospital bought what it could not describe"
    assert reading.meta.title == "The lamp of Besançon"
    assert reading.meta.language == "fr"
    assert [(section.anchor, section.text) for section in reading.sections] == [
        (
            Anchor(page=1, label="i", heading=("Preface",)),
            "This is the story of a purchase. It is told by the five people who made it, in an office above the river. "
            "We thank the town and the region for their patience.",
        ),
        (
            Anchor(page=2, label="ii", heading=("Preface",)),
            "- A first item, which takes more than one line to say what it is about, and goes on here.\n- A second item.",
        ),
        (
            Anchor(page=3, label="1", heading=(how,)),
            "Clusters know which of their members can deliver and which cannot. A buyer who asks them early saves a year. "
            "In Besançon the hospital asked the microtechnique cluster for help with a lamp that nurses can wear. Nine "
            "firms came to the first meeting, and six of them were new to public buying.\n\n"
            "The pre- and post-operative wards tried the lamp for ten weeks. Nobody wished to give it back. The purchase "
            "was then made by a public procurement of innovative solutions, shared with two hospitals in Lausanne and "
            "Turin. Each paid a third of the price, which fell by 18 percent.",
        ),
        (
            Anchor(page=3, label="1", heading=(how, "What was difficult")),
            "Law differed in the three countries, so the tender named one law and one court. The French ministry had to "
            "agree, and it took four months.\n\n"
            "Language was the lesser problem: all had agreed on English, with a summary in French and Italian.",
        ),
        (
            Anchor(page=4, label="2", heading=(how, "What was difficult")),
            "The lamp is sold in nine countries today.",
        ),
    ]


def test_a_page_printed_by_a_browser() -> None:
    reading = sample("ogloszenie.pdf")
    assert reading.meta.title == "Zamówienia przedkomercyjne: pytania klastrów"
    assert reading.meta.language == "pl"
    assert [(section.anchor, section.text) for section in reading.sections] == [
        (
            Anchor(page=1),
            "Zebraliśmy pytania, które klastry zadały nam w maju i czerwcu. Odpowiedzi sprawdził urząd w Łodzi. Nie są one "
            "poradą prawną.",
        ),
        (
            Anchor(page=1, heading=("Kto może złożyć ofertę?",)),
            "Każda firma z Unii i krajów stowarzyszonych:\n\n"
            "- sama,\n"
            "- z innymi firmami, o ile jedna z nich odpowiada za całość umowy i podpisuje ją w imieniu wszystkich "
            "pozostałych,\n"
            "- z uczelnią.",
        ),
        (
            Anchor(page=1, heading=("Ile trwają etapy?",)),
            "| Projekt rozwiązania; Miesiące: 4; Budżet: 480 000 €\n"
            "| Prototyp; Miesiące: 10; Budżet: 1 350 000 €\n"
            "| Próby u zamawiających w trzech miastach; Miesiące: 12; Budżet: 2 100 000 €",
        ),
        (
            Anchor(page=2, heading=("Co dalej?",)),
            "Po próbach każdy zamawiający może ogłosić przetarg na gotowe rozwiązanie. Firmy, które brały udział w "
            "próbach, nie mają w nim pierwszeństwa. Wyniki badań należą do firm, a zamawiający mają do nich bezpłatną "
            "licencję.\n\n"
            "Urząd w Łodzi ogłosi taki przetarg jesienią. Klaster Zielona Chemia pomoże małym firmom w przygotowaniu ofert "
            "i prowadzi listę partnerów.",
        ),
    ]


def test_a_locked_file_is_read_only_where_it_opens_without_a_password() -> None:
    (section,) = sample("owner.pdf").sections
    assert section.text == "Das Los 2 gewann eine Firma aus Görlitz. Ihr Preis lag bei 84 000 Euro."
    with pytest.raises(UnreadableDocument) as caught:
        sample("locked.pdf")
    assert str(caught.value) == "it is encrypted with a password. Save it without a password."


def test_scanned_pages() -> None:
    with pytest.raises(UnreadableDocument) as caught:
        sample("scanned.pdf")
    assert caught.value.detail == "page images without text: it needs OCR."
    assert caught.value.remedy == "Run OCR, for example ocrmypdf, and ingest the result."
    reading = sample("partly-scanned.pdf")
    assert reading.notes == ("3 of 5 pages hold no text and were left out (2, 4, 5): they need OCR.",)
    assert [(section.anchor, section.text) for section in reading.sections] == [
        (Anchor(page=1), "Lot 1 was let to Åkerlund AB."),
        (Anchor(page=3), "Lot 3 was not let."),
    ]


@pytest.mark.parametrize("data", [b"", b"Tender documents", b"%PDF-1.7\n%%EOF", b"PK\x03\x04" + bytes(200)])
def test_what_is_no_pdf_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match="damaged, or no PDF"):
        read_pdf(data)


@pytest.mark.parametrize("name", ["columns.pdf", "handbook.pdf", "owner.pdf"])
def test_a_cut_file_is_read_or_refused(name: str) -> None:
    data = (SAMPLES / name).read_bytes()
    for end in range(50, len(data), len(data) // 12):
        try:
            assert isinstance(read_pdf(data[:end]), Reading)
        except UnreadableDocument as error:
            assert error.remedy


def test_a_damaged_page_is_left_out_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = PDFPageInterpreter.process_page, iter(range(1, 9))

    def fails_on_the_second(self: PDFPageInterpreter, page: object) -> None:
        if next(calls) == 2:
            raise struct.error("unpack requires a buffer of 4 bytes")
        real(self, page)

    monkeypatch.setattr(PDFPageInterpreter, "process_page", fails_on_the_second)
    reading = read_pdf(drawn([(50, 250, 10, "One.")], [(50, 250, 10, "Two.")], [(50, 250, 10, "Three.")]))
    assert [section.anchor.page for section in reading.sections] == [1, 3]
    assert reading.notes == ("1 of 3 pages is damaged and was left out (2): save the file anew.",)


def test_pages_past_the_limit_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MOST_PAGES", 2)
    page = [(50.0, 250.0, 10.0, "Text.")]
    assert read_pdf(drawn(page, page)).notes == ()
    reading = read_pdf(drawn(page, page, page))
    assert [section.anchor.page for section in reading.sections] == [1, 2]
    assert reading.notes == ("Only the first 2 pages were read: split the file to have the rest read.",)


def test_a_header_is_dropped_from_three_pages_on() -> None:
    def pages(count: int) -> bytes:
        return drawn(
            *(
                [(50, 470, 8, f"Tender {n} of Gdańsk"), (50, 250, 10, f"Lot {n} is let."), (190, 20, 8, f"- {n} -")]
                for n in range(1, count + 1)
            )
        )

    assert texts(pages(3)) == ["Lot 1 is let.", "Lot 2 is let.", "Lot 3 is let."]
    assert len(texts(pages(2))[0].split("\n\n")) == 2


def test_numbers_beside_text_are_no_page_numbers() -> None:
    assert texts(drawn([(50, 30, 10, "Total"), (90, 30, 10, "17"), (50, 250, 10, "Text.")])) == ["Text.\n\nTotal 17"]


def test_headings_by_size() -> None:
    data = drawn(
        [
            (50, 460, 20, "Buyers of"),
            (50, 436, 20, "tomorrow"),
            (50, 400, 14, "Who buys"),
            (50, 380, 10, "Towns buy most of what is new, and the region pays."),
            (50, 350, 14, "Large type that ends as a sentence does is text."),
            (50, 320, 12, "A smaller heading"),
            (50, 300, 10, "Firms answer within a month of the call."),
        ]
    )
    reading = read_pdf(data)
    assert reading.meta.title == "Buyers of tomorrow"
    assert [(section.anchor.heading, section.text) for section in reading.sections] == [
        (
            ("Who buys",),
            "Towns buy most of what is new, and the region pays.\n\nLarge type that ends as a sentence does is text.",
        ),
        (("Who buys", "A smaller heading"), "Firms answer within a month of the call."),
    ]


def test_headings_in_bold() -> None:
    """As large as the text, and without more white around them than between lines."""
    lines = (
        "**Important guidance", "Towns buy most of what is new here.", "**2. Who may", "**bid?", "Firms of the region may, which",
        "**Nobody is", "left out. They answer soon.", "**Due by 3 May", "Late ones are refused.", "1. ask", "**2. write",
    )  # fmt: skip
    reading = read_pdf(drawn([(50, 460 - 12 * at, 10, line) for at, line in enumerate(lines)]))
    assert [(section.anchor.heading, section.text) for section in reading.sections] == [
        (("Important guidance",), "Towns buy most of what is new here."),
        (
            ("2. Who may bid?",),
            "Firms of the region may, which Nobody is left out. They answer soon. Due by 3 May Late ones are refused.\n\n- ask\n\n2. write",
        ),
    ]


def test_a_footnote_does_not_part_a_sentence_from_its_end_on_the_next_page() -> None:
    first = [
        (50, 250, 10, "The prize went to the firm that had asked for the inno-"),
        (50, 100, 7, "1 Decision of May."),
    ]
    second = [(50, 400, 10, "vation cluster in Tampere."), (50, 370, 10, "More was not said.")]
    assert texts(drawn(first, second)) == [
        "The prize went to the firm that had asked for the innovation cluster in Tampere.\n\n1 Decision of May.",
        "More was not said.",
    ]


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["The call was open to small", "firms of the region."], "The call was open to small firms of the region."),
        (["Both public-", "private partners signed."], "Both publicprivate partners signed."),
        (["A plan for the pre-", "and the post-award phase."], "A plan for the pre- and the post-award phase."),
        (["It is an EU-", "Africa project of many."], "It is an EU-Africa project of many."),
        (["1. Ask the market.", "2. Write the tender."], "- Ask the market.\n- Write the tender."),
        (["It ended on", "12. May in Brno, as planned."], "It ended on 12. May in Brno, as planned."),
        (["– first", "– second"], "- first\n- second"),
        (
            ["Short line.", "The next paragraph is longer than that."],
            "Short line.\n\nThe next paragraph is longer than that.",
        ),
        (["Prices ....................... 12", "Who decides .................. 14"], "Prices … 12 Who decides … 14"),
    ],
)
def test_lines_are_put_together(lines: list[str], text: str) -> None:
    assert texts(drawn([(50, 400 - 12 * at, 10, line) for at, line in enumerate(lines)])) == [text]


def test_a_column_that_ends_early_and_text_across_below() -> None:
    wide = "Both columns end here, and this line runs across the whole of the page below."
    left = [
        "The left column has four lines",
        "that are read before the others,",
        "each of them about as long as",
        "these here are.",
    ]
    right = ["The right one has only two", "of them."]
    data = drawn(
        [(40, 400 - 12 * at, 10, line) for at, line in enumerate(left)]
        + [(210, 400 - 12 * at, 10, line) for at, line in enumerate(right)]
        + [(40, 320, 10, wide), (40, 308, 10, "It goes on.")]
    )
    assert texts(data) == [f"{' '.join(left)}\n\n{' '.join(right)}\n\n{wide} It goes on."]


def test_a_short_heading_below_columns_goes_with_the_text_that_it_heads() -> None:
    columns = [
        (x, 400.0 - 12 * at, 10.0, text)
        for x, name in ((40.0, "left"), (230.0, "right"))
        for at, text in enumerate([f"The {name} column begins here", "and has two lines."])
    ]
    data = drawn(
        [
            (40, 460, 20, "A title"),
            *columns,
            (40, 350, 14, "What follows"),
            (40, 330, 10, "This line runs across both of the columns, from end to end."),
        ]
    )
    assert [(section.anchor.heading, section.text) for section in read_pdf(data).sections] == [
        ((), "The left column begins here and has two lines.\n\nThe right column begins here and has two lines."),
        (("What follows",), "This line runs across both of the columns, from end to end."),
    ]


def test_blocks_that_do_not_stand_side_by_side_are_read_from_top_to_bottom() -> None:
    places = [(40.0, 400.0, "Town of Ghent"), (240.0, 350.0, "The fifth of May"), (40.0, 300.0, "Dear suppliers,")]
    data = drawn([(x, y - 12 * at, 10, f"{text} {at}") for x, y, text in places for at in range(2)])
    assert texts(data) == [
        "Town of Ghent 0 Town of Ghent 1\n\nThe fifth of May 0 The fifth of May 1\n\nDear suppliers, 0 Dear suppliers, 1"
    ]


def test_large_entries_of_a_table_of_contents_are_no_headings() -> None:
    (section,) = read_pdf(
        drawn([(50, 400, 14, "1 Who buys ........ 3"), (50, 350, 10, "Towns buy most of it.")])
    ).sections
    assert section == Section("1 Who buys … 3\n\nTowns buy most of it.", Anchor(page=1))


def test_text_further_left_is_no_line_of_the_item_above() -> None:
    lines = [
        (60, "• an item that is as long as the text"),
        (50, "and the text, which goes on below it"),
        (50, "to its end."),
    ]
    data = drawn([(x, 400 - 12 * at, 10, text) for at, (x, text) in enumerate(lines)])
    assert texts(data) == ["- an item that is as long as the text\n\nand the text, which goes on below it to its end."]


def test_a_label_is_told_only_where_it_is_not_the_number() -> None:
    file = BytesIO()
    canvas = Canvas(file)
    canvas.addPageLabel(0, style="ARABIC", start=1)
    canvas.addPageLabel(1, style="ARABIC", start=1, prefix="A-")
    for text in ("One.", "Two."):
        canvas.drawString(50, 400, text)
        canvas.showPage()
    canvas.save()
    assert [section.anchor for section in read_pdf(file.getvalue()).sections] == [
        Anchor(page=1),
        Anchor(page=2, label="A-1"),
    ]


def test_an_empty_page_needs_no_ocr() -> None:
    reading = read_pdf(drawn([(50, 400, 10, "One.")], []))
    assert reading.notes == ()
    assert len(reading.sections) == 1
    assert read_pdf(drawn([])).sections == ()


def test_turned_text_and_a_watermark() -> None:
    file = BytesIO()
    canvas = Canvas(file, pagesize=(400, 500))
    canvas.rotate(90)
    canvas.drawString(60, -100, "A page on its side")
    canvas.drawString(60, -114, "is read all the same.")
    canvas.showPage()
    canvas.drawString(60, 250, "Upright.")
    canvas.rotate(45)
    canvas.setFont("Helvetica", 40)
    canvas.drawString(200, 100, "DRAFT")
    canvas.save()
    assert texts(file.getvalue()) == ["A page on its side is read all the same.", "Upright."]
