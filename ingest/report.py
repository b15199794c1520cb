"""What an ingest run did, as data; `commands` prints it as a table or JSON."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that could not be read: why, and what to do."""

    uri: str
    reason: str
    remedy: str


@dataclass
class Report:
    """Counts and names of one run. `edition` is the edition now being served."""

    edition: int = 0
    published: bool = False
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: int = 0
    removed: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    documents: int = 0
    chunks: int = 0
    embedded: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
