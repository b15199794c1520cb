"""Each reader gives the one text form of a section, with anchors, periods, gaps and sources."""

from __future__ import annotations

from datetime import date

import pytest

from assistant.errors import UnreadableDocument
from assistant.records import Period
from ingest.readers import read
from ingest.readers.html import read_html
from ingest.readers.markdown import read_markdown
from ingest.readers.reading import own_title
from ingest.readers.text import read_text

PAGE = b"""---
title: "The Talk"
kind: events
url: https://example.org/talk
event_date: 2023-09-13
topics: [talk, 2023]
---

An opening line with a [link](other.md).[^a] A second one.[^b]

## When was it?

<!-- valid: 2023-09-01..2023-12-31 -->

It was **early**: at `8:30`.

### Who came?

<!-- gap -->

The number is not known.

- one
- two
  goes on

| Kind | 2024 | 2026 |
| --- | --- | --- |
| Works | 5 538 000 | 5 404 000 |

[^a]: A page, <https://example.org/a>
[^b]: B page, [there](https://example.org/b)
"""


def test_markdown_sections() -> None:
    reading = read_markdown(PAGE)
    opening, when, who = reading.sections
    assert reading.meta.title == "The Talk"
    assert reading.meta.event_date == date(2023, 9, 13)
    assert reading.meta.topics == ("talk", "2023")
    assert opening.text == "An opening line with a link. A second one."
    assert [(mark.at, mark.url) for mark in opening.sources] == [
        (len("An opening line with a link."), "https://example.org/a"),
        (len(opening.text), "https://example.org/b"),
    ]
    assert when.anchor.heading == ("When was it?",)
    assert when.anchor.fragment == "when-was-it"
    assert when.period == Period(date(2023, 9, 1), date(2023, 12, 31))
    assert when.text == "It was early: at 8:30."
    assert who.anchor.heading == ("When was it?", "Who came?")
    assert who.gap
    assert not when.gap
    assert who.text == ("The number is not known.\n\n- one\n- two goes on\n\n| Works; 2024: 5 538 000; 2026: 5 404 000")


def test_markdown_without_front_matter_takes_its_title_from_the_heading() -> None:
    reading = read_markdown(b"# A title\n\nText.\n\n## Part\n\nMore.")
    assert reading.meta.title == "A title"
    assert [section.anchor.heading for section in reading.sections] == [(), ("Part",)]


@pytest.mark.parametrize(
    ("told", "title"),
    [
        (None, None),
        ("  ", None),
        ("PowerPoint Presentation", None),
        ("Microsoft Word - guide.doc", None),
        ("Word Document", None),
        ("report_final.docx", None),
        (" A guide\nto bids.pdf", "A guide to bids"),
        ("Guide", "Guide"),
    ],
)
def test_titles_of_properties(told: str | None, title: str | None) -> None:
    assert own_title(told) == title


def test_markdown_lines_in_bold() -> None:
    text = b"# Guide\n\n**Plan**\n\n**1. Who *may* bid?**\n\nAny firm.\n\n**Not** all.\n\n**Last**\n\n## Part\n\n- **item**"
    assert [
        (section.anchor.heading, section.anchor.fragment, section.text) for section in read_markdown(text).sections
    ] == [
        ((), "guide", "Plan"),
        (("1. Who may bid?",), "guide", "Any firm.\n\nNot all.\n\nLast"),
        (("Part",), "part", "- item"),
    ]


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        ("## A\n\n<!-- gap -->\n\n**Price**\n\nNobody knows.", [("A", True, "Price\n\nNobody knows.")]),
        ("## A\n\n**The end**\n\n![](x.png)", [("A", False, "The end")]),
        ("## A\n\n**The end**\n\nSee [the other page](o.md).", [("A", False, "The end")]),
        ("## A\n\n**It is free**[^1]\n\nSo.\n\n[^1]: <https://a.eu>", [("A", False, "It is free\n\nSo.")]),
        ("## A\n\nWhat is it?\n\n**It is free**\n\nSo.", [("A", False, "What is it?\n\nIt is free\n\nSo.")]),
    ],
)
def test_markdown_lines_in_bold_that_are_text(text: str, sections: list[tuple[str, bool, str]]) -> None:
    read = read_markdown(f"# Guide\n\n{text}".encode()).sections
    assert [(section.anchor.heading[-1], section.gap, section.text) for section in read] == sections


def test_markdown_without_what_site_builders_put_beside_it() -> None:
    text = b"""# Guide {#top .wide}

Bid in {% raw %}[time](a.md){.link target="_blank"}{% endraw %} by {{ page.day }} noon.{.note}
{: .lead}

## Who may bid? {.question}

Sets are written {a, b}, JSON `{.class}`.

| Standard{.half} | Level |
|---|---|
| Speed | fast |
"""
    first, second = read_markdown(text).sections
    assert (first.text, first.anchor.fragment) == ("Bid in time by noon.", "top")
    assert (second.anchor.heading, second.anchor.fragment) == (("Who may bid?",), "who-may-bid")
    assert second.text == "Sets are written {a, b}, JSON {.class}.\n\n| Speed; Level: fast"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"---\ntitle: a: b\n---\ntext", "front matter at line 2"),
        (b"---\nvalid_from: soon\n---\ntext", "valid_from is 'soon'"),
        (b"---\nurl: javascript:alert(1)\n---\ntext", "must start with https:// or http://"),
        (b"\x00\x01\xff\x02", "not UTF-8 at byte 2"),
        (b"## Only a heading", "no text was found"),
        (b"## H\n<!-- valid: 2023-13-01.. -->\ntext", "2023-13-01 is no date"),
    ],
)
def test_bad_markdown_says_what_and_where(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableDocument, match=r"a/b\.md: ") as caught:
        read(data, "a/b.md")
    assert says in str(caught.value)
    assert caught.value.remedy


