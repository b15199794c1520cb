"""What the library and the data folder hold, read anew whenever the metrics are asked for."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from assistant.errors import NotReady
from assistant.library import Library
from assistant.settings import folder_bytes

RUNS = 100  # the newest, among which those are that wait


class Kept(Collector):
    """Gauges of a server; `library` gives None until it is open."""

    def __init__(self, library: Callable[[], Library | None], data: Path) -> None:
        self._library, self._data = library, data

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges. Those of a library that does not answer are left out."""
        library = self._library()
        yield _gauge("ready", "Whether questions are answered.", float(library is not None))
        yield from _disk(self._data)
        if library is None:
            return
        try:
            yield from (*_edition(library), *_runs(library), _feedback(library))
        except (SQLAlchemyError, NotReady):
            return

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing is asked for when this is registered."""
        return []


def _gauge(name: str, text: str, value: float | None = None) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"cluster_talks_{name}", text, value=value)


def _disk(data: Path) -> Iterator[GaugeMetricFamily]:
    yield _gauge("data_bytes", "Size of the data folder.", float(folder_bytes(data)))
    if data.is_dir():
        yield _gauge("disk_free_bytes", "Free beside the data folder.", float(shutil.disk_usage(data).free))


def _edition(library: Library) -> Iterator[GaugeMetricFamily]:
    edition = library.current()
    created = datetime.fromisoformat(edition.created).timestamp()
    yield _gauge("edition_number", "The edition being served.", edition.number)
    yield _gauge("edition_documents", "Documents of that edition.", edition.documents)
    yield _gauge("edition_chunks", "Passages of that edition.", edition.chunks)
    yield _gauge("edition_created_timestamp_seconds", "When that edition was built.", created)


def _runs(library: Library) -> Iterator[GaugeMetricFamily]:
    states = [run["status"] for run in library.runs.latest(RUNS)]
    yield _gauge("runs_waiting", "Ingest runs that are asked for and not begun.", states.count("requested"))
    yield _gauge("runs_running", "Ingest runs being done.", states.count("running"))


def _feedback(library: Library) -> GaugeMetricFamily:
    votes = list(library.feedback.by_edition().values())
    family = GaugeMetricFamily("cluster_talks_feedback", "Ratings that are kept.", labels=["rating"])
    for place, rating in enumerate(("up", "down")):
        family.add_metric([rating], sum(vote[place] for vote in votes))
    return family
