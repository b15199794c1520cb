"""Documents are read and cut, and passages embedded, by the workers of a Ray cluster: one started here, or one to join.

    this process ──bytes→ a worker: reads in a limited process, cuts → document and passages ─┐ in order
                 ──texts→ a worker: its embedder, opened once        → vectors               ─┘

A bounded number of tasks is under way. A task whose worker or machine is lost is done again; what a task raises itself
is not. A Ray that is started here listens on 127.0.0.1 only, wants a token, and calls nobody.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from assistant.embedders import Embedder
from assistant.errors import BadSetting, ClusterTalksError
from assistant.settings import Settings
from ingest.places import worker
from ingest.places.made import Made, Wanted

RETRIES = 3  # of a task whose worker was lost
AT_ONCE = 2  # tasks under way for each core: one runs, one waits
PART = 8_000  # characters of texts that one task embeds: seconds of a core
BATCHES = 16  # most batches of passages that are embedded at a time, whatever the cores: they wait in memory
STORE = 256 << 20  # bytes of documents and results on their way, of a Ray that is started here
SECONDS = 5.0  # to connect
QUIET: dict[str, Any] = {"log_to_driver": False, "configure_logging": False, "logging_level": logging.ERROR}
ALONE = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # without it Linux listens on every address; ray reads it at its import
    "RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE": "1",  # where /dev/shm is small, as in containers
    "RAY_raylet_start_wait_time_s": "120",  # beside other load
}
START = "Start one with `ray start --head`, or write --on ray to have one started here."


class OnRay:
    """A Ray cluster that this process has joined, as a Place."""

    def __init__(self, ray: Any, cores: int, settings: Settings) -> None:  # noqa: ANN401 - a module
        task = ray.remote(num_cpus=1, max_retries=RETRIES)
        self.ahead = AT_ONCE * cores
        self.batches = min(cores, BATCHES)
        self._ray, self._opening = ray, worker.Opening.of(settings)
        self._make, self._embed = task(worker.make), task(worker.embed)

    def begin(self, wanted: Wanted) -> Callable[[], Made]:
        """Send the document to a worker; the function waits for what becomes of it."""
        sent = self._make.remote(wanted)

        def result() -> Made:
            made: Made = self._result(sent, wanted.uri)
            return made

        return result

    def embedder(self, embedder: Embedder) -> Embedder:
        """`embedder`, whose batches the workers embed."""
        return EmbedderOnRay(embedder, self)

    def embed(self, parts: Iterable[list[str]]) -> Iterator[list[list[float]]]:
        """The vectors of each part, in order, `ahead` parts under way."""
        sent: deque[Any] = deque()
        for part in parts:
            sent.append(self._embed.remote(self._opening, part))
            if len(sent) >= self.ahead:
                yield self._result(sent.popleft(), "a part of the passages")
        while sent:
            yield self._result(sent.popleft(), "a part of the passages")

    def _result(self, sent: Any, what: str) -> Any:  # noqa: ANN401 - whatever the task returns
        try:
            return self._ray.get(sent)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, ClusterTalksError):
                raise error.cause from None
            remedy = "See that every machine of the cluster has this version of the program, with the same packages."
            raise ClusterTalksError(f"{what}: a Ray worker failed: {error.cause!r}.", remedy) from error
        except self._ray.exceptions.RayError as error:
            detail = f"{what}: Ray lost it {RETRIES + 1} times ({type(error).__name__}); nothing was published."
            raise ClusterTalksError(detail, "See `ray status`, then run the command again.") from error


class EmbedderOnRay(Embedder):
    """An embedder whose batches are embedded by workers; a question is embedded here."""

    def __init__(self, embedder: Embedder, place: OnRay) -> None:
        self.name, self.dimension, self.batch = embedder.name, embedder.dimension, embedder.batch * place.batches
        self._here, self._place = embedder, place

    def embed_query(self, text: str) -> list[float]:
        """Vector of a question."""
        return self._here.embed_query(text)

    def embed_documents(self, texts: Sequence[str]) -> list[list[float]]:
        """Vectors of passages or sentences, in order."""
        # Texts of one length run together, so those of like length share a task.
        longest_first = sorted(range(len(texts)), key=lambda number: -len(texts[number]))
        parts = _parts(longest_first, texts)
        found = self._place.embed([[texts[number] for number in part] for part in parts])
        vectors: dict[int, list[float]] = {}
        for part, some in zip(parts, found, strict=True):
            vectors |= zip(part, some, strict=True)
        return [vectors[number] for number in range(len(texts))]


def _parts(numbers: Sequence[int], texts: Sequence[str]) -> list[list[int]]:
    """The numbers in runs whose texts have PART characters together, or one text."""
    parts: list[list[int]] = []
    left = 0
    for number in numbers:
        if left < len(texts[number]) or not parts:
            parts.append([])
            left = PART
        parts[-1].append(number)
        left -= len(texts[number])
    return parts


@contextmanager
def on_ray(address: str, settings: Settings) -> Iterator[OnRay]:
    """The cluster at HOST:PORT, "auto" for the one this machine belongs to, "" to start one here for this run.

    Raises BadSetting when Ray is not installed or no cluster answers.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        ray = _joined(address) if address else _started(folder)
        try:
            cores = int(ray.cluster_resources().get("CPU", 0))
            if not cores:
                raise BadSetting("The Ray cluster has no processor core for tasks.", "Add a machine to it.")
            yield OnRay(ray, cores, settings)
        finally:
            ray.shutdown()


def _imported() -> Any:  # noqa: ANN401 - a module
    try:
        import ray
    except ImportError as error:
        raise BadSetting("Ray is not installed.", ".venv/bin/pip install -e '.[ray]'") from error
    return ray


def _started(folder: str) -> Any:  # noqa: ANN401 - a module
    os.environ.update({name: value for name, value in ALONE.items() if name not in os.environ})
    ray = _imported()
    of_this_run = {"_node_ip_address": "127.0.0.1", "_temp_dir": folder, "object_store_memory": STORE}
    try:
        ray.init(address="local", include_dashboard=False, **of_this_run, **QUIET)
    except Exception as error:  # Ray raises what comes, Exception itself among it
        raise BadSetting(f"Ray cannot be started here: {error}.", "Leave out --on, or join a cluster.") from error
    return ray


def _joined(address: str) -> Any:  # noqa: ANN401 - a module
    ray = _imported()
    os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "1")  # one try of 40 s where something else answers
    if address != "auto":
        _reach(address)
    try:
        ray.init(address=address, **QUIET)
    except Exception as error:  # as above
        raise BadSetting(f"The Ray cluster {address} cannot be joined: {error}.", START) from error
    return ray


def _reach(address: str) -> None:
    """Ray itself tries for minutes. Raises BadSetting."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS).close()
    except ValueError as error:
        raise BadSetting(f"{address!r} is no address of a Ray cluster.", "Write ray:HOST:PORT.") from error
    except OSError as error:
        raise BadSetting(f"No Ray cluster answers at {address}: {error.strerror or error}.", START) from error
