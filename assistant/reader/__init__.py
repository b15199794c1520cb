"""The reader: question and passage read together, which scores of the two apart cannot do.

It tells of a passage whether it is about the question's subject, of each of its units whether it states the answer,
and where the answer stands. To add a reader: write a class, add a line to READERS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from assistant.errors import BadSetting
from assistant.records import Reading

if TYPE_CHECKING:
    from assistant.settings import Settings


@dataclass(frozen=True, slots=True)
class Text:
    """A passage to read: what stands above it, and its units; one that is not to be read is empty."""

    heading: str
    units: tuple[str, ...]


class Reader(Protocol):
    """Reads passages for a question."""

    name: str

    def read(self, question: str, passages: Sequence[Text]) -> list[Reading]:
        """One reading a passage."""
        ...

    def prepare(self, passages: Iterable[Text]) -> None:
        """Do beforehand what does not depend on a question, for the passages of an edition."""
        ...


def _bundled(_: str, settings: Settings) -> Reader:
    from assistant.reader.bundled import BundledReader

    return BundledReader(settings.data / "models", settings.threads)


def _cross_encoder(model: str, settings: Settings) -> Reader:
    from assistant.reader.cross_encoder import CrossEncoderReader

    return CrossEncoderReader(model, settings.device)


READERS: dict[str, Callable[[str, Settings], Reader | None]] = {
    "none": lambda _, __: None,
    "bundled": _bundled,
    "cross-encoder": _cross_encoder,
}


def open_reader(settings: Settings) -> Reader | None:
    """The reader that the setting names ("KIND" or "KIND:MODEL"), None for "none". Raises BadSetting, and ReaderBroken
    where its file is missing or damaged."""
    kind, _, model = settings.reader.partition(":")
    if kind not in READERS:
        raise BadSetting(f"There is no reader {kind!r}.", f"Choose one of: {', '.join(READERS)}.")
    return READERS[kind](model, settings)
