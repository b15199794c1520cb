"""Vectors that come with a corpus: a first edition takes them, embeds the rest, and does without a file that is broken."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.library import Library
from assistant.repair import mend
from assistant.settings import SHIPPED, Settings
from assistant.shipped import ship
from assistant.vectors import open_vectors
from assistant.wiring import Stores
from ingest.report import Report
from ingest.run import Run
from ingest.web.client import Web
from tests.fakes import WordEmbedder


def run(stores: Stores, corpus: Path) -> Report:
    return Run(stores, corpus, Web("test")).ingest([])


def elsewhere(folder: Path, corpus: Path) -> Stores:
    """Empty stores on another machine that has the corpus."""
    settings = Settings(data=folder, corpus=corpus)
    folder.mkdir()
    return replace(
        Stores(Library(settings.library_url), open_vectors(settings), WordEmbedder(), folder),
        shipped=corpus / SHIPPED,
    )


def embedded(stores: Stores) -> int:
    assert isinstance(stores.embedder, WordEmbedder)
    return stores.embedder.embedded


@pytest.fixture
def other(stores: Stores, small_corpus: Path, tmp_path: Path) -> Stores:
    """Of somebody who gets the corpus with the vectors of these stores."""
    run(stores, small_corpus)
    assert ship(stores, small_corpus / SHIPPED) <= embedded(stores)
    return elsewhere(tmp_path / "elsewhere", small_corpus)


def test_nothing_is_embedded_that_came_with_the_corpus(stores: Stores, other: Stores, small_corpus: Path) -> None:
    report = run(other, small_corpus)
    assert (report.published, report.embedded, embedded(other)) == (True, 0, 0)
    passages = list(stores.library.all_chunks(1))
    mine, theirs = (one.vectors.open(one.library.current()).rows([c for c, _ in passages]) for one in (stores, other))
    assert min((mine[id_] * theirs[id_]).sum(1).min() for id_ in mine) > 0.9999


def test_only_what_was_written_since_is_embedded(other: Stores, small_corpus: Path) -> None:
    (small_corpus / "events/new.md").write_text("The okapi is new.")
    report = run(other, small_corpus)
    assert report.failed == []
    assert report.embedded == 1
    assert embedded(other) == 2, "the passage and its sentence"


def test_a_repair_takes_them_too(other: Stores, small_corpus: Path) -> None:
    run(other, small_corpus)
    other.vectors.drop(other.library.current().number)
    mended = list(mend(Settings(data=other.data, corpus=small_corpus), other, lambda *_: None))
    assert [(one.part, one.embedded) for one in mended] == [("vectors", 0)]
    assert embedded(other) == 0


def test_vectors_of_another_model_are_not_taken(other: Stores, small_corpus: Path) -> None:
    other.embedder.name = "others"
    assert run(other, small_corpus).embedded == other.library.current().chunks


@pytest.mark.parametrize("content", [b"", b"no vectors", b"PK\x03\x04 and no more"])
def test_a_file_that_is_broken_costs_only_time(
    other: Stores, small_corpus: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (small_corpus / SHIPPED).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        report = run(other, small_corpus)
    assert (report.published, report.failed) == (True, [])
    assert embedded(other) > 0
    assert [record.message for record in caplog.records if "is embedded anew" in record.message]


def test_what_is_written_again_is_the_same(other: Stores, small_corpus: Path) -> None:
    before = (small_corpus / SHIPPED).read_bytes()
    run(other, small_corpus)
    ship(other, small_corpus / SHIPPED)
    assert (small_corpus / SHIPPED).read_bytes() == before
