"""Floors under what the verifier tells apart (`measure_verifier.py` prints the figures; README.md names them)."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from assistant.embedders import BundledE5
from assistant.verify import Verifier
from assistant.verify.vectors import FirstLayers
from tests.quality.measure_verifier import Judged, caught, edition_names, judge, of_split, precision_and_recall, rows

FLOORS = {  # split -> precision and recall of "supported", share of false sentences caught, and of those with a wrong figure
    "tune": (0.93, 0.65, 0.98, 0.98),
    "aside": (0.81, 0.55, 0.93, 0.97),
}
FIGURES = {"number", "unit", "date", "percentage", "article"}


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    models = Path(tempfile.gettempdir()) / "verifier-models"
    embedder, labelled = BundledE5(models), rows()
    return judge(Verifier(embedder, names=edition_names(labelled), words=FirstLayers(models)), embedder, labelled)


@pytest.mark.parametrize("split", FLOORS)
def test_what_is_said_to_be_supported_mostly_is(judged: list[Judged], split: str) -> None:
    precision, recall = precision_and_recall(of_split(judged, split))
    assert (precision >= FLOORS[split][0], recall >= FLOORS[split][1]) == (True, True), (precision, recall)


@pytest.mark.parametrize("split", FLOORS)
def test_most_false_sentences_are_caught_and_nearly_all_with_a_wrong_figure(judged: list[Judged], split: str) -> None:
    here = of_split(judged, split)
    figures = [one for one in here if one.row["class"] in FIGURES]
    assert (caught(here) >= FLOORS[split][2], caught(figures) >= FLOORS[split][3]) == (True, True)


def test_a_sentence_that_is_not_supported_says_what_is_wrong_and_one_that_is_says_by_what(judged: list[Judged]) -> None:
    assert [one.row["id"] for one in judged if one.verdict.supported != (not one.verdict.faults)] == []
    assert [one.row["id"] for one in judged if one.verdict.supported and not one.verdict.sources] == []


def test_the_first_source_named_is_in_the_passage_that_the_sentence_was_written_from(judged: list[Judged]) -> None:
    said = [one for one in judged if one.verdict.supported and one.row["supported"]]
    right = [one for one in said if _cited(one) in one.row["passages"][0]["text"]]
    assert len(right) >= 0.9 * len(said)


def _cited(one: Judged) -> str:
    return one.sources[one.verdict.sources[0]].text
