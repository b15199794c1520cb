"""Each rule of the linter finds its fault, at its line, and says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.errors import CorpusMissing
from ingest.lint import CORPUS_RULES, RULES, lint

GOOD = """---
title: "A"
kind: rules
language: en
url: https://example.org
publisher: P
licence: "CC BY 4.0"
retrieved: 2026-11-15
valid_from: 2024-01-01
valid_until: 2025-12-31
---

The opening says something about the subject of this page.[^a]

## What is the value?
<!-- valid: 2024-01-01..2024-12-31 -->

The value of the threshold is 5 in the year 2024.[^a] See [b](b.md).

[^a]: P, <https://example.org>
"""
FAULTS = {
    "readable": (("title:", "title: x: y:"), 1),
    "front-matter": (("publisher: P\n", ""), 1),
    "long-sentence": (("something", "word " * 45), 13),
    "leaning-sentence": (("The opening", "It"), 13),
    "large-section": (("5 in the year", "5. " + "A sentence of words here. " * 40), 15),
    "missing-source": (("subject of this page.[^a]", "subject of this page."), 13),
    "notes": (("page.[^a]", "page.[^b]"), 13),
    "dead-link": (("(b.md)", "(c.md)"), 18),
    "periods": (("<!-- valid: 2024", "<!-- valid: 2023"), 15),
    "superseded": (("valid_from:", "supersedes: rules/b.md\nvalid_from:"), 1),
    "near-duplicate": (
        ("The opening says something about the subject", "The other page says something about the subject"),
        11,
    ),
}


def folder(tmp_path: Path, text: str) -> Path:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a.md").write_text(text)
    other = (
        GOOD.replace("The opening", "The other page")
        .replace("threshold", "limit in another document")
        .replace("b.md", "a.md")
    )
    (rules / "b.md").write_text(other.replace("valid_from: 2024-01-01\nvalid_until: 2025-12-31\n", ""))
    return tmp_path


def test_a_good_document_has_nothing_to_mend(tmp_path: Path) -> None:
    text = GOOD.replace("the subject of this page", "a thing that stands nowhere else")
    assert lint([], folder(tmp_path, text)) == []


def test_a_document_is_read_as_an_ingest_reads_it(tmp_path: Path) -> None:
    where = folder(tmp_path, GOOD) / "rules"
    (where / "a.md").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("subject", "café").encode())
    (where / "b.md").write_bytes((where / "b.md").read_text().replace("limit", "plafond fixé").encode("cp1252"))
    (where / "c.md").symlink_to("nowhere.md")
    (where / "d.md").write_text(GOOD.replace("2024-01-01\nvalid_until", "2024-02-30\nvalid_until"))
    found = {problem.file: (problem.rule, problem.detail) for problem in lint([], tmp_path)}
    assert {uri: rule for uri, (rule, _) in found.items()} == {"rules/c.md": "readable", "rules/d.md": "readable"}
    assert "a link" in found["rules/c.md"][1] and "front matter: day is out of range" in found["rules/d.md"][1]


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_is_found_at_its_line(tmp_path: Path, rule: str) -> None:
    (old, new), line = FAULTS[rule]
    text = GOOD.replace(old, new)
    found = [problem for problem in lint([], folder(tmp_path, text)) if problem.rule == rule]
    assert any(problem.line == line for problem in found), found
    assert all(problem.remedy for problem in found)


def test_every_rule_is_tested() -> None:
    assert set(FAULTS) == {*RULES, *CORPUS_RULES, "readable"}


def test_nothing_to_lint_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusMissing):
        lint([], tmp_path)
