"""What the next edition will hold: the documents that are found, fetched, read, cut and stored.

The next documents are fetched and read while the one before is cut and stored. A document that cannot be read costs
that document: it is reported, and its last good version stays.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from assistant.errors import NotReady, UnreadableDocument
from assistant.library import Library
from assistant.records import Document, Edition
from ingest.duplicates import near_duplicates
from ingest.fetch import Content, Found, said_of
from ingest.isolate import Nursery
from ingest.listing import Listing, listing
from ingest.places import Place
from ingest.places.made import Made, Wanted, made
from ingest.progress import Stages
from ingest.report import Failure, Note, Report
from ingest.web.client import Web

AHEAD = 8


Key = tuple[str, str]
Begin = Callable[[Wanted], Callable[[], Made]]
T = TypeVar("T")
R = TypeVar("R")


@dataclass
class Plan:
    """The versions that the next edition will hold, by (root, uri)."""

    members: dict[Key, Document] = field(default_factory=dict)
    report: Report = field(default_factory=Report)
    sketches: dict[str, list[int]] = field(default_factory=dict)  # of what is new, by digest
    passages: set[str] = field(default_factory=set)  # of what is new

    @property
    def differs(self) -> bool:
        """Whether it holds anything else than what is served."""
        return bool(self.report.added or self.report.changed or self.report.removed)


@dataclass(frozen=True, slots=True)
class _Obtained:
    """What came of one document: `content` is None when it is as before, `stored` when an earlier run stored it."""

    found: Found
    content: Content | None = None
    digest: str = ""
    stored: Document | None = None
    made: Callable[[], Made] | None = None  # waits for it
    error: UnreadableDocument | None = None


def served_plan(library: Library) -> Plan:
    """The documents that are served now."""
    served = served_edition(library)
    documents = library.documents(served.number) if served else []
    return Plan({(document.root, document.uri): document for document in documents})


def served_edition(library: Library) -> Edition | None:
    """The edition that is served, None before the first."""
    try:
        return library.current()
    except NotReady:
        return None


@dataclass(frozen=True)
class Collector:
    """Brings what is served up to date with some origins; `keep`: stores what is new, else only counts it.

    `place` is where documents are read and cut, None for here.
    """

    library: Library
    corpus: Path
    web: Web
    stages: Stages
    keep: bool
    place: Place | None = None

    def collect(self, origins: Sequence[str | Path]) -> Plan:
        """The plan of the next edition. Raises CorpusMissing when a path does not exist."""
        plan = served_plan(self.library)
        before = dict(plan.members)
        with self.stages.timed("list"):
            listed = listing(origins, self.corpus, self.web, self.library)
        plan.report.failed += listed.failed
        with self.stages.timed("read"), Nursery() as nursery, self.web:
            begin, ahead = (self.place.begin, self.place.ahead) if self.place else (_here(nursery), AHEAD)

            def obtain(found: Found) -> _Obtained:
                return self._obtain(found, before.get((found.root, found.uri)), begin)

            for number, obtained in enumerate(_ahead(obtain, listed.found, ahead), 1):
                self.stages.progress("read", number, len(listed.found))
                self._take(obtained, plan)
        _remove_missing(plan, listed)
        self._compare(plan)
        return plan

    def _obtain(self, found: Found, before: Document | None, begin: Begin) -> _Obtained:
        try:
            content = found.content(before)
            digest = _digest(found, content) if content else ""
            if content is None or (before and before.digest == digest):
                return _Obtained(found, content, digest, before)
            if self.keep and (stored := self.library.version(digest)):
                return _Obtained(found, content, digest, stored)
            return _Obtained(found, content, digest, None, begin(Wanted(found.root, found.uri, digest, content)))
        except UnreadableDocument as error:
            return _Obtained(found, error=error)

    def _take(self, obtained: _Obtained, plan: Plan) -> None:
        report, found = plan.report, obtained.found
        key = (found.root, found.uri)
        before = plan.members.get(key)
        try:
            document = self._document(obtained, plan) or before
        except UnreadableDocument as error:
            report.failed.append(Failure(found.uri, error.detail, error.remedy))
            if getattr(error, "gone", False) and plan.members.pop(key, None):
                report.removed.append(found.uri)
            return
        if document is None or document == before:
            report.unchanged += 1
        else:
            plan.members[key] = document
            (report.changed if before else report.added).append(found.uri)
        if self.keep and obtained.content:
            found.done(obtained.digest, obtained.content)

    def _document(self, obtained: _Obtained, plan: Plan) -> Document | None:
        """The document, stored if it is to be kept; None when it is as before."""
        if obtained.error:
            raise obtained.error
        if obtained.made is None:
            return obtained.stored
        new, report = obtained.made(), plan.report
        document, pieces = new.document, new.pieces
        report.notes += [Note(document.uri, text) for text in new.notes]
        report.read.count(new.anchors)
        plan.passages |= {chunk.id for chunk in pieces.chunks}
        plan.sketches[document.digest] = new.sketch
        if self.keep:
            self.library.add_version(document, pieces.text, pieces.chunks, new.sketch)
        return document

    def _compare(self, plan: Plan) -> None:
        """Note which of the new documents say nearly what another one says."""
        uris = {document.digest: document.uri for document in plan.members.values()}
        sketches = self.library.sketches(uris) | plan.sketches if plan.sketches else {}
        pairs = near_duplicates(plan.sketches, {key: value for key, value in sketches.items() if key in uris})
        plan.report.near_duplicates = sorted((min(uris[a], uris[b]), max(uris[a], uris[b])) for a, b in pairs)


def _here(nursery: Nursery) -> Begin:
    """Documents are read at once, and cut when they are taken."""

    def begin(wanted: Wanted) -> Callable[[], Made]:
        reading = nursery.read(wanted.content.data, wanted.uri, wanted.content.ending)
        return lambda: made(wanted, reading)

    return begin


def _ahead(function: Callable[[T], R], items: Iterable[T], ahead: int) -> Iterator[R]:
    """The results in order, the next `ahead` of them made by another thread meanwhile."""
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(1) as thread:
        try:
            for item in items:
                waiting.append(thread.submit(function, item))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # whoever breaks off waits for the one under way alone
            thread.shutdown(wait=False, cancel_futures=True)


def _digest(found: Found, content: Content) -> str:
    said = said_of({name: value for name, value in content.given.items() if name != "retrieved"})
    name = "\0".join((found.root, found.uri, said, ""))
    return hashlib.sha256(name.encode() + content.data).hexdigest()


def _remove_missing(plan: Plan, listed: Listing) -> None:
    seen = {(found.root, found.uri) for found in listed.found}
    for key in [key for key in plan.members if key not in seen and any(s.covers(*key) for s in listed.scopes)]:
        plan.report.removed.append(plan.members.pop(key).uri)
