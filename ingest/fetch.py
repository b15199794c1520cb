"""What is to be ingested → the documents there, each with a stable uri, and how to get its bytes.

An origin is a file, a folder, an address of the web, a sitemap, or a list of such (`sources.toml`; one in the corpus
folder is read with it). `listing` names the documents without opening them; `Found.content` fetches one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import urlsplit

import yaml

from assistant.errors import CorpusMissing, UnreadableDocument
from assistant.library import Library
from assistant.records import Document
from ingest.readers.reading import FrontMatter, front_matter
from ingest.report import Failure
from ingest.web.client import Fetched, NotModified, Stamp, Web
from ingest.web.sitemap import read_sitemap
from ingest.web.sources import Source, read_sources

MAX_BYTES = 64_000_000
NOT_DOCUMENTS = {"README.md", "SOURCES.md", "LICENSE", "LICENSE.md", "sources.toml", "questions.jsonl"}
LIST = "sources.toml"
SIDECARS = (".yaml", ".yml")
MAX_SIDECAR = 20_000  # characters
WRITE_SIDECAR = "Write one `name: value` a line, as in front matter."
WEB = "web"
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
RECIPE = "4"


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
        visit = self.library.visit(self.address)
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
            self.library.note_visit(
                self.address, digest, content.stamp.etag, content.stamp.modified, said_of(self.given)
            )


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run answers for: documents of `root` whose uri starts with `prefix` and were not found are removed."""

    root: str
    prefix: str = ""
    whole: bool = True

    def covers(self, root: str, uri: str) -> bool:
        """Whether a document that is gone was this scope's to keep."""
        return self.root == root and (uri == self.prefix or (self.whole and uri.startswith(self.prefix)))


@dataclass
class Listing:
    """The documents of some origins, what the run answers for, and which origins could not be listed."""

    found: list[Found] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)


def listing(origins: Sequence[str | Path], corpus: Path, web: Web, library: Library) -> Listing:
    """The documents below `origins` (default: the corpus). Raises CorpusMissing when a path does not exist."""
    listed = Listing()
    for origin in origins or [corpus]:
        if is_address(str(origin)):
            _list_web(str(origin), listed, web, library)
        elif Path(origin).suffix == ".toml":
            _list_sources(Path(origin), corpus, listed, web, library)
        else:
            _list_path(Path(origin), corpus, listed)
            if Path(origin).resolve() == corpus.resolve() and (corpus / LIST).is_file():
                _list_sources_or_tell(corpus, listed, web, library)
    listed.found = _once(listed.found)
    return listed


def _once(found: Sequence[Found]) -> list[Found]:
    """Each document once; of two findings that of which more is said."""
    kept: dict[tuple[str, str], Found] = {}
    for document in found:
        other = kept.get((document.root, document.uri))
        if other is None or len(document.given) > len(other.given):
            kept[document.root, document.uri] = document
    return list(kept.values())


def _list_path(path: Path, corpus: Path, listed: Listing, given: Mapping[str, Any] | None = None) -> None:
    """The files below a path; what of it cannot be looked into is told, and then nothing below it is removed."""
    scope, unseen = scope_of(path, corpus), list[OSError]()
    listed.found += (replace(file, given=given or {}) for file in find([path], corpus, unseen.append))
    listed.failed += (Failure(error.filename, f"{error.strerror}.", "Check its permissions.") for error in unseen)
    if not unseen:
        listed.scopes.append(scope)


def _list_sources_or_tell(corpus: Path, listed: Listing, web: Web, library: Library) -> None:
    """The corpus folder's own list; one that cannot be read costs only what it lists."""
    try:
        _list_sources(corpus / LIST, corpus, listed, web, library)
    except UnreadableDocument as error:
        listed.failed.append(Failure(LIST, error.detail, error.remedy))


def is_address(origin: str) -> bool:
    """Whether an origin is on the web."""
    return origin.startswith(("https://", "http://"))


