"""Vectors behave the same embedded and on a real Chroma server."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import chromadb
import numpy as np
import pytest

from assistant.errors import EmbedderMismatch, NotReady
from assistant.records import Chunk, Document, Edition, Filters, Unit
from assistant.settings import Settings
from assistant.vectors import NO_SIZES, EditionVectors, Embedded, Row, Vectors, open_vectors

EDITION = Edition(number=1, embedder="test", dimension=8, status="building", created="")
RANDOM = np.random.default_rng(0)


def row(name: str, vector: np.ndarray, kind: str = "rules") -> Row:
    spans = (Unit(0, 3), Unit(4, 7))
    chunk = Chunk(name, f"doc-{name}", "Ab. Cd.", start=0, end=7, units=spans, asked=("Q?",))
    document = Document(id=f"doc-{name}", uri=f"{name}.md", title=name, digest=name, kind=kind)
    return Row(chunk, document, Embedded(vector.tolist(), [vector.tolist(), (-vector).tolist()], [vector.tolist()]))


@pytest.fixture(params=["embedded", "server"])
def vectors(request: pytest.FixtureRequest, tmp_path: Path) -> Vectors:
    url = request.getfixturevalue("chroma_server") if request.param == "server" else ""
    made = open_vectors(Settings(data=tmp_path, chroma_url=url))
    made.drop(1)
    return made


def test_neighbours_filters_and_copies(vectors: Vectors) -> None:
    rows = [row(f"c{n}", RANDOM.standard_normal(8), "rules" if n % 2 else "events") for n in range(50)]
    stored = vectors.create(EDITION)
    stored.add(rows)
    stored = vectors.open(EDITION)
    question = rows[7].embedded.passage
    assert stored.count() == 50
    assert stored.near("passages", question, 3, Filters())[0].chunk == "c7"
    assert stored.near("passages", question, 3, Filters())[0].cosine == pytest.approx(1, abs=1e-4)
    assert stored.near("units", question, 1, Filters())[0].chunk == "c7"
    assert [near.chunk for near in stored.near("asked", question, 1, Filters())] == ["c7"]
    assert {near.chunk for near in stored.near("passages", question, 50, Filters(kind=("events",)))} == {
        f"c{n}" for n in range(0, 50, 2)
    }
    assert [near.chunk for near in stored.near("passages", question, 5, Filters(source=("doc-c3",)))] == ["c3"]
    vectors_of_c7 = stored.rows([rows[7].chunk])["c7"]
    assert vectors_of_c7 @ vectors_of_c7[0] == pytest.approx([1, 1, -1, 1], abs=1e-4)
    missing = replace(rows[0].chunk, id="nowhere")
    assert list(stored.stored([rows[0].chunk, missing])) == ["c0"]


def test_the_order_in_which_vectors_came_does_not_decide_what_is_found(vectors: Vectors) -> None:
    rows = [row(f"c{n}", RANDOM.standard_normal(64)) for n in range(1500)]
    questions = RANDOM.standard_normal((40, 64))
    found = []
    for edition, ordered in ((EDITION, rows), (replace(EDITION, number=2), rows[::-1])):
        vectors.drop(edition.number)
        stored = vectors.create(edition)
        stored.add(ordered)
        found.append([[near.chunk for near in stored.near("passages", q.tolist(), 40, Filters())] for q in questions])
    same = sum(len(set(one) & set(other)) for one, other in zip(*found, strict=True))
    assert same >= 0.998 * 40 * len(questions)


def test_a_dropped_edition_is_not_ready(vectors: Vectors) -> None:
    vectors.create(EDITION)
    vectors.drop(1)
    with pytest.raises(NotReady):
        vectors.open(EDITION)
    vectors.drop(1)


def test_another_model_is_refused(vectors: Vectors) -> None:
    vectors.create(EDITION)
    with pytest.raises(EmbedderMismatch, match="test"):
        vectors.open(replace(EDITION, embedder="other"))


def filled(vectors: Vectors, number: int) -> None:
    """An edition of so many vectors that Chroma gives their index files."""
    made = vectors.create(replace(EDITION, number=number))
    made.add([row(f"c{n}", RANDOM.standard_normal(8)) for n in range(1100)])
    assert len(made.near("units", [1.0] * 8, 3, Filters())) >= 1


def open_below(folder: Path) -> int:
    """Files below a folder that this process has open."""
    return sum(str(folder) in str(file.resolve()) for file in Path("/proc/self/fd").iterdir())


def test_editions_that_are_gone_leave_nothing_open_nor_on_disk(tmp_path: Path) -> None:
    vectors, folder = open_vectors(Settings(data=tmp_path)), tmp_path / "vectors"
    for number in (1, 2, 3):
        filled(vectors, number)
        vectors.drop(number - 1)
        assert [store.name for store in folder.iterdir()] == [str(number)]
    assert open_below(folder) == 0, "nobody has its vectors"
    kept = vectors.open(replace(EDITION, number=3))
    assert open_below(folder) > 0, "somebody has"
    vectors.drop(3)
    assert (open_below(folder), list(folder.iterdir())) == (0, [])
    with pytest.raises(NotReady):
        kept.near("units", [1.0] * 8, 3, Filters())


@pytest.mark.parametrize("size", [2, 300, 1100])
def test_whoever_opens_an_edition_leaves_its_indexes_as_they_are(tmp_path: Path, size: int) -> None:
    vectors = open_vectors(Settings(data=tmp_path))
    rows = [row(f"c{n}", RANDOM.standard_normal(8)) for n in range(size)]
    vectors.create(EDITION, {"passages": size, "units": 2 * size, "asked": size}).add(rows)

    def indexes() -> dict[Path, bytes]:
        return {file: file.read_bytes() for file in (tmp_path / "vectors").rglob("*.bin")}

    before = indexes()
    opened = vectors.open(EDITION)
    assert opened.counts() == {"passages": size, "units": 2 * size, "asked": size}
    assert len(opened.rows([each.chunk for each in rows])) == size
    assert opened.near("asked", [1.0] * 8, 2, Filters())
    del opened
    assert before and indexes() == before


def test_an_edition_made_again_holds_what_was_stored_last(tmp_path: Path) -> None:
    vectors = open_vectors(Settings(data=tmp_path))
    before = vectors.create(EDITION)
    before.add([row("c1", RANDOM.standard_normal(8))])
    after = vectors.create(EDITION)
    after.add([row("c2", RANDOM.standard_normal(8))])
    assert [near.chunk for near in vectors.open(EDITION).near("passages", [1.0] * 8, 5, Filters())] == ["c2"]


def test_a_store_of_all_editions_is_split_also_where_that_was_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, other = tmp_path / "vectors", replace(EDITION, number=2)
    with chromadb.PersistentClient(path=str(folder)) as client:  # as version 1 of the data folder kept them
        for edition, name in ((EDITION, "c1"), (other, "c2")):
            EditionVectors(client, edition, NO_SIZES).add([row(name, RANDOM.standard_normal(8))])
    with monkeypatch.context() as broken, pytest.raises(OSError, match="full"):
        broken.setattr(Path, "rename", refused)
        open_vectors(Settings(data=tmp_path))
    vectors = open_vectors(Settings(data=tmp_path))
    assert sorted(store.name for store in folder.iterdir()) == ["1", "2"]
    for edition, name in ((EDITION, "c1"), (other, "c2")):
        assert [near.chunk for near in vectors.open(edition).near("passages", [1.0] * 8, 5, Filters())] == [name]


def refused(*_: object) -> None:
    raise OSError("full")


def test_a_store_of_all_editions_that_cannot_be_read_goes(tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    folder.mkdir()
    (folder / "chroma.sqlite3").write_bytes(b"no database" * 1000)
    with pytest.raises(NotReady, match="missing"):
        open_vectors(Settings(data=tmp_path)).open(EDITION)
    assert list(folder.iterdir()) == []


def test_whoever_searches_does_not_notice_that_an_edition_goes(tmp_path: Path) -> None:
    vectors = open_vectors(Settings(data=tmp_path))
    for number in (1, 2, 3):
        filled(vectors, number)
    searched, over = vectors.open(replace(EDITION, number=3)), threading.Event()

    def search() -> int:
        times = 0
        while not over.is_set():
            assert len(searched.near("units", [1.0] * 8, 5, Filters())) >= 1
            times += 1
        return times

    with ThreadPoolExecutor(2) as pool:
        searching = [pool.submit(search) for _ in range(2)]
        for number in (1, 2):
            vectors.drop(number)
        over.set()
        assert all(each.result() for each in searching)
    vectors.close()
