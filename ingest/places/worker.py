"""What a worker does: functions that need no store, and what its process opens once and keeps."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from assistant.embedders import Embedder, open_embedder
from assistant.settings import Settings
from ingest.isolate import Nursery
from ingest.places.made import Made, Wanted, made


@dataclass(frozen=True, slots=True)
class Opening:
    """What a worker needs to know to open the embedder; the other settings, and so all secrets, stay where they are."""

    embedder: str
    device: str
    data: Path

    @classmethod
    def of(cls, settings: Settings) -> Opening:
        """What these settings say."""
        return cls(settings.embedder, settings.device, settings.data.absolute())


def make(wanted: Wanted) -> Made:
    """Read the document in a limited process, as everywhere, and cut it. Raises UnreadableDocument."""
    content = wanted.content
    return made(wanted, _nursery().read(content.data, wanted.uri, content.ending))


def embed(opening: Opening, texts: list[str]) -> list[list[float]]:
    """Vectors of texts, in order. Raises BadSetting when the model is not on this machine."""
    return _embedder(opening).embed_documents(texts)


@cache
def _nursery() -> Nursery:
    return Nursery()


@cache
def _embedder(opening: Opening) -> Embedder:
    # On a machine without the data folder nothing is kept: the model is prepared anew by each process, in a second.
    data = opening.data if opening.data.is_dir() else Path(os.devnull)
    # Nothing of the worker's own environment is read.
    settings = Settings.model_construct(embedder=opening.embedder, device=opening.device, threads=1, data=data)
    return open_embedder(settings).kept_to(1)
