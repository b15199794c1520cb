"""What building an edition costs, by stage."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.benchmarks.records import Figure
from tests.benchmarks.stand import Built, Seed, Stand
from tests.benchmarks.stopwatch import PLACES


def ingest(stand: Stand) -> Iterator[Figure]:
    """A folder of documents becomes an edition. Passages a second of each stage, by itself; "read" runs in a process of
    its own beside the others. The vectors are looked up, so "embed" says nothing of the model: what that does is
    measured on the real corpus (column "corpus"), beside the bare model on every eighth of the same batches of texts."""
    built = stand.built
    yield from _rates(built, stand.size)
    yield Figure("ingest", "texts the model had to embed", built.unknown, "texts", stand.size)


def with_the_model(seed: Seed, every: int) -> Iterator[Figure]:
    """The same of the real corpus with the real model, beside the model alone on every n-th batch."""
    yield from _rates(seed.built, None)
    if not (batches := seed.batches[::every]):
        return
    texts = sum(len(batch.texts) for batch in batches)
    began = time.perf_counter()
    for batch in batches:
        seed.embedder.embed_documents(list(batch.texts))
    alone, flow = time.perf_counter() - began, sum(batch.seconds for batch in batches)
    yield Figure("ingest", "texts embedded in the flow", texts / flow, "texts/s")
    yield Figure("ingest", "texts embedded by the bare model", texts / alone, "texts/s")
    every_second = sum(batch.seconds for batch in seed.batches) / seed.built.seconds
    yield Figure("ingest", "share of the time inside the model", every_second, "share")


def _rates(built: Built, size: int | None) -> Iterator[Figure]:
    """Documents and passages a second, as a whole and by stage; and how many vectors there are."""
    report = built.report
    for name, count in (("documents", report.documents), ("passages", report.chunks)):
        yield Figure("ingest", name, count, name, size)
        for stage, spent in {"whole": built.seconds, **{stage: built.stages.get(stage) for stage in PLACES}}.items():
            if spent:
                yield Figure("ingest", f"{stage}, {name} a second", count / spent, f"{name}/s", size)
    yield Figure("ingest", "whole", built.seconds, "s", size)
    for level, found in built.vectors.items():
        yield Figure("ingest", f"vectors of {level}", found, "vectors", size)
