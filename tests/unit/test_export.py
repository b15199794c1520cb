"""A conversation as text, as Markdown and as a Word document."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import Any

import docx
import pytest
from markdown_it import MarkdownIt

from assistant.records import Anchor, Citation, Sentence
from ui.conversation import Excerpt, Exchange, Focus, Source
from ui.export import FORMATS, answer_text, export

TODAY = date(2026, 11, 25)
HOSTILE = "# Heading <script>alert(1)</script> [link](javascript:alert(1)) `code` *bold*\n\n- item\x00\x0b"


def citation(number: int, **changes: Any) -> Citation:
    values: dict[str, Any] = {
        "number": number, "document": "d", "title": "The rules", "uri": "rules/d.md", "url": None,
        "anchor": Anchor(("Thresholds",), page=3), "link": "/read/d?edition=1&start=0&end=4#quote", "quote": "text",
        "span": (0, 4), "valid_from": None, "valid_until": None, "edition": 1, "digest": "0", "publisher": "DG GROW",
    }  # fmt: skip
    return Citation(**{**values, **changes})


def exchange(question: str = "What holds?", text: str = "It holds.", **changes: Any) -> Exchange:
    sources = tuple(
        Source(cited, Excerpt("", "text", "")) for cited in (citation(1), citation(2, url="https://example.eu/a"))
    )
    sentences = (
        Sentence("For a notice.", kind="notice"),
        Sentence(text, (1,)),
        Sentence("An item.", (2,), layout="item"),
    )
    return Exchange(question, "en", "done", sentences, sources, **changes)


def test_the_clipboard_gets_the_answer_and_where_it_stands() -> None:
    assert answer_text(exchange(), "https://ask.example").splitlines() == [
        "What holds?",
        "",
        "For a notice.",
        "It holds. [1]",
        "An item. [2]",
        "",
        "Sources:",
        "[1] The rules · Thresholds · page 3 · DG GROW · https://ask.example/read/d?edition=1&start=0&end=4#quote",
        "[2] The rules · Thresholds · page 3 · DG GROW · https://example.eu/a",
    ]


def test_markdown_has_what_was_asked_restricted_and_answered() -> None:
    asked = exchange(focus=Focus(("rules",), ("d", "The rules"), date(2025, 3, 1)))
    text = export("markdown", (asked, exchange("And then?")), "en", "", TODAY).content.decode()
    assert text.count("## ") == 2
    for part in ("25 November 2026", "## What holds?", "Only from: The rules", "As of 1 March 2025", "> It holds."):
        assert part in text


def test_what_is_said_cannot_become_markup_of_the_file() -> None:
    text = export("markdown", (exchange(HOSTILE, HOSTILE),), "en", "", TODAY).content.decode()
    tokens = MarkdownIt().parse(text)
    kinds = {token.type for token in tokens} | {c.type for token in tokens for c in token.children or ()}
    assert not kinds & {"html_block", "html_inline", "code_inline", "bullet_list_open", "strong_open", "em_open"}
    links = [c.attrs["href"] for token in tokens for c in token.children or () if c.type == "link_open"]
    assert not any("javascript" in str(link) for link in links)
    assert sum(token.type == "heading_open" for token in tokens) == 2


def test_a_word_document_opens_and_holds_the_same() -> None:
    made = export("word", (exchange(HOSTILE, HOSTILE),), "de", "", TODAY)
    assert made.name == "cluster-talks-2026-11-25.docx"
    paragraphs = docx.Document(BytesIO(made.content)).paragraphs
    text = "\n".join(paragraph.text for paragraph in paragraphs)
    assert "<script>alert(1)</script>" in text and "[1]" in text and "https://example.eu/a" in text
    assert "25. November 2026" in text
    assert [p.text for p in paragraphs if p.style.name == "Heading 1"] == [HOSTILE.replace("\x00\x0b", "")]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_takes_an_unanswered_question(form: str) -> None:
    assert export(form, (Exchange("What?", "fr", "failed"),), "fr", "", TODAY).content
