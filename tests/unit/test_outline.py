"""Lines in bold that stand for headings, as people set them who know no styles."""

from __future__ import annotations

import pytest

from ingest.readers.outline import Outline, looks_like_heading

Told = list[tuple[tuple[str, ...], str]]


def told(*lines: str) -> Told:
    """The sections of lines: "**bold**", "# heading", or a paragraph."""
    outline = Outline()
    for line in lines:
        if line.startswith("# "):
            outline.heading(1, line[2:])
        elif line.startswith("**"):
            outline.bold(line.strip("*"))
        else:
            outline.paragraph(line)
    assert outline.sections() == outline.sections()
    return [(section.anchor.heading, section.text) for section in outline.sections()]


@pytest.mark.parametrize(
    ("lines", "sections"),
    [
        (("**Who may bid?**", "Any firm."), [(("Who may bid?",), "Any firm.")]),
        (("# Rules", "**Who?**", "All.", "**How?**", "So."), [(("Rules", "Who?"), "All."), (("Rules", "How?"), "So.")]),
        (("**Results**", "**Essential**", "Do."), [(("Results", "Essential"), "Do.")]),
        (("**Results**", "**Essential**", "Do.", "**Pace**", "Go."), [(("Results", "Essential"), "Do."), (("Pace",), "Go.")]),
        (("A.", "**Ministry**", "**Guide**", "# One", "Text."), [((), "A.\n\nMinistry\n\nGuide"), (("One",), "Text.")]),
        (("A.", "**The end**"), [((), "A.\n\nThe end")]),
        (("# Eight", "**One**", "**Two**", "**Three**", "**Four**", "X."), [(("Eight", "One", "Two", "Three"), "Four\n\nX.")]),
        (("Can one firm bid?", "**Any firm may bid alone**", "So."), [((), "Can one firm bid?\n\nAny firm may bid alone\n\nSo.")]),
        (("Due by:", "**Friday at noon**", "So."), [((), "Due by:\n\nFriday at noon\n\nSo.")]),
        (("**● Any firm**", "• a group", "So."), [((), "- Any firm\n- a group\n\nSo.")]),
        (("**Bids are due on 3 May**", "Be quick."), [((), "Bids are due on 3 May\n\nBe quick.")]),
    ],
)  # fmt: skip
def test_lines_in_bold(lines: tuple[str, ...], sections: Told) -> None:
    assert told(*lines) == sections


def test_a_line_in_bold_at_the_end_of_a_page_leads_nothing() -> None:
    outline = Outline()
    for page in (1, 2):
        outline.at(page=page)
        outline.bold("Comments")
        outline.paragraph("None.")
        outline.bold("Passed")
    outline.at(page=3)
    outline.bold("3. Costs")
    outline.at(page=4)
    outline.paragraph("They are met.")
    assert [(section.anchor.page, section.anchor.heading, section.text) for section in outline.sections()] == [
        (1, ("Comments",), "None.\n\nPassed"),
        (2, ("Comments",), "None.\n\nPassed"),
        (3, (), "3. Costs"),
        (4, ("3. Costs",), "They are met."),
    ]


def test_a_line_in_bold_in_a_frame_leads_what_is_in_it() -> None:
    outline = Outline()
    outline.heading(1, "Bids", "bids")
    with outline.apart():
        outline.bold("Tip")
        outline.paragraph("Ask early.")
    outline.paragraph("Bids close in May.")
    with outline.apart():
        outline.bold("Costs")
    outline.paragraph("None.")
    assert [(section.anchor.heading, section.anchor.fragment, section.text) for section in outline.sections()] == [
        (("Bids", "Tip"), "bids", "Ask early."),
        (("Bids",), "bids", "Bids close in May."),
        (("Bids", "Costs"), "bids", "None."),
    ]


@pytest.mark.parametrize("line", ["Who may bid?", "2. Faster payments", "Fristen und Kosten", "Ποιος;"])
def test_what_looks_like_a_heading(line: str) -> None:
    assert looks_like_heading(line)


@pytest.mark.parametrize(
    "line",
    [
        "You must bid in time.",
        "Bids are free. Send one",
        "Not twice (nor by proxy.)",
        "Budget EUR 5 million",
        "Note:",
        "Contact: us",
        "a@b.eu",
        "!",
        "w " * 11 + "w",
        "x" * 100,
    ],
)
def test_what_does_not(line: str) -> None:
    assert not looks_like_heading(line)
