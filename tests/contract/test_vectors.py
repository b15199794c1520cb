"""Vectors behave the same embedded and on a real Chroma server."""

from __future__ import annotations

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
    cosines = stored.cosines(question, [rows[7].chunk])["c7"]
    assert cosines["passages"] + cosines["units"] + cosines["asked"] == pytest.approx([1, 1, -1, 1], abs=1e-4)
    missing = replace(rows[0].chunk, id="nowhere")
    assert list(stored.stored([rows[0].chunk, missing])) == ["c0"]


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
