"""Passages are exact slices of the snapshot, made of whole units."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.records import Anchor, Chunk, Document, Section, SourceMark
from ingest.cut import MAX_WORDS, Cut, cut, units

DOCUMENT = Document(id="d", uri="rules/a.md", title="Thresholds", digest="x")


def section(text: str, *heading: str, **more: object) -> Section:
    return Section(text, Anchor(heading=heading), **more)  # type: ignore[arg-type]


def kinds(text: str) -> list[tuple[str, str]]:
    return [(unit.kind, text[unit.start : unit.end]) for unit in units(text, "en")]


def check(made: Cut) -> None:
    for chunk in made.chunks:
        assert made.text[chunk.start : chunk.end] == chunk.text
        for index in range(len(chunk.units)):
            assert chunk.unit_text(index).strip() == chunk.unit_text(index) != ""


def test_a_passage_is_a_slice_of_the_snapshot() -> None:
    made = cut(DOCUMENT, [section("One thing. Another thing.", "First?"), section("- a\n- b", "Second?", "Third?")])
    check(made)
    assert made.text.startswith("# Thresholds\n\n## First?\n\nOne thing.")
    assert "## Second?\n\n### Third?\n\n- a\n- b" in made.text


def test_units_know_sentences_lists_and_rows() -> None:
    assert kinds("Two kinds exist:\n\n- one kind\n- another\n\nThat is all. Really.") == [
        ("lead", "Two kinds exist:"),
        ("item", "one kind"),
        ("item", "another"),
        ("sentence", "That is all."),
        ("sentence", "Really."),
    ]
    assert kinds("| Works; 2026: 5 404 000") == [("row", "Works; 2026: 5 404 000")]


def test_glossary_lines_of_other_words_are_terms() -> None:
    assert kinds("A PCP is a purchase of research.\n\nAlso called: PCP.\n\nIn other languages: de vorkommerziell.") == [
        ("sentence", "A PCP is a purchase of research."),
        ("terms", "Also called: PCP."),
        ("terms", "In other languages: de vorkommerziell."),
    ]


def test_an_abbreviation_does_not_end_a_sentence() -> None:
    text = "See Arts. 40 and 41 of Directive 2014/24/EU. The cost is EUR 5.4 million."
    assert [part for _, part in kinds(text)] == [
        "See Arts. 40 and 41 of Directive 2014/24/EU.",
        "The cost is EUR 5.4 million.",
    ]


def test_long_sections_are_cut_between_sentences() -> None:
    text = "\n\n".join(f"Sentence number {n} has some words to count here." for n in range(60))
    made = cut(DOCUMENT, [section(text, "Long")])
    check(made)
    assert len(made.chunks) > 1
    assert all(len(chunk.text.split()) <= MAX_WORDS for chunk in made.chunks)
    assert sum(len(chunk.units) for chunk in made.chunks) == 60


def test_a_list_stays_with_its_lead_in() -> None:
    filler = " ".join(f"Filler sentence {n} stands here." for n in range(34))
    items = "\n".join(f"- item {n} of the list" for n in range(8))
    made = cut(DOCUMENT, [section(f"{filler}\n\nThe items are:\n\n{items}", "List")])
    with_list = [chunk for chunk in made.chunks if any(unit.kind == "item" for unit in chunk.units)]
    assert len(with_list) == 1
    assert with_list[0].text.startswith("The items are:")


def ids(*sections: Section, document: Document = DOCUMENT) -> list[str]:
    return [chunk.id for chunk in cut(document, sections).chunks]


def test_ids_name_content_not_position() -> None:
    a, b = section("Alpha is first.", "A"), section("Beta is second.", "B")
    assert ids(a, b) == ids(b, a)[::-1]
    assert ids(a) != ids(section("Alpha is last.", "A")) != ids(section("Alpha is first.", "B"))
    assert ids(a, a) == ids(a)


def test_sources_move_with_their_sentence() -> None:
    text = "First fact. Second fact."
    chunk: Chunk = cut(
        DOCUMENT, [section(text, sources=(SourceMark(11, "https://a"), SourceMark(24, "https://b")))]
    ).chunks[0]
    assert [(mark.at, mark.url) for mark in chunk.sources] == [(11, "https://a"), (24, "https://b")]


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=300), max_size=6))
def test_any_text_gives_exact_slices(texts: list[str]) -> None:
    check(cut(DOCUMENT, [section(text, f"H{n}") for n, text in enumerate(texts)]))


def test_what_only_asks_is_no_quote_and_alone_no_passage() -> None:
    document = Document("d", "u", "T", "x")
    asked, answered = Section("Good. Who may bid? Any firm may."), Section("Who may bid?\n\nUntil when?")
    pieces = cut(document, [asked, answered])
    (chunk,) = pieces.chunks
    assert [unit.kind for unit in chunk.units] == ["sentence", "question", "sentence"]
    assert pieces.text.count("Who may bid?") == 2, "the snapshot shows all"
    (greeting,) = cut(document, [Section("Good morning. Who may bid?")]).chunks
    assert greeting.text == "Good morning."
    led = cut(document, [Section("Who may bid?\n\n- any firm")]).chunks[0]
    assert [unit.kind for unit in led.units] == ["lead", "item"]