def _is_sitemap(address: str) -> bool:
    name = PurePosixPath(urlsplit(address).path).name.lower()
    return "sitemap" in name and name.endswith((".xml", ".xml.gz", ".txt"))


def _list_web(address: str, listed: Listing, web: Web, library: Library) -> None:
    if _is_sitemap(address):
        _list_sitemap(Source(address=address), address, listed, web, library)
        return
    page = Page(address, WEB, web, library)
    listed.found.append(page)
    listed.scopes.append(Scope(WEB, page.uri, whole=False))


def _list_sitemap(source: Source, root: str, listed: Listing, web: Web, library: Library) -> None:
    """The pages of a sitemap; when it cannot be had, nothing of its root is removed."""
    try:
        entries = [entry.address for entry in read_sitemap(web, source.address, source.wants)]
    except UnreadableDocument as error:
        listed.failed.append(Failure(source.address, error.detail, error.remedy))
        return
    listed.found += (Page(entry, root, web, library, source.given, source.every) for entry in entries)
    listed.scopes.append(Scope(root))


def _list_sources(file: Path, corpus: Path, listed: Listing, web: Web, library: Library) -> None:
    if not file.is_file():
        raise CorpusMissing(f"{file} does not exist.", "Name a list of sources, a file, a folder or an address.")
    root = file.resolve().relative_to(corpus.resolve()).as_posix() if _inside(file, corpus) else str(file.resolve())
    part = Listing(scopes=[Scope(root)])
    for source in read_sources(file):
        if not is_address(source.address):
            try:
                _list_path(file.parent / source.address, corpus, part, source.given)
            except CorpusMissing as error:
                part.failed.append(Failure(source.address, error.detail, f"Correct {file.name}."))
        elif _is_sitemap(source.address):
            _list_sitemap(source, root, part, web, library)
        else:
            part.found.append(Page(source.address, root, web, library, source.given, source.every))
    broken = any(failure for failure in part.failed)
    listed.found += part.found
    listed.failed += part.failed
    listed.scopes += [scope for scope in part.scopes if not (broken and scope.root == root)]


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def scope_of(path: Path, corpus: Path) -> Scope:
    """Root and prefix of a path that was named. Raises CorpusMissing when it does not exist."""
    if not path.exists():
        raise CorpusMissing(f"{path} does not exist.", "Name a file or folder, or set CLUSTER_TALKS_CORPUS.")
    here, home = path.resolve(), corpus.resolve()
    whole = here.is_dir()
    if here.is_relative_to(home):
        relative = here.relative_to(home).as_posix()
        return Scope("", "" if relative == "." else relative + "/" * whole, whole)
    folder = here if whole else here.parent
    return Scope(str(folder), f"{folder.name}/" if whole else f"{folder.name}/{here.name}", whole)


def find(paths: Sequence[Path], corpus: Path, unseen: Callable[[OSError], None] = lambda _: None) -> Iterator[File]:
    """The files and links below `paths` in a stable order, hidden files and sidecars left aside.

    `unseen` is told of every folder that cannot be looked into.
    """
    for path in paths:
        scope = scope_of(path, corpus)
        base = corpus.resolve() if scope.root == "" else Path(scope.root).parent
        for file in [path.resolve()] if path.is_file() else sorted(_below(path.resolve(), unseen)):
            relative = file.relative_to(base)
            hidden = any(part.startswith(".") for part in relative.parts)
            if (file.is_file() or file.is_symlink()) and not hidden and not _beside(file):
                yield File(file, scope.root, relative.as_posix())


def _below(folder: Path, unseen: Callable[[OSError], None]) -> Iterator[Path]:
    for place, folders, files in os.walk(folder, onerror=unseen):
        yield from (Path(place, name) for name in (*folders, *files))


def _beside(file: Path) -> bool:
    """Whether a file is no document: its folder's own, or front matter of the file beside it."""
    return file.name in NOT_DOCUMENTS or (file.suffix in SIDECARS and file.with_suffix("").is_file())
