"""An edition that differs little from an earlier one begins as a copy of its store, and holds the same as any other."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import chromadb
import numpy as np
import pytest

from assistant.doctor.on_disk import vectors_fault, vectors_held
from assistant.fill import AT_ONCE, NEARLY_ALL, _worth_it, begin, fill
from assistant.records import LEVELS, Chunk, Document, Edition, Unit, vector_counts
from assistant.split import STORE
from assistant.vectors import REACH, EditionVectors, Embedded, FolderVectors, Row
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
    assert vectors_fault(store(stores, number), number, vector_counts(passages)) == ""
    other = FolderVectors(stores.data / "apart")
    built = other.create(edition, vector_counts(passages))
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
    worn = {}
    for number in range(2, PAGES):
        write(corpus, number, f"Only this is here, {number}.")
        ingest(stores, corpus)
        worn[number] = max(held.worn for held in vectors_held(store(stores, number), number).values())
    built = sorted(set(worn) - set(copies))
    assert built and built[0] - 1 in copies, copies
    assert worn[built[0] - 1] > 1 - NEARLY_ALL > worn[built[0]] == 0
    is_as_if_built(stores, PAGES - 1)


def test_another_kind_of_document_is_found_by_it(stores: Stores, corpus: Path, copies: list[int]) -> None:
    ingest(stores, corpus)
    write(corpus, 7, *(f"The {animal} of page 7 is here." for animal in ANIMALS), kind="events")
    assert (ingest(stores, corpus).embedded, copies) == (0, [2])
    vectors = stores.vectors.open(stores.library.edition(2))
    assert len(vectors._of("units").get(where={"kind": "events"}, include=[])["ids"]) == len(ANIMALS)


def an_index(folder: Path) -> None:
    index = next(folder.rglob("data_level0.bin"))
    data = bytearray(index.read_bytes())
    data[200:400] = bytes(200)
    index.write_bytes(data)


def not_a_database(folder: Path) -> None:
    (folder / STORE).write_bytes(b"no database" * 1000)


def nothing_in_it(folder: Path) -> None:
    (folder / STORE).write_bytes(b"")


def no_collections(folder: Path) -> None:
    with closing(sqlite3.connect(folder / STORE)) as db, db:
        db.execute("DELETE FROM collections")


def one_collection_less(folder: Path) -> None:
    with closing(sqlite3.connect(folder / STORE)) as db, db:
        db.execute("DELETE FROM collections WHERE name LIKE '%asked'")


@pytest.mark.parametrize("damage", [an_index, not_a_database, nothing_in_it, no_collections, one_collection_less])
def test_a_damaged_store_is_not_copied_and_stops_nothing(
    stores: Stores, corpus: Path, copies: list[int], damage: Callable[[Path], None]
) -> None:
    ingest(stores, corpus)
    stores.vectors.close()
    damage(store(stores, 1))
    edition = replace(stores.library.edition(1), number=2)
    passages = list(stores.library.all_chunks(1))
    vectors, missing = begin(stores, edition, passages)
    assert (copies, len(missing), vectors.count()) == ([], PAGES, 0)


def test_a_copy_has_only_its_own_collections_and_the_settings_of_a_new_one(
    stores: Stores, corpus: Path, copies: list[int]
) -> None:
    ingest(stores, corpus)
    stores.vectors.close()
    with chromadb.PersistentClient(path=str(store(stores, 1))) as client:  # as an older version left it
        client.create_collection("edition-0-units")
        client.get_collection("edition-1-units").modify(configuration={"hnsw": {"ef_search": 100}})
    write(corpus, 7, "The okapi of page 7 is here.")
    ingest(stores, corpus)
    assert copies == [2]
    stores.vectors.close()
    with chromadb.PersistentClient(path=str(store(stores, 2))) as client:
        found = {collection.name: collection.configuration["hnsw"] for collection in client.list_collections()}
    assert set(found) == {f"edition-2-{level}" for level in LEVELS}
    assert {hnsw["ef_search"] for hnsw in found.values() if hnsw} == {REACH}


def rows_for(size: int) -> list[Row]:
    random = np.random.default_rng(0)
    rows = []
    for number in range(size):
        vector = random.standard_normal(8).tolist()
        asked = () if number else ("Q?",)
        chunk = Chunk(f"c{number}", "d", "Ab.", start=0, end=3, units=(Unit(0, 3),), asked=asked)
        document = Document(id="d", uri="d.md", title="D", digest="d", kind="rules")
        rows.append(Row(chunk, document, Embedded(vector, [vector], [vector] * len(asked))))
    return rows


@pytest.mark.parametrize("size", [50, 1300, 1500, 3000])
def test_what_waits_to_be_written_is_no_obstacle(tmp_path: Path, size: int) -> None:
    vectors, edition, rows = FolderVectors(tmp_path), Edition(1, "test", 8, "ready", ""), rows_for(size)
    passages = [(row.chunk, row.document) for row in rows]
    made = vectors.create(edition, vector_counts(passages))
    for start in range(0, size, AT_ONCE):
        made.add(rows[start : start + AT_ONCE])
    del made
    copy = vectors.copied(edition, replace(edition, number=2), vector_counts(passages), partial(_worth_it, edition))
    assert copy and copy.keep(passages[1:]) == {chunk.id for chunk, _ in passages[1:]}
    assert copy.counts() == {"passages": size - 1, "units": size - 1, "asked": 0}
    assert vectors_fault(tmp_path / "2", 2, vector_counts(passages[1:])) == ""


def test_removed_vectors_that_are_written_are_told_from_those_that_are_there(tmp_path: Path) -> None:
    vectors, edition, rows = FolderVectors(tmp_path), Edition(1, "test", 8, "ready", ""), rows_for(80)
    passages = [(row.chunk, row.document) for row in rows]
    made = vectors.create(edition, vector_counts(passages[:50]))
    made.add(rows[:50])
    made.keep(passages[30:50])
    made.add(rows[50:])
    del made
    held = vectors_held(tmp_path / "1", 1)["passages"]
    assert held.index and (held.vectors, held.index.removed, held.worn) == (50, 30, 30 / 80)
    assert vectors_fault(tmp_path / "1", 1, vector_counts(passages[30:])) == ""
    assert not _worth_it(edition, tmp_path / "1")


def test_an_edition_of_other_documents_is_no_copy(stores: Stores, corpus: Path, copies: list[int]) -> None:
    ingest(stores, corpus)
    for number in range(PAGES // 3):
        write(corpus, number, f"Something else is here, {number}.")
    ingest(stores, corpus)
    assert copies == []
    is_as_if_built(stores, 2)
