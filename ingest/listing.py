"""What is to be ingested → the documents there, each with a stable uri, not yet opened.

An origin is a file, a folder, an address of the web, a sitemap, or a list of such (`sources.toml`; one in the corpus
folder is read with it).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from assistant.errors import CorpusMissing, UnreadableDocument
from assistant.library import Library
from assistant.settings import SHIPPED
from ingest.fetch import SIDECARS, File, Found, Page
from ingest.report import Failure
from ingest.web.client import Web
from ingest.web.sitemap import read_sitemap
from ingest.web.sources import Source, read_sources

NOT_DOCUMENTS = {"README.md", "SOURCES.md", "LICENSE", "LICENSE.md", "sources.toml", "questions.jsonl", SHIPPED}
LIST = "sources.toml"
WEB = "web"


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
    try:
        urlsplit(address)
    except ValueError as error:
        listed.failed.append(Failure(address, f"{error}.", "Correct the address."))
        return
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
    listed.found += part.found
    listed.failed += part.failed
    listed.scopes += [scope for scope in part.scopes if not (part.failed and scope.root == root)]


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
