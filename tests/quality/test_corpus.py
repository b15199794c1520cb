"""The documents: nothing to mend, every fact covered, the key facts of the questions in the text."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

from assistant.evaluate import has_all, normal, read_questions
from ingest.lint import lint
from ingest.listing import find
from ingest.readers import read
from ingest.readers.reading import Reading

HERE = Path(__file__).parent
CORPUS = HERE.parents[1] / "corpus"
# How many facts each fact sheet has: buyers, talks series, event, funding, glossary, organisations, procedures,
# projects, SME guide, thresholds and rules.
FACTS = {"BG": 62, "CT": 41, "EV": 63, "FS": 50, "GL": 65, "OR": 69, "PC": 79, "PR": 96, "SG": 92, "TR": 63}


def readings() -> dict[str, Reading]:
    return {found.uri: read(found.read(), found.uri) for found in find([CORPUS], CORPUS)}


def test_there_is_nothing_to_mend() -> None:
    assert lint([], CORPUS) == []


def test_every_fact_is_covered_by_a_section_that_holds_its_key_words() -> None:
    rows = list(csv.DictReader((HERE / "coverage.tsv").open(encoding="utf-8"), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert Counter(fact[:2] for fact in {row["fact"] for row in rows}) == FACTS
    read_all = readings()
    wrong = []
    for row in rows:
        if row["document"] == "-":
            assert "unverified" in row["keys"], row
            continue
        sections = [
            section.text
            for section in read_all[row["document"]].sections
            if (section.anchor.heading[-1] if section.anchor.heading else "") == row["section"]
        ]
        text = plain(" ".join(sections))
        wrong += [(row["fact"], key) for key in row["keys"].split("|") if not key or plain(key) not in text]
    assert wrong == []


def plain(text: str) -> str:
    return re.sub("[“”]", '"', normal(text))


def test_the_key_facts_of_the_golden_questions_stand_in_the_documents() -> None:
    text = normal(" ".join(section.text for reading in readings().values() for section in reading.sections))
    cases = [case for case in read_questions(HERE / "golden.jsonl") if not case.abstain]
    missing = [case.id for case in cases if not has_all(text, case.must_include)]
    assert len(missing) <= 0.01 * len(cases), missing


def test_the_corpus_is_as_large_as_promised() -> None:
    kinds = Counter(uri.split("/")[0] for uri in readings())
    assert sum(kinds.values()) >= 70
    assert set(kinds) == {
        "events", "projects", "organisations", "procedures", "rules", "sme", "buyers", "funding", "glossary", "faq",
    }  # fmt: skip
    assert heading_count("glossary") >= 65
    assert heading_count("faq") >= 60


def heading_count(kind: str) -> int:
    found = {(uri, section.anchor.heading) for uri, reading in readings().items() for section in reading.sections}
    return sum(uri.startswith(f"{kind}/") and bool(heading) for uri, heading in found)


def test_every_address_of_a_footnote_is_in_the_list_of_sources() -> None:
    listed = set(re.findall(r"\]\((https?://[^)\s]+)\)", (CORPUS / "SOURCES.md").read_text(encoding="utf-8")))
    cited = {mark.url for reading in readings().values() for section in reading.sections for mark in section.sources}
    assert cited - listed == set()
