"""The exact search against the definition of it, and against the cosines that Chroma's vectors give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant import retrieve
from assistant.exact import Exact
from assistant.records import Chunk, Document, Edition, Filters, Unit
from assistant.retrieve import Query, Retriever
from assistant.settings import Settings
from assistant.vectors import EditionVectors
from assistant.wiring import Stores
from ingest.run import open_run

RANDOM = np.random.default_rng(1)
UNITS = (Unit(0, 3), Unit(4, 7))
Passage = tuple[Chunk, Document]


def passage(name: str, kind: str = "rules", asked: int = 1) -> Passage:
    chunk = Chunk(name, f"doc-{name}", "Ab. Cd.", start=0, end=7, units=UNITS, asked=("Q?",) * asked)
    return chunk, Document(id=f"doc-{name}", uri=f"{name}.md", title=name, digest=name, kind=kind)


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def random_rows(passages: list[Passage]) -> dict[str, NDArray[np.float32]]:
    return {chunk.id: unit(RANDOM.standard_normal((3 + len(chunk.asked), 8))) for chunk, _ in passages}


def test_neighbours_are_those_of_the_largest_cosines_each_passage_once() -> None:
    passages = [passage(f"c{n}", "rules" if n % 2 else "events", asked=n % 3) for n in range(40)]
    rows, question = random_rows(passages), unit(RANDOM.standard_normal(8))
    exact = Exact(passages, rows, 8)
    best = sorted(((float(cosine), id_) for id_, own in rows.items() for cosine in own[1:3] @ question), reverse=True)
    found = exact.near("units", question, 10, Filters())
    assert [near.chunk for near in found] == list(dict.fromkeys(id_ for _, id_ in best[:10]))
    assert found[0].cosine == pytest.approx(best[0][0])
    kind = exact.near("passages", question, 1000, Filters(kind=("events",)))
    assert {near.chunk for near in kind} == {f"c{n}" for n in range(0, 40, 2)}
    assert exact.near("asked", question, 5, Filters(kind=("nothing",))) == []


def test_of_equal_cosines_the_passage_that_stands_first_comes_first() -> None:
    passages = [passage(f"c{n}") for n in range(9)]
    same = unit(np.ones((4, 8)))
    found = Exact(passages, dict.fromkeys((chunk.id for chunk, _ in passages), same), 8).near(
        "passages", same[0], 3, Filters()
    )
    assert [near.chunk for near in found] == ["c0", "c1", "c2"]


def test_what_is_not_whole_is_not_found_and_an_empty_edition_has_no_neighbours() -> None:
    passages = [passage("c0"), passage("c1")]
    rows = random_rows(passages[1:])
    exact = Exact(passages, rows, 8)
    assert [near.chunk for near in exact.near("passages", rows["c1"][0], 9, Filters())] == ["c1"]
    found = exact.rows([chunk for chunk, _ in passages])
    assert list(found) == ["c1"] and np.array_equal(found["c1"], rows["c1"])
    assert Exact([], {}, 8).near("units", rows["c1"][0], 3, Filters()) == []


def ingested(stores: Stores, corpus: Path) -> Edition:
    assert open_run(Settings(data=stores.data, corpus=corpus), stores, None).ingest([]).failed == []
    return stores.library.current()


def lengthened(stores: Stores, corpus: Path) -> Edition:
    page = corpus / "procedures/pcp-intellectual-property.md"
    page.write_text(page.read_text("utf-8") + "\n\n## Added\n\nPatents may be licensed.\n", "utf-8")
    return ingested(stores, corpus)


def retriever_of(stores: Stores) -> Retriever:
    return Retriever(
        library=stores.library, vectors=stores.vectors, embedder=stores.embedder, open_lexical=stores.lexical
    )


def test_an_edition_of_many_vectors_is_searched_by_chroma_with_the_same_result(
    stores: Stores, small_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edition = ingested(stores, small_corpus)
    found = []
    for few, kind in ((60_000, Exact), (0, EditionVectors)):
        monkeypatch.setattr(retrieve, "FEW", few)
        retriever = retriever_of(stores)
        assert isinstance(retriever.index(edition).nearest, kind)
        found.append(retriever.search(Query(("Who owns the patents after a PCP?",), ()), edition))
    exact, approximate = found
    assert [hit.chunk.id for hit in exact.hits] == [hit.chunk.id for hit in approximate.hits]
    assert [hit.units for hit in exact.hits] == [pytest.approx(hit.units, abs=1e-5) for hit in approximate.hits]
    assert exact.elsewhere == pytest.approx(approximate.elsewhere)


def test_a_new_edition_reads_only_the_vectors_that_no_open_one_has(
    stores: Stores, small_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    retriever = retriever_of(stores)
    retriever.index(ingested(stores, small_corpus))
    edition = lengthened(stores, small_corpus)
    read: list[str] = []
    stored = EditionVectors.stored
    monkeypatch.setattr(
        EditionVectors,
        "stored",
        lambda self, chunks: read.extend(chunk.text for chunk in chunks) or stored(self, chunks),
    )
    quick = retriever.index(edition).nearest
    assert read == ["Patents may be licensed."]
    whole = retriever_of(stores).index(edition).nearest
    assert len(read) > 10
    chunks = [chunk for chunk, _ in stores.library.all_chunks(edition.number)]
    for chunk in chunks:
        assert quick.rows([chunk])[chunk.id] == pytest.approx(whole.rows([chunk])[chunk.id])


def test_what_is_missing_in_the_store_of_an_edition_is_not_found_although_another_has_it(
    stores: Stores, small_corpus: Path
) -> None:
    retriever = retriever_of(stores)
    retriever.index(ingested(stores, small_corpus))
    edition = lengthened(stores, small_corpus)
    chunks = [chunk for chunk, _ in stores.library.all_chunks(edition.number)]
    stored = stores.vectors.open(edition)  # whose store is open as long as somebody has it
    stored._of("units").delete(ids=[f"{chunks[0].id}:0"])
    found = retriever.index(edition).nearest.rows(chunks)
    assert set(found) == {chunk.id for chunk in chunks[1:]}
