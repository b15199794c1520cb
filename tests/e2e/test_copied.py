"""An edition that differs little from an earlier one begins as a copy of its store, and holds the same as any other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.doctor.on_disk import vectors_fault, vectors_held, wanted
from assistant.fill import begin, fill
from assistant.records import LEVELS, Edition
from assistant.vectors import EditionVectors, FolderVectors
from assistant.wiring import Stores
from ingest.report import Report
from ingest.run import Run
from ingest.web.client import Web
from tests.fakes import WordEmbedder

PAGES = 30
ANIMALS = "okapi zebra ibis heron otter".split()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(PAGES):
        write(folder, number, *(f"The {animal} of page {number} is here." for animal in ANIMALS))
    return folder


def write(folder: Path, number: int, *sentences: str, kind: str = "rules") -> None:
    text = f"---\ntitle: Page {number}\nkind: {kind}\n---\n\n## Who is {number}?\n\n{' '.join(sentences)}\n"
    (folder / f"{number}.md").write_text(text, encoding="utf-8")


def ingest(stores: Stores, corpus: Path) -> Report:
    return Run(stores, corpus, Web("test")).ingest([])


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The editions that began as copies."""
    made: list[int] = []
    really = FolderVectors.copied

    def noted(self: FolderVectors, earlier: Edition, edition: Edition, *more: object) -> EditionVectors | None:
        if copy := really(self, earlier, edition, *more):  # type: ignore[arg-type]
            made.append(edition.number)
        return copy

    monkeypatch.setattr(FolderVectors, "copied", noted)
    return made


def store(stores: Stores, edition: int) -> Path:
    return stores.data / "vectors" / str(edition)


def rows_of(stores: Stores, vectors: EditionVectors) -> Iterator[tuple[str, list[float]]]:
    chunks = [chunk for chunk, _ in stores.library.all_chunks(vectors.edition.number)]
    rows = vectors.rows(chunks)
    assert len(rows) == len(chunks)
    return ((id_, np.round(rows[id_].astype(float), 5).tolist()) for id_ in sorted(rows))


def is_as_if_built(stores: Stores, number: int) -> None:
    """Nothing is wrong with an edition's vectors, and they are those of one whose passages are all embedded."""
    edition, passages = stores.library.edition(number), list(stores.library.all_chunks(number))
    assert vectors_fault(store(stores, number), number, wanted(passages)) == ""
    other = FolderVectors(stores.data / "apart")
    built = other.create(edition, wanted(passages))
    assert fill(built, [], passages, WordEmbedder(), lambda *_: None) == len(passages)
    assert list(rows_of(stores, stores.vectors.open(edition))) == list(rows_of(stores, built))
    other.drop(number)


def test_what_changed_is_embedded_and_all_else_copied_with_the_store(
    stores: Stores, corpus: Path, copies: list[int]
) -> None:
    assert (ingest(stores, corpus).embedded, copies) == (PAGES, [])
    write(corpus, 7, "The okapi of page 7 is here.", "A new one is here.")
    (corpus / "8.md").unlink()
    write(corpus, PAGES, "The last page is here.")
    before = {file: file.read_bytes() for file in store(stores, 1).rglob("*.bin")}
    report = ingest(stores, corpus)
    assert (report.edition, report.embedded, copies) == (2, 2, [2])
    is_as_if_built(stores, 2)
    is_as_if_built(stores, 1)
    assert before == {file: file.read_bytes() for file in store(stores, 1).rglob("*.bin")}


def test_sentences_that_stood_in_the_passage_before_are_not_embedded_again(stores: Stores, corpus: Path) -> None:
    ingest(stores, corpus)
    assert isinstance(stores.embedder, WordEmbedder)
    before = stores.embedder.embedded
    write(corpus, 7, *(f"The {animal} of page 7 is here." for animal in ANIMALS), "A new one is here.")
    ingest(stores, corpus)
    assert stores.embedder.embedded == before + 2  # the passage and its new sentence
    is_as_if_built(stores, 2)


def test_many_small_changes_wear_a_store_out_and_it_is_built_anew(
    stores: Stores, corpus: Path, copies: list[int]
) -> None:
    ingest(stores, corpus)
    removed = {}
    for number in range(2, PAGES):
        write(corpus, number, f"Only this is here, {number}.")
        ingest(stores, corpus)
        indexes = [vectors_held(store(stores, number), number)[level].index for level in LEVELS]
        removed[number] = sum(index.removed for index in indexes if index)
    built = sorted(set(removed) - set(copies))
    assert built and built[0] - 1 in copies, copies
    assert removed[built[0] - 1] > removed[built[0]] == 0
    is_as_if_built(stores, PAGES - 1)


def test_another_kind_of_document_is_found_by_it(stores: Stores, corpus: Path, copies: list[int]) -> None:
    ingest(stores, corpus)
    write(corpus, 7, *(f"The {animal} of page 7 is here." for animal in ANIMALS), kind="events")
    assert (ingest(stores, corpus).embedded, copies) == (0, [2])
    vectors = stores.vectors.open(stores.library.edition(2))
    assert len(vectors._of("units").get(where={"kind": "events"}, include=[])["ids"]) == len(ANIMALS)


def test_a_damaged_store_is_not_copied(stores: Stores, corpus: Path, copies: list[int]) -> None:
    ingest(stores, corpus)
    stores.vectors.close()
    index = next(file for file in store(stores, 1).rglob("data_level0.bin"))
    data = bytearray(index.read_bytes())
    data[200:400] = bytes(200)
    index.write_bytes(data)
    edition = replace(stores.library.edition(1), number=2)
    passages = list(stores.library.all_chunks(1))
    vectors, missing = begin(stores, edition, passages)
    assert (copies, len(missing), vectors.count()) == ([], PAGES, 0)


def test_an_edition_of_other_documents_is_no_copy(stores: Stores, corpus: Path, copies: list[int]) -> None:
    ingest(stores, corpus)
    for number in range(PAGES // 3):
        write(corpus, number, f"Something else is here, {number}.")
    ingest(stores, corpus)
    assert copies == []
    is_as_if_built(stores, 2)
