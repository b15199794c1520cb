"""Where a quote stands, and the address that opens its original there."""

from __future__ import annotations

import pytest

from assistant.citations import Citing, neighbours_of
from assistant.places import clock, cues_between, original, said_at
from assistant.records import Anchor, Cue, Document, Edition, Hit, Section
from ingest.cut import cut

VIDEO = "https://www.youtube.com/watch?v=abc&t=3"
PLACES = {
    "page of a PDF": ("https://a.example/guide.pdf#old", ".pdf", Anchor(page=3), "https://a.example/guide.pdf#page=3"),
    "second on YouTube": (VIDEO, ".vtt", Anchor(start=75.9), "https://www.youtube.com/watch?v=abc&t=75"),
    "second of a short address": ("https://youtu.be/abc", ".srt", Anchor(start=5), "https://youtu.be/abc?t=5"),
    "second of a file": ("https://a.example/talk.mp4", ".vtt", Anchor(start=75.9), "https://a.example/talk.mp4#t=75"),
    "words of a page": (
        "https://a.example/x",
        ".html",
        Anchor(fragment="who"),
        "https://a.example/x#who:~:text=Any%20firm%20may%20bid%2C%20well%2Dknown%20or%20not.",
    ),
    "many words of a page": (
        "https://a.example/x",
        ".html",
        Anchor(),
        "https://a.example/x#:~:text=one%20two%20three%20four%20five,seven%20eight%20nine%20ten%20eleven",
    ),
    "a file without places": ("https://a.example/x.docx", ".docx", Anchor(), "https://a.example/x.docx"),
    "our own page about others": ("https://a.example/x", ".md", Anchor(fragment="who"), "https://a.example/x"),
}


@pytest.mark.parametrize("name", PLACES)
def test_the_original_opens_at_the_place(name: str) -> None:
    url, ending, anchor, expected = PLACES[name]
    text = (
        "one two three four five six seven eight nine ten eleven"
        if "many" in name
        else "Any firm may bid, well-known or not."
    )
    assert original(Document("d", "u", "T", "x", url=url, format=ending), anchor, text) == expected


def test_a_document_without_address_has_no_original() -> None:
    assert original(Document("d", "u", "T", "x", format=".pdf"), Anchor(page=3), "x") is None


def test_clock() -> None:
    assert [clock(seconds) for seconds in (5.9, 75.2, 3675)] == ["0:05", "1:15", "1:01:15"]


def test_cues_between() -> None:
    cues = (Cue(0, 1.0, 2.0), Cue(10, 3.0, 4.0), Cue(20, 5.0, 6.0))
    assert cues_between(cues, 10, 20) == (Cue(0, 3.0, 4.0),)
    assert cues_between(cues, 12, 25) == (Cue(0, 3.0, 4.0), Cue(8, 5.0, 6.0))
    assert said_at(Anchor(start=1.0, end=6.0), cues[1:]) == Anchor(start=3.0, end=6.0)
    assert said_at(Anchor(start=1.0, end=6.0), ()) == Anchor(start=1.0, end=6.0)


def test_a_citation_of_a_recording_names_the_seconds_of_its_sentence() -> None:
    text = "We buy lamps. Bids are due on Monday. Thank you."
    cues = (Cue(0, 60.0, 62.5), Cue(14, 62.5, 70.0), Cue(38, 70.0, 71.0))
    section = Section(text, Anchor(start=60.0, end=71.0, speaker="Ana Pop"), cues=cues)
    slides = Document("s", "slides.pptx", "Slides", "y", part_of="talk")
    document = Document("d", "talk.vtt", "Talk", "x", url="https://a.example/t.mp4", format=".vtt", part_of="talk")
    pieces = cut(document, [section])
    (chunk,) = pieces.chunks
    assert "\n[1:00 Ana Pop]\n\nWe buy lamps." in pieces.text
    assert pieces.text[chunk.start : chunk.end] == chunk.text == text
    edition = Edition(7, "words", 64, "ready", "")
    citing = Citing(edition, neighbours_of([document, slides]))
    assert citing.numbers([(Hit(chunk, document, 1.0), 1)]) == (1,)
    (citation,) = citing.citations
    assert (citation.quote, citation.anchor.start, citation.anchor.end) == ("Bids are due on Monday.", 62.5, 70.0)
    assert citation.url == "https://a.example/t.mp4#t=62"
    assert [related.title for related in citation.related] == ["Slides"]


def test_a_long_turn_is_cut_into_passages_that_know_their_seconds() -> None:
    sentences = [f"This is sentence number {n} of a long speech about lamps and their buyers." for n in range(40)]
    text, cues = "", []
    for n, sentence in enumerate(sentences):
        text += " " * bool(text)
        cues.append(Cue(len(text), 10.0 * n, 10.0 * n + 10))
        text += sentence
    chunks = cut(Document("d", "u", "T", "x"), [Section(text, Anchor(start=0.0, end=400.0), cues=tuple(cues))]).chunks
    assert len(chunks) > 1
    assert chunks[0].anchor.start == 0.0
    assert chunks[0].anchor.end == chunks[1].anchor.start
    for chunk in chunks:
        first = int(chunk.unit_text(0).split()[4])
        assert (chunk.anchor.start, chunk.cues[0]) == (10.0 * first, Cue(0, 10.0 * first, 10.0 * first + 10))
