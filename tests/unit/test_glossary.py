"""Which words of a text the glossary explains."""

from __future__ import annotations

import pytest

from assistant.glossary import Glossary, collect_glossary
from assistant.records import Anchor, Chunk, Document, Edition, Unit

EDITION = Edition(7, "x", 1, "ready", "")
DOCUMENT = Document("d", "glossary/d.md", "Glossary", "0", kind="glossary")


def chunk(heading: str, *lines: str, start: int = 100) -> Chunk:
    text = "\n".join(lines)
    units, at = [], 0
    for line in lines:
        kind = "terms" if line.startswith(("Also called:", "In other languages:")) else "sentence"
        units.append(Unit(at, at + len(line), kind))
        at += len(line) + 1
    return Chunk(heading, "d", text, start, start + len(text), Anchor((heading,)), units=tuple(units))


PCP = chunk(
    "Pre-commercial procurement (PCP)",
    "It is the buying of research.",
    "It comes before series production.",
    "Also called: PCP, precommercial procurement, testing.",
    "In other languages: de vorkommerzielle Auftragsvergabe, PCP; fr achats publics avant commercialisation (our translation).",
)
LOT = chunk("Lot", "A lot is a part of a contract.", "Also called: part of a contract.")
INTRODUCTION = chunk("Glossary: procedures", "This page explains words.")


@pytest.fixture
def glossary() -> Glossary:
    return collect_glossary([(part, DOCUMENT) for part in (PCP, LOT, INTRODUCTION)], EDITION)


def names(glossary: Glossary, text: str) -> list[str]:
    return [text[found.start : found.end] for found in glossary.find(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A PCP differs.", ["PCP"]),
        ("Two PCPs differ.", ["PCPs"]),
        ("A pcp is no acronym.", []),
        ("Pre-commercial procurement (PCP) is it.", ["Pre-commercial procurement", "PCP"]),
        ("In PRE-COMMERCIAL PROCUREMENT", ["PRE-COMMERCIAL PROCUREMENT"]),
        ("lots of it, a Lot", ["lots", "Lot"]),
        ("It is a lottery, an allotment, a PCP-like thing.", []),
        ("As part of a contract", ["part of a contract"]),
        ("testing is too general a synonym", []),
        ("This page explains words. Glossary: procedures", []),
    ],
)
def test_a_name_is_found_as_a_word_of_its_own(glossary: Glossary, text: str, found: list[str]) -> None:
    assert names(glossary, text) == found


def test_an_entry_tells_its_meaning_its_translations_and_its_place(glossary: Glossary) -> None:
    (found,) = glossary.find("the PCP")
    assert found.entry.meaning == "It is the buying of research."
    assert found.entry.translations == {
        "de": "vorkommerzielle Auftragsvergabe",
        "fr": "achats publics avant commercialisation",
    }
    assert found.entry.link == "/read/d?edition=7&start=100&end=129#quote"


def test_only_documents_of_kind_glossary_explain_words() -> None:
    other = Document("d", "rules/d.md", "Rules", "0", kind="rules")
    assert names(collect_glossary([(PCP, other)], EDITION), "the PCP") == []


def test_without_a_glossary_nothing_is_explained() -> None:
    assert names(Glossary(()), "the PCP") == []
