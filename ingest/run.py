"""THE INGEST FLOW: list → fetch → read → cut → store → build edition N+1 → ask it the questions → publish.

What is being served is never touched: a new edition is built beside it and one pointer moves at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from assistant.ask import Assistant
from assistant.errors import BadSetting, Conflict, CorpusMissing, EmbedderMismatch, NotFound, NotReady
from assistant.golden import read_asked
from assistant.progress import Progress
from assistant.records import Edition
from assistant.settings import Settings
from assistant.wiring import Stores
from ingest.apart import derive_apart
from ingest.build import Derive, build, derive_here, retire
from ingest.collect import Collector, Plan, served_edition, served_plan
from ingest.gate import Gate
from ingest.places import Place
from ingest.progress import Stages
from ingest.report import Note, Report
from ingest.web.client import Web, open_web

Publish = Literal["auto", "never"]
# Of the served documents: when more than this share would go, and not only a few, somebody should look first.
LOST_SHARE, FEW = 0.3, 5


@dataclass(frozen=True)
class Run:
    """One run and its collaborators. `gate` opens the publish gate, None publishes without asking anything; `place` is
    where documents are read and passages embedded, None for here; `derive` makes vectors and BM25 index of an edition;
    `opening` opens it where it is going to be served, so that nobody's question waits for that."""

    stores: Stores
    corpus: Path
    web: Web
    gate: Callable[[], Gate] | None = None
    stages: Stages = field(default_factory=Stages)
    place: Place | None = None
    derive: Derive = derive_here
    opening: Callable[[Edition], object] | None = None

    def plan(self, origins: Sequence[str | Path], remove: Sequence[str] = ()) -> Report:
        """What `ingest` would do and what it would cost. Nothing is stored."""
        plan = self._collect(origins, remove, keep=False)
        report = plan.report
        served = served_edition(self.stores.library)
        known = self.stores.library.chunk_ids(served.number) if served else set()
        report.planned, report.edition = True, served.number if served else 0
        report.documents = len(plan.members)
        kept = self.stores.library.chunk_ids_of(document.digest for document in plan.members.values())
        report.chunks = len(plan.passages | kept)
        report.embedded = len(plan.passages - known)
        report.embed_seconds = self._seconds_to_embed(report.embedded)
        report.seconds = self.stages.seconds
        return report

    def ingest(self, origins: Sequence[str | Path], publish: Publish = "auto", remove: Sequence[str] = ()) -> Report:
        """Bring the served edition up to date with `origins` and publish it; `remove` are uris to leave out.

        Without either, the corpus is meant. Raises CorpusMissing when a path does not exist or nothing at all could be
        read, NotFound for a uri that is not served; then nothing has changed.
        """
        plan = self._collect(origins, remove, keep=True)
        if not plan.members:
            raise CorpusMissing(*_nothing(origins or [self.corpus], plan.report))
        served, report = served_edition(self.stores.library), plan.report
        if served and not plan.differs and self._usable(served):
            edition = served
        else:
            edition = self._built(plan)
            self._publish(served, edition, report, publish)
        report.edition, report.documents, report.chunks = edition.number, edition.documents, edition.chunks
        report.seconds = self.stages.seconds
        return report

    def _collect(self, origins: Sequence[str | Path], remove: Sequence[str], keep: bool) -> Plan:
        library = self.stores.library
        if remove and not origins:
            plan = served_plan(library)
        else:
            plan = Collector(library, self.corpus, self.web, self.stages, keep, self.place).collect(origins)
        for uri in remove:
            _leave_out(uri, plan)
        return plan

    def _usable(self, edition: Edition) -> bool:
        """Whether an edition's vectors are there and of the embedder in force."""
        try:
            self.stores.vectors.open(edition)
        except (NotReady, EmbedderMismatch):
            return False
        return edition.embedder == self.stores.embedder.name

    def _built(self, plan: Plan) -> Edition:
        """The edition of these documents: one that is there already, or a new one."""
        documents = list(plan.members.values())
        known = self.stores.library.same_edition((d.digest for d in documents), self.stores.embedder.name)
        if known and self._usable(known):
            return known
        edition, plan.report.embedded = build(documents, self._builders(), self.stages, self.derive)
        return edition

    def _builders(self) -> Stores:
        """The stores, with the embedder of the place."""
        return replace(self.stores, embedder=self.place.embedder(self.stores.embedder)) if self.place else self.stores

    def _seconds_to_embed(self, passages: int) -> float | None:
        """What embedding took in the last run that embedded anything, for so many passages."""
        for run in self.stores.library.runs.latest():
            last = run["report"] or {}
            if last.get("embedded") and (spent := last.get("seconds", {}).get("embed")):
                return float(round(spent / last["embedded"] * passages, 1))
        return None

    # --- publishing

    def _publish(self, served: Edition | None, edition: Edition, report: Report, publish: Publish) -> None:
        why = ["Publishing was left to you."] if publish == "never" else []
        if served:
            why += [*self._lost(served, report), *self._worse(served, edition, report)]
        report.held = " ".join(why)
        if not report.held:
            if self.opening:
                self.opening(edition)
            self.stores.library.publish(edition.number)
            report.published = True
        if report.published or served:
            retire(self.stores, served)

    def _lost(self, served: Edition, report: Report) -> Iterator[str]:
        if len(report.removed) > max(FEW, LOST_SHARE * served.documents):
            yield f"{len(report.removed)} of {served.documents} documents would go."

    def _worse(self, served: Edition, edition: Edition, report: Report) -> Iterator[str]:
        """Ask both editions the questions; why not to publish the new one."""
        if not self.gate or not self._usable(served):
            missing = "there are no questions" if not self.gate else "the old one cannot be asked"
            report.notes.append(Note(f"edition {edition.number}", f"Its answers were not compared: {missing}."))
            return
        gate = self.gate()
        checked = report.checked = gate.check(served, edition, self.stages)
        if checked.before - checked.after > gate.margin:
            shares = f"{checked.after:.1%} of {checked.questions} questions are answered right, {checked.before:.1%}"
            yield f"{shares} before."


