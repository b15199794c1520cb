"""Vectors behave the same embedded and on a real Chroma server."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import EmbedderMismatch, NotReady
from assistant.records import Chunk, Document, Edition, Filters, Unit
from assistant.settings import Settings
from assistant.vectors import Embedded, Row, Vectors, open_vectors

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


def test_editions_that_are_gone_leave_nothing_open_nor_on_disk(tmp_path: Path) -> None:
    vectors, folder, seen = open_vectors(Settings(data=tmp_path)), tmp_path / "vectors", []
    filled(vectors, 1)
    for number in (2, 3, 4):
        filled(vectors, number)
        vectors.drop(number - 1)
        open_ = [file for file in Path("/proc/self/fd").iterdir() if str(folder) in str(file.resolve())]
        indexes = [path for path in folder.iterdir() if path.is_dir()]
        seen.append((len([file for file in open_ if file.resolve().suffix == ".bin"]), len(indexes)))
    assert seen[0][1] >= 1, "there are files"
    assert seen[0] == seen[1] == seen[2]
    vectors.close()


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