def test_html_among_markdown_is_read_as_on_a_page() -> None:
    text = b"""<h1 align="center">Guide</h1>

<!-- asked: What is it? -->

One<br>line <!-- no --> for *all*.

<table>
  <tr><th>Kind</th><th>2026</th></tr>

  <tr><td>Works</td><td>5 404 000</td></tr>
</table>

<details>
<summary>Who may bid?</summary>

- Any *firm*.
<script>no()</script>

</details>

<h2 id="how">How?</h2>
<ul><li>By e-mail<li>By post</ul>

In time."""
    reading = read_markdown(text)
    assert reading.meta.title == "Guide"
    assert [(section.anchor.heading, section.anchor.fragment, section.text) for section in reading.sections] == [
        ((), "guide", "One line for all.\n\n| Works; 2026: 5 404 000\n\nWho may bid?\n\n- Any firm."),
        (("How?",), "how", "- By e-mail\n- By post\n\nIn time."),
    ]
    assert reading.sections[0].asked == ("What is it?",)


def test_what_unfolds_in_markdown_is_a_section() -> None:
    text = b"# Guide\n\nOf us.\n\n<details><summary>Who may bid?</summary>\n\nAny *firm*.\n\n</details>"
    assert [(section.anchor.heading, section.text) for section in read_markdown(text).sections] == [
        ((), "Of us."),
        (("Who may bid?",), "Any firm."),
    ]


def test_what_is_struck_out_in_markdown_is_left_out() -> None:
    text = b"# Guide\n\nBy ~~1 March~~ 15 March, <del>post</del> e-mail.\n\n~~All of it.~~\n\n<p>By <s>us</s> you.</p>"
    assert [section.text for section in read_markdown(text).sections] == ["By 15 March, e-mail.\n\nBy you."]


def test_headings_in_quotes_and_items_are_text() -> None:
    (section,) = read_markdown(b"# T\n\n> ## Who pays?\n>\n> The buyer.\n\n- ### One\n\n  two\n").sections
    assert section.text == "Who pays?\n\nThe buyer.\n\n- One\n- two"


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UnreadableDocument, match=r"no reader for \.xyz"):
        read(b"text", "a.xyz")


def test_sentences_that_only_point_elsewhere_are_left_out() -> None:
    text = b"A fact.[^a] See [the other page](b.md). More [here](c.md) about a longer fact of its own.[^b]\n\n[Home](a.md)\n\n[^a]: <https://a.example>\n[^b]: <https://b.example>"
    section = read_markdown(text).sections[0]
    assert section.text == "A fact. More here about a longer fact of its own."
    assert [(mark.at, mark.url) for mark in section.sources] == [
        (7, "https://a.example"),
        (len(section.text), "https://b.example"),
    ]


def test_links_in_a_list_that_a_sentence_leads_to_are_what_it_says() -> None:
    text = b"The projects were:[^a]\n\n- [BRINC](b.md)\n- [InnoBuyer](i.md)\n\nA fact.\n\n- [Home](a.md)\n\n[^a]: <https://a.example>"
    section = read_markdown(text).sections[0]
    assert section.text == "The projects were:\n\n- BRINC\n- InnoBuyer\n\nA fact."
    assert [mark.at for mark in section.sources] == [len("The projects were:")]


def test_text_joins_lines_and_keeps_lists() -> None:
    reading = read_text(b"A line\nthat goes on.\n\nThings:\n* one\n2) two\n   and more\n")
    assert reading.sections[0].text == "A line that goes on.\n\nThings:\n- one\n- two and more"


HTML = b"""<!doctype html><html lang="de"><head><title>Seite | Amt</title><link rel="canonical" href="https://amt.example/x">
<meta property="og:site_name" content="Das Amt"></head><body><nav><a href="/">Start</a> Navigation nicht lesen</nav>
<main><h1>Vergabe von Innovation</h1><p>Die Vergabe von Innovation ist der Einkauf neuer L\xc3\xb6sungen durch \xc3\xb6ffentliche
Auftraggeber in der Europ\xc3\xa4ischen Union.</p><h2>Wer darf bieten?</h2><p>Jede Firma darf ein Angebot abgeben, auch ein
kleines oder mittleres Unternehmen ohne Erfahrung.</p><ul><li>allein</li><li>in einer Gruppe</li></ul>
<table><tr><th>Art</th><th>Wert</th></tr><tr><td>Bau</td><td>5 404 000</td></tr></table></main>
<footer>Impressum nicht lesen</footer><script>alert("nicht lesen")</script></body></html>"""


def test_html_main_content() -> None:
    reading = read_html(HTML)
    text = "\n".join(section.text for section in reading.sections)
    assert reading.meta.title == "Vergabe von Innovation"
    assert reading.meta.language == "de"
    assert reading.meta.url == "https://amt.example/x"
    assert reading.meta.publisher == "Das Amt"
    assert "nicht lesen" not in text
    assert "- in einer Gruppe" in text
    assert "| Bau; Wert: 5 404 000" in text
    asked = next(section for section in reading.sections if section.anchor.heading == ("Wer darf bieten?",))
    assert asked.text.startswith("Jede Firma darf ein Angebot abgeben")


def test_questions_that_a_section_answers() -> None:
    text = "# T\n\n## Who?\n\n<!-- gap -->\n\n<!-- asked:\nWho ran it?\nWer hat es geleitet?\n\nWho ran it?\n-->\n\nNobody knows.\n"
    (section,) = read_markdown(text.encode()).sections
    assert section.asked == ("Who ran it?", "Wer hat es geleitet?")
    assert (section.gap, section.text) == (True, "Nobody knows.")
