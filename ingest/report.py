"""What an ingest run did or would do: as data, in print, and as a page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from rich.console import Console
from rich.table import Table

from assistant.records import Anchor

TEMPLATE = "report.html.jinja"
EXCERPT = 300  # characters of an answer, in print
SHOWN = 20  # lines of each kind, in print


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that could not be read: why, and what to do."""

    uri: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Note:
    """A document that was read, but not all of it."""

    uri: str
    text: str


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """A question whose answer differs between the edition served before and the new one."""

    id: str
    question: str
    before: str
    after: str
    right_before: bool
    right_after: bool


@dataclass
class Checked:
    """The questions that were asked of both editions: share answered right before and after, and what changed."""

    questions: int = 0
    before: float = 0.0
    after: float = 0.0
    changes: list[AnswerChange] = field(default_factory=list)


@dataclass
class Read:
    """How much the documents hold that were read in this run: pages of PDFs, slides, rows, seconds of recordings."""

    pages: int = 0
    slides: int = 0
    rows: int = 0
    seconds: float = 0.0

    def count(self, anchors: Iterable[Anchor]) -> None:
        """Add one document."""
        places = list(anchors)
        self.pages += len({place.page for place in places} - {None})
        self.slides += len({place.slide for place in places} - {None})
        self.rows += len({(place.sheet, place.row) for place in places if place.row is not None})
        self.seconds += max((place.end or 0.0 for place in places), default=0.0)


@dataclass
class Report:
    """Counts and names of one run. `edition` is the one that was built, or is served when nothing changed; `held`
    says why it was not published."""

    edition: int = 0
    published: bool = False
    planned: bool = False
    held: str = ""
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: int = 0
    removed: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    near_duplicates: list[tuple[str, str]] = field(default_factory=list)
    documents: int = 0
    chunks: int = 0
    embedded: int = 0
    embed_seconds: float | None = None  # of a plan: what embedding would take, where that is known
    read: Read = field(default_factory=Read)
    checked: Checked | None = None
    seconds: dict[str, float] = field(default_factory=dict)


def write_report(report: dict[str, Any] | Report, file: Path, created: str) -> None:
    """Write the page of a report to `file`."""
    values = asdict(report) if isinstance(report, Report) else report
    file.write_text(report_page(values, created), encoding="utf-8")


def report_page(report: dict[str, Any], created: str) -> str:
    """A report as one HTML page that needs nothing from outside."""
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    return templates.get_template(TEMPLATE).render(report=report, created=created)


def print_report(report: dict[str, Any], console: Console) -> None:
    """The counts, what happened to each document, and what became of the edition."""
    table = Table("added", "changed", "unchanged", "removed", "failed", "documents", "passages", "to embed")
    counts = [
        report[name] if name == "unchanged" else len(report[name])
        for name in ("added", "changed", "unchanged", "removed", "failed")
    ]
    table.add_row(*map(str, (*counts, report["documents"], report["chunks"], report["embedded"])))
    console.print(table)
    for sign, style, name in (("+", "green", "added"), ("~", "yellow", "changed"), ("-", "red", "removed")):
        for uri in report[name][:SHOWN]:
            console.print(f"{sign} {uri}", style=style, markup=False, highlight=False)
        if len(report[name]) > SHOWN:
            console.print(f"{sign} … {len(report[name]) - SHOWN} more", style=style)
    for failure in report["failed"]:
        reason = failure["reason"].removeprefix(f"{failure['uri']}: ")
        console.print(f"failed: {failure['uri']}: {reason} {failure['remedy']}", style="red", markup=False)
    for note in report["notes"]:
        console.print(f"note: {note['uri']}: {note['text']}", style="yellow", markup=False)
    for one, other in report["near_duplicates"]:
        console.print(f"note: {one} and {other} say nearly the same.", style="yellow", markup=False)
    _print_checked(report, console)
    console.print(_state(report), markup=False)


def _print_checked(report: dict[str, Any], console: Console) -> None:
    if not (checked := report["checked"]):
        return
    console.print(
        f"Of {checked['questions']} questions {checked['before']:.1%} were answered right, now {checked['after']:.1%}; "
        f"{len(checked['changes'])} answers differ."
    )
    for change in checked["changes"][:SHOWN]:
        verdict = {(True, False): "worse", (False, True): "better"}.get(
            (change["right_before"], change["right_after"]), "other words"
        )
        console.print(f"  {verdict}: {change['id']} {change['question']}", markup=False, highlight=False)
        if verdict == "worse":
            for name in ("before", "after"):
                text = " ".join(change[name].split())[:EXCERPT]
                console.print(f"    {name}: {text}", style="dim", markup=False, highlight=False)


def _state(report: dict[str, Any]) -> str:
    seconds = ", ".join(f"{stage} {spent:.1f} s" for stage, spent in report["seconds"].items())
    if report["planned"]:
        cost = report["embed_seconds"]
        about = f", about {cost:.0f} s" if cost is not None else ""
        return f"Nothing was changed. To embed: {report['embedded']} passages{about} ({seconds})."
    number = report["edition"]
    if report["held"]:
        remedy = f"`cluster-talks editions publish {number}` serves it"
        return f"Edition {number} is built but not served: {report['held']} {remedy} ({seconds})."
    return f"Edition {number} {'published' if report['published'] else 'still served, nothing changed'} ({seconds})."
