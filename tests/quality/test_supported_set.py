"""The labelled set of generated sentences: its own shape, not the checker that is judged on it.

A line is a sentence as a language model would word it, the passages it was given, and whether they support it. A false
sentence is a true one with one edit, which `class` names; `of` is the true one. To add sentences: the passages are
paragraphs of corpus/ as the ingest reads them, and `split` follows from their documents.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from ingest.readers import read

HERE = Path(__file__).parent
CORPUS = HERE.parents[1] / "corpus"
FIELDS = {"id", "lang", "sentence", "passages", "supported", "class", "of", "split"}
LANGUAGES = {"en": 60, "de": 18, "fr": 18, "es": 18, "it": 18, "pl": 18}  # with the true sentences of each
TRUE = {"paraphrase": 138, "verbatim": 12, "harmless": 20}
FALSE = {
    "number", "unit", "date", "percentage", "article", "entity", "negation", "modality", "comparative", "period",
    "scope", "unsupported", "invented", "role",
}  # fmt: skip
LEAST_OF_A_CLASS = 12
LEAST_FALSE = 260

Row = dict[str, Any]


@cache
def rows() -> tuple[Row, ...]:
    lines = (HERE / "supported.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line) for line in lines)


@cache
def sections(uri: str) -> tuple[str, ...]:
    return tuple(section.text for section in read((CORPUS / uri).read_bytes(), uri).sections)


def split_of(uri: str) -> str:
    """A third of the documents is put aside, by a hash of their uri."""
    return "tune" if int(hashlib.sha256(uri.encode()).hexdigest(), 16) % 3 else "aside"


def true_rows() -> list[Row]:
    return [row for row in rows() if row["supported"]]


def false_rows() -> list[Row]:
    return [row for row in rows() if not row["supported"]]


def test_every_line_has_the_same_fields_and_is_there_once() -> None:
    assert all(set(row) == FIELDS for row in rows())
    assert all({"uri", "text"} == set(passage) for row in rows() for passage in row["passages"])
    assert len({row["id"] for row in rows()}) == len({row["sentence"] for row in rows()}) == len(rows())


def test_the_true_sentences_count_as_promised_in_each_language() -> None:
    assert Counter(row["class"] for row in true_rows()) == TRUE
    assert Counter(row["lang"] for row in true_rows() if row["class"] != "harmless") == LANGUAGES


def test_no_two_true_sentences_rest_on_the_same_passage() -> None:
    first = [tuple(row["passages"][0].values()) for row in true_rows() if row["class"] != "harmless"]
    assert len(set(first)) == len(first)


def test_every_class_of_false_sentences_is_large_enough_and_speaks_every_language() -> None:
    classes = Counter(row["class"] for row in false_rows())
    assert set(classes) == FALSE
    assert min(classes.values()) >= LEAST_OF_A_CLASS
    assert classes.total() >= LEAST_FALSE
    assert {(row["class"], row["lang"]) for row in false_rows()} == {(c, lang) for c in FALSE for lang in LANGUAGES}


def test_a_false_sentence_keeps_language_and_passages_of_the_true_one() -> None:
    true = {row["id"]: row for row in true_rows()}
    assert all(row["of"] is None for row in true.values())
    kept = ("lang", "passages", "split")
    assert [row["id"] for row in false_rows() if any(row[key] != true[row["of"]][key] for key in kept)] == []


def test_the_passages_stand_verbatim_in_the_corpus() -> None:
    missing = [
        (row["id"], passage["uri"])
        for row in rows()
        for passage in row["passages"]
        if not any(passage["text"] in text for text in sections(passage["uri"]))
    ]
    assert missing == []


def test_only_sentences_marked_verbatim_are_copies() -> None:
    texts = {row["id"]: " ".join(passage["text"] for passage in row["passages"]) for row in true_rows()}
    assert [
        row["id"] for row in true_rows() if row["class"] != "verbatim" and row["sentence"] in texts[row["id"]]
    ] == []


def test_no_document_is_in_both_splits() -> None:
    assert [
        (row["id"], passage["uri"])
        for row in rows()
        for passage in row["passages"]
        if split_of(passage["uri"]) != row["split"]
    ] == []


def test_each_split_has_every_class_and_language() -> None:
    pairs = {(row["split"], value) for row in rows() for value in (row["class"], row["lang"])}
    assert len(pairs) == 2 * (len(FALSE) + len(TRUE) + len(LANGUAGES))


def test_a_third_or_so_of_the_sentences_is_put_aside() -> None:
    share = sum(row["split"] == "aside" for row in rows()) / len(rows())
    assert 0.3 <= share <= 0.45
