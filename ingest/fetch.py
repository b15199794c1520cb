"""Getting one document: its bytes, the ending that tells its format, and the front matter that stands beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import yaml

from assistant.errors import UnreadableDocument
from assistant.library import Library
from assistant.records import Document
from ingest.readers.reading import FrontMatter, front_matter
from ingest.web.client import Fetched, NotModified, Stamp, Web

MAX_BYTES = 64_000_000
SIDECARS = (".yaml", ".yml")
MAX_SIDECAR = 20_000  # characters
WRITE_SIDECAR = "Write one `name: value` a line, as in front matter."
UP_TO_DATE = None


@dataclass(frozen=True, slots=True)
class Content:
    """A document's bytes; `ending` tells its format, `given` is front matter that stands beside it."""

    data: bytes
    ending: str
    given: Mapping[str, Any]
    stamp: Stamp | None = None


class Found(Protocol):
    """A document to read. `root` and `uri` name it for good."""

    @property
    def root(self) -> str:
        """What it was found below: "" for the corpus folder, else a folder, a list of sources, or the web."""
        ...

    @property
    def uri(self) -> str:
        """Its name there."""
        ...

    @property
    def given(self) -> Mapping[str, Any]:
        """Front matter that a list of sources says of it."""
        ...

    def content(self, before: Document | None) -> Content | None:
        """Its bytes, or None when they are those of `before`. Raises UnreadableDocument."""
        ...

    def done(self, digest: str, content: Content) -> None:
        """Remember that the content was stored under this digest."""
        ...


# Part of every digest: raise it when readers or cutting change what a document becomes, and all are read again.
RECIPE = "6"


def said_of(given: Mapping[str, Any]) -> str:
    """What besides a document's bytes decides what becomes of it: how it is read, and what is said beside it."""
    return json.dumps([RECIPE, given], sort_keys=True, default=str)


@dataclass(frozen=True, slots=True)
class File:
    """A file on disk."""

    path: Path
    root: str
    uri: str
    given: Mapping[str, Any] = field(default_factory=dict)

    def content(self, before: Document | None = None) -> Content:
        """The file's bytes and its sidecar's front matter."""
        return Content(self.read(), self.path.suffix.lower(), {**self.given, **self._sidecar()})

    def read(self) -> bytes:
        """The file's bytes. Raises UnreadableDocument when it is too large, empty or cannot be opened."""
        if self.path.is_symlink():
            raise UnreadableDocument(f"{self.uri}: a link, and links are not followed.", "Put the file itself there.")
        try:
            size = self.path.stat().st_size
            if size > MAX_BYTES:
                raise UnreadableDocument(f"{self.uri}: {size:,} bytes, over {MAX_BYTES:,}.", "Split the document.")
            data = self.path.read_bytes()
        except OSError as error:
            raise UnreadableDocument(f"{self.uri}: {error.strerror}.", "Check the file and its permissions.") from error
        if not data.strip():
            raise UnreadableDocument(f"{self.uri}: the file is empty.", "Fill it or remove it.")
        return data

    def done(self, digest: str, content: Content) -> None:
        """A file is read every time."""

    def _sidecar(self) -> dict[str, Any]:
        for ending in SIDECARS:
            beside = self.path.with_name(self.path.name + ending)
            if beside.is_file():
                return _front_matter(beside, f"{self.uri}{ending}")
        return {}


def _front_matter(file: Path, uri: str) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        plain = len(text) <= MAX_SIDECAR and not any(isinstance(e, yaml.AliasEvent) for e in yaml.parse(text))
        values = yaml.safe_load(text) if plain else None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UnreadableDocument(f"{uri}: not YAML: {str(error)[:200]}.", WRITE_SIDECAR) from error
    if not isinstance(values, dict):
        raise UnreadableDocument(f"{uri}: it holds no plain names and values.", WRITE_SIDECAR)
    if unknown := [name for name in values if name not in FrontMatter.model_fields]:
        raise UnreadableDocument(f"{uri}: there is no {unknown[0]}.", f"Use {', '.join(FrontMatter.model_fields)}.")
    try:
        front_matter(values)
    except UnreadableDocument as error:
        raise UnreadableDocument(f"{uri}: {error.detail}", error.remedy) from error
    return values


@dataclass(frozen=True, slots=True)
class Page:
    """A document on the web."""

    address: str
    root: str
    web: Web
    library: Library
    given: Mapping[str, Any] = field(default_factory=dict)
    every: timedelta | None = None

    @property
    def uri(self) -> str:
        """The address without its scheme."""
        parts = urlsplit(self.address)
        return f"{parts.netloc}{parts.path}" + (f"?{parts.query}" if parts.query else "")

    def content(self, before: Document | None) -> Content | None:
        """What the server sends, asked for only when it is due and has changed since `before` was read."""
        visit = self.library.visits.last(self.address)
        same = visit and before and (visit["digest"], visit["said"]) == (before.digest, said_of(self.given))
        known = visit if same else None
        if known and self.every and datetime.now(UTC) - datetime.fromisoformat(known["at"]) < self.every:
            return UP_TO_DATE
        fetched = self.web.fetch(self.address, Stamp(known["etag"], known["modified"]) if known else None)
        if isinstance(fetched, NotModified):
            return UP_TO_DATE
        return self._content(fetched)

    def _content(self, fetched: Fetched) -> Content:
        if not fetched.data.strip():
            raise UnreadableDocument(f"{self.uri}: the page is empty.", "Check the address.")
        read_on = {"url": fetched.address, "retrieved": datetime.now(UTC).date()}
        return Content(fetched.data, fetched.ending, {**read_on, **self.given}, fetched.stamp)

    def done(self, digest: str, content: Content) -> None:
        """Remember the server's stamps for the next visit."""
        if content.stamp:
            self.library.visits.note(
                self.address, digest, content.stamp.etag, content.stamp.modified, said_of(self.given)
            )
