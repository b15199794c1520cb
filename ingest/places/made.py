"""What a document becomes. It follows from its bytes and what is said beside it, so it is the same on any machine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath

from assistant.language import detect_language
from assistant.records import Anchor, Document, Period
from ingest.cut import Cut, cut
from ingest.duplicates import sketch
from ingest.fetch import Content
from ingest.readers.reading import Reading, front_matter

# Formats whose programs write a language that nobody chose: what their text is in counts.
LANGUAGE_BY_DEFAULT = {".docx", ".odt", ".pptx", ".pdf"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A document to be read and cut: its name, its bytes and the digest of both."""

    root: str
    uri: str
    digest: str
    content: Content


@dataclass(frozen=True, slots=True)
class Made:
    """A document with its passages; `notes`: what was left out, `anchors`: where its sections stand."""

    document: Document
    pieces: Cut
    sketch: list[int]
    notes: tuple[str, ...]
    anchors: tuple[Anchor, ...]


def made(wanted: Wanted, reading: Reading) -> Made:
    """The document that was read, cut. Raises UnreadableDocument when what is said beside it cannot be used."""
    document = _document(wanted, reading)
    pieces = cut(document, reading.sections)
    anchors = tuple(section.anchor for section in reading.sections)
    return Made(document, pieces, sketch(pieces.text), reading.notes, anchors)


def _document(wanted: Wanted, reading: Reading) -> Document:
    content = wanted.content
    meta = front_matter({**reading.meta.model_dump(exclude_none=True), **content.given})
    told = meta.language if "language" in content.given or content.ending not in LANGUAGE_BY_DEFAULT else None
    return Document(
        id=hashlib.sha256(f"{wanted.root}\0{wanted.uri}".encode()).hexdigest()[:16],
        uri=wanted.uri,
        title=meta.title or _title(wanted.uri),
        digest=wanted.digest,
        root=wanted.root,
        kind=meta.kind or _kind(wanted.uri),
        language=told or detect_language(" ".join(s.text for s in reading.sections[:20])),
        url=meta.url,
        publisher=meta.publisher,
        licence=meta.licence,
        retrieved=meta.retrieved,
        period=Period(meta.valid_from, meta.valid_until),
        supersedes=meta.supersedes,
        event_date=meta.event_date,
        topics=meta.topics,
        format=content.ending,
        part_of=meta.part_of,
    )


def _title(uri: str) -> str:
    return PurePosixPath(uri).stem.replace("-", " ").replace("_", " ").capitalize()


def _kind(uri: str) -> str:
    parts = PurePosixPath(uri).parts
    return parts[0] if len(parts) > 1 else "document"
