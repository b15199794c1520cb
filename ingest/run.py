"""THE INGEST FLOW: find → read → cut → store → embed what is new → vectors and BM25 of edition N+1 → publish.

What is being served is never touched: a new edition is built beside it and one pointer moves at the end. A document
that cannot be read costs that document: it is reported, and its last good version stays.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath

from assistant.errors import CorpusMissing, NotReady, UnreadableDocument
from assistant.language import detect_language
from assistant.lexical import build_lexical
from assistant.records import Chunk, Document, Edition, Period
from assistant.vectors import EditionVectors, Embedded, Row
from assistant.wiring import Stores
from ingest.cut import cut
from ingest.fetch import Found, Scope, find, scope_of
from ingest.readers import read
from ingest.report import Failure, Report

# Part of every digest: raise it when readers or cutting change what a document becomes, and all are read again.
RECIPE = "3"
KEPT_EDITIONS = 3
EMBED_BATCH = 64

Progress = Callable[[str, int, int], None]


@dataclass
class _Plan:
    """The versions that the next edition will hold, by (root, uri)."""

    members: dict[tuple[str, str], Document] = field(default_factory=dict)
    report: Report = field(default_factory=Report)

    @property
    def differs(self) -> bool:
        return bool(self.report.added or self.report.changed or self.report.removed)


def ingest(paths: Sequence[Path], *, stores: Stores, corpus: Path, progress: Progress = lambda *_: None) -> Report:
    """Bring the served edition up to date with `paths` (default: the corpus) and publish it.

    Raises CorpusMissing when a path does not exist or when nothing at all could be read; then nothing has changed.
    """
    seconds: dict[str, float] = {}
    served = _served(stores)
    with _timed(seconds, "read"):
        plan = _read_all(paths or [corpus], stores, corpus, served, progress)
    if not plan.members:
        raise CorpusMissing(*_nothing(paths or [corpus], plan.report))
    report = plan.report
    if served and not plan.differs and served.embedder == stores.embedder.name:
        report.edition, report.documents, report.chunks = served.number, served.documents, served.chunks
    else:
        edition = _build(plan, stores, served, seconds, progress)
        report.edition, report.documents, report.chunks = edition.number, edition.documents, edition.chunks
        report.published = True
        _retire(stores)
    report.seconds = {stage: round(spent, 2) for stage, spent in seconds.items()}
    return report


def _served(stores: Stores) -> Edition | None:
    try:
        return stores.library.current()
    except NotReady:
        return None


def _nothing(paths: Sequence[Path], report: Report) -> tuple[str, str]:
    names = ", ".join(map(str, paths))
    if report.failed:
        first = report.failed[0]
        return f"None of the documents below {names} could be read; the first: {first.reason}", first.remedy
    return f"There are no documents below {names}.", "Put Markdown, text or HTML files there."


def _read_all(paths: Sequence[Path], stores: Stores, corpus: Path, served: Edition | None, progress: Progress) -> _Plan:
    scopes = [scope_of(path, corpus) for path in paths]
    before = {(d.root, d.uri): d for d in stores.library.documents(served.number)} if served else {}
    plan = _Plan(members=dict(before))
    files = list(find(paths, corpus))
    for number, found in enumerate(files, 1):
        progress("read", number, len(files))
        try:
            _read_one(found, stores, before.get((found.root, found.uri)), plan)
        except UnreadableDocument as error:
            plan.report.failed.append(Failure(found.uri, error.detail, error.remedy))
    _remove_missing(plan, scopes, {(found.root, found.uri) for found in files})
    return plan


def _read_one(found: Found, stores: Stores, before: Document | None, plan: _Plan) -> None:
    data = found.read()
    digest = hashlib.sha256("\0".join((RECIPE, found.root, found.uri, "")).encode() + data).hexdigest()
    if before and before.digest == digest:
        plan.report.unchanged += 1
        return
    reading = read(data, found.uri)
    meta = reading.meta
    document = Document(
        id=hashlib.sha256(f"{found.root}\0{found.uri}".encode()).hexdigest()[:16],
        uri=found.uri,
        title=meta.title or _title(found.uri),
        digest=digest,
        root=found.root,
        kind=meta.kind or _kind(found.uri),
        language=meta.language or detect_language(" ".join(s.text for s in reading.sections[:5])[:2000]),
        url=meta.url,
        publisher=meta.publisher,
        licence=meta.licence,
        retrieved=meta.retrieved,
        period=Period(meta.valid_from, meta.valid_until),
        supersedes=meta.supersedes,
        event_date=meta.event_date,
        topics=meta.topics,
    )
    if not stores.library.known([digest]):
        pieces = cut(document, reading.sections)
        stores.library.add_version(document, pieces.text, pieces.chunks)
    plan.members[found.root, found.uri] = document
    (plan.report.changed if before else plan.report.added).append(found.uri)


def _title(uri: str) -> str:
    return PurePosixPath(uri).stem.replace("-", " ").replace("_", " ").capitalize()


def _kind(uri: str) -> str:
    parts = PurePosixPath(uri).parts
    return parts[0] if len(parts) > 1 else "document"


def _remove_missing(plan: _Plan, scopes: Sequence[Scope], seen: set[tuple[str, str]]) -> None:
    for key in [key for key in plan.members if key not in seen and any(scope.covers(*key) for scope in scopes)]:
        plan.report.removed.append(plan.members.pop(key).uri)


def _build(
    plan: _Plan, stores: Stores, served: Edition | None, seconds: dict[str, float], progress: Progress
) -> Edition:
    library, embedder = stores.library, stores.embedder
    number = library.begin_edition(embedder.name, embedder.dimension)
    try:
        library.add_members(number, [document.digest for document in plan.members.values()])
        passages = list(library.all_chunks(number))
        vectors = stores.vectors.create(library.edition(number))
        before = _vectors_of(served, stores)
        with _timed(seconds, "embed"):
            plan.report.embedded = _fill(vectors, before, passages, stores, progress)
        with _timed(seconds, "index"):
            build_lexical(stores.lexical_folder(number), passages).close()
        library.publish(number)
    except BaseException:
        stores.drop(number)
        raise
    return library.edition(number)


def _vectors_of(served: Edition | None, stores: Stores) -> EditionVectors | None:
    """The vectors that the next edition can copy from, None where another model or an older program made them."""
    try:
        return stores.vectors.open(served) if served and served.embedder == stores.embedder.name else None
    except NotReady:
        return None


def _fill(
    vectors: EditionVectors,
    before: EditionVectors | None,
    passages: list[tuple[Chunk, Document]],
    stores: Stores,
    progress: Progress,
) -> int:
    """Store every passage's vectors, copied from the edition before where the content is the same."""
    embedded = 0
    for start in range(0, len(passages), EMBED_BATCH):
        progress("embed", start, len(passages))
        part = passages[start : start + EMBED_BATCH]
        known = before.stored([chunk for chunk, _ in part]) if before else {}
        new = [(chunk, document) for chunk, document in part if chunk.id not in known]
        known |= dict(zip((chunk.id for chunk, _ in new), _embed(new, stores), strict=True))
        vectors.add([Row(chunk, document, known[chunk.id]) for chunk, document in part])
        embedded += len(new)
    progress("embed", len(passages), len(passages))
    return embedded


def _embed(passages: Sequence[tuple[Chunk, Document]], stores: Stores) -> Iterator[Embedded]:
    """The vectors of each passage; the headings join the embedded text of the passage and of its units."""
    texts: list[str] = []
    for chunk, document in passages:
        context = chunk.anchor.heading[-1] if chunk.anchor.heading else document.title
        texts.append(f"{document.title}. {' '.join(chunk.anchor.heading)}\n{chunk.text}")
        texts += [f"{context} {chunk.unit_text(index)}" for index in range(len(chunk.units))]
        texts += chunk.asked
    vectors = iter(stores.embedder.embed_documents(texts) if texts else [])
    for chunk, _ in passages:
        yield Embedded(next(vectors), list(islice(vectors, len(chunk.units))), list(islice(vectors, len(chunk.asked))))


def _retire(stores: Stores) -> None:
    """Drop the vectors and indexes of all but the newest editions; the library keeps the text they cited."""
    ready = [edition.number for edition in stores.library.editions() if edition.status == "ready"]
    for number in ready[KEPT_EDITIONS:]:
        stores.drop(number)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - began
