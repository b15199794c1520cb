"""Where documents are read and cut and passages are embedded: a line of PLACES, chosen with `ingest --on`.

Listing, fetching, storing, indexing, checking and publishing stay in the process that runs the command, and the edition
is the same wherever its parts were made. To add a place: write a context manager that gives a Place, add a line.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

from assistant.errors import BadSetting
from assistant.settings import Settings

if TYPE_CHECKING:
    from assistant.embedders import Embedder
    from ingest.places.made import Made, Wanted

HERE = "here"


class Place(Protocol):
    """Where the work is done that needs no store. `ahead`: how many documents may be begun and not yet taken."""

    @property
    def ahead(self) -> int:
        """How many documents may be begun before the first of them is taken."""
        ...

    def begin(self, wanted: Wanted) -> Callable[[], Made]:
        """Begin to read and cut a document; the function waits for it. Either may raise UnreadableDocument."""
        ...

    def embedder(self, embedder: Embedder) -> Embedder:
        """One that gives the same vectors, made there."""
        ...


def _ray(address: str, settings: Settings) -> AbstractContextManager[Place]:
    from ingest.places.on_ray import on_ray

    return on_ray(address, settings)


PLACES: dict[str, Callable[[str, Settings], AbstractContextManager[Place | None]]] = {
    HERE: lambda _, __: nullcontext(),
    "ray": _ray,
}


def open_place(on: str, settings: Settings) -> AbstractContextManager[Place | None]:
    """The place "KIND" or "KIND:ADDRESS", None for here. Raises BadSetting, also when it is entered."""
    kind, _, address = on.partition(":")
    if kind not in PLACES:
        raise BadSetting(f"There is no place {on!r} to work on.", "Choose here, ray, ray:auto or ray:HOST:PORT.")
    return PLACES[kind](address, settings)