def open_run(
    settings: Settings,
    stores: Stores,
    assistant: Callable[[], Assistant] | None,
    progress: Progress = lambda *_: None,
    *,
    apart: bool = False,
) -> Run:
    """A run as the settings say; `assistant` answers the questions of the publish gate and has the new edition open
    before it is served; None opens the gate; `apart`: editions are built in a process of their own."""
    derive = derive_apart(settings) if apart else derive_here
    run = Run(stores, settings.corpus, open_web(settings), stages=Stages(progress), derive=derive)
    file = settings.asked
    if settings.questions and not (file.is_file() and file.stat().st_size):
        raise BadSetting(f"CLUSTER_TALKS_QUESTIONS={file}: no such file, or an empty one.", "Correct it or remove it.")
    if assistant is None:
        return run

    def opening(edition: Edition) -> None:
        assistant().retriever.index(edition)

    run = replace(run, opening=opening)
    if questions := read_asked(settings):
        kept = settings.data / "checked"
        run = replace(run, gate=lambda: Gate(assistant(), questions, kept, settings.publish_margin))
    return run


def _nothing(origins: Sequence[str | Path], report: Report) -> tuple[str, str]:
    names = ", ".join(map(str, origins))
    if report.failed:
        first = report.failed[0]
        return f"None of the documents below {names} could be read; the first: {first.reason}", first.remedy
    return f"There are no documents below {names}.", "Put documents there; the README lists the formats."


def _leave_out(uri: str, plan: Plan) -> None:
    keys = [key for key in plan.members if key[1] == uri]
    if not keys:
        raise NotFound(f"No document {uri!r} is served.", "GET /api/v1/sources lists those that are.")
    if any(root == "" for root, _ in keys):
        raise Conflict(f"{uri} is a file of the corpus folder.", "Delete the file there and ingest again.")
    for key in keys:
        plan.report.removed.append(plan.members.pop(key).uri)
