"""Library → what the pages show: editions with their runs, feedback with its documents, charts.

Everything is read anew at each request; nothing here changes anything.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from babel.dates import format_date

from assistant.insights import Theme
from assistant.library import Library
from assistant.records import Edition
from ui.staff.charts import Chart

EDITIONS = 40  # the newest, that are shown
RUNS = 100  # the newest, in which the run that built an edition is looked for
PLACE = re.compile(r"^@@ -(\d+).*")
LINES = 200  # of the differences of one document
FEEDBACK = 500
RATINGS = ("helpful", "not helpful")
Row = dict[str, Any]
SHOWS: dict[str, tuple[str, Callable[[Row], object]]] = {  # which feedback is listed, by the word in the address
    "open": ("Open", lambda row: not row["done"] and (row["rating"] == "down" or row["comment"])),
    "down": ("Not helpful", lambda row: row["rating"] == "down"),
    "up": ("Helpful", lambda row: row["rating"] == "up"),
    "all": ("All", lambda row: True),
}
STATES = {  # of an edition, as people read it
    "served": "Served",
    "ready": "Ready",
    "held": "Held back",
    "retired": "Retired",
    "building": "Being built",
}


@dataclass(frozen=True, slots=True)
class Known:
    """An edition with what is known of it: `state` is a key of STATES, `run` built it, `right` is the share of the
    checked questions that it answers right, `up` and `down` are the ratings of its answers."""

    edition: Edition
    state: str
    run: int | None
    held: str
    checked: dict[str, Any] | None
    right: float | None
    up: int
    down: int


def known_editions(library: Library, editions: Sequence[Edition]) -> list[Known]:
    """What is known of these editions. Raises NotReady when none is served."""
    served, built, votes = library.current().number, _built(library), library.feedback.by_edition()
    return [_known(edition, edition.number == served, built, votes.get(edition.number, (0, 0))) for edition in editions]


def _built(library: Library) -> dict[int, dict[str, Any]]:
    """The run that built each edition, by its number: the first that reports it."""
    done = [run for run in library.runs.latest(RUNS) if run["status"] == "done" and is_ingest(run)]
    return {run["report"]["edition"]: run for run in done if not run["report"]["planned"]}


def is_ingest(run: dict[str, Any]) -> bool:
    """Whether a run ingests, and so has a report to read."""
    return bool(run["asked"].get("do", "ingest") == "ingest")


def _right(number: int, built: dict[int, dict[str, Any]]) -> float | None:
    """The share of right answers of an edition. The second one's run asked the first, which had none of its own."""
    if checked := _checked(built.get(number)):
        return float(checked["after"])
    second = _checked(built.get(2)) if number == 1 else None
    return float(second["before"]) if second else None


def _checked(run: dict[str, Any] | None) -> dict[str, Any] | None:
    return run["report"]["checked"] if run else None


def _known(edition: Edition, served: bool, built: dict[int, dict[str, Any]], votes: tuple[int, int]) -> Known:
    run = built.get(edition.number)
    held = run["report"]["held"] if run and not served else ""
    state = "served" if served else "held" if held and edition.status == "ready" else edition.status
    return Known(edition, state, run["id"] if run else None, held, _checked(run), _right(edition.number, built), *votes)


def lines_of(lines: Sequence[str]) -> list[tuple[str, str]]:
    """The first lines of a unified diff as (kind, text): kind is "added", "removed", "place" or "same"."""
    kinds = {"+": "added", "-": "removed", "@": "place"}
    texts = (PLACE.sub(r"Line \1", line) if line.startswith("@") else line[1:] for line in lines[:LINES])
    return [(kinds.get(line[:1], "same"), text) for line, text in zip(lines, texts, strict=False)]


# --- feedback


def feedback(library: Library, show: str) -> tuple[list[Row], dict[str, int]]:
    """The latest feedback of a kind of SHOWS, each with the `title` of its document, and how many each kind has."""
    rows = library.feedback.latest(FEEDBACK)
    counts = {name: sum(bool(wanted(row)) for row in rows) for name, (_, wanted) in SHOWS.items()}
    chosen = [row for row in rows if SHOWS[show][1](row)]
    titles = _titles(library, {row["edition"] for row in chosen if row["document"]})
    return [{**row, "title": titles.get((row["edition"], row["document"]))} for row in chosen], counts


def _titles(library: Library, editions: set[int]) -> dict[tuple[int, str], str]:
    return {(number, document.id): document.title for number in editions for document in library.documents(number)}


# --- charts


def asked_a_week(library: Library) -> Chart:
    """Refused questions a week."""
    weeks = library.missed.by_week()
    return Chart(
        "missed",
        "Questions that were not answered, a week",
        [_week(week) for week, _ in weeks],
        [count for _, count in weeks],
        across="week from",
    )


def rated_a_week(library: Library) -> Chart:
    """Ratings a week: helpful upwards, not helpful downwards."""
    weeks = library.feedback.by_week()
    return Chart(
        "rated",
        "Ratings a week",
        [_week(week) for week, _, _ in weeks],
        [up for _, up, _ in weeks],
        [down for _, _, down in weeks],
        RATINGS,
        across="week from",
    )


def by_edition(editions: Sequence[Known]) -> dict[str, Chart]:
    """Charts over the editions, oldest first: right answers in percent, documents, passages, ratings."""
    rows = list(reversed(editions))
    asked = [(str(row.edition.number), 100 * row.right) for row in rows if row.right is not None]
    numbers = [str(row.edition.number) for row in rows]
    return {
        "right": Chart(
            "right",
            "Checked questions that are answered right",
            [number for number, _ in asked],
            [right for _, right in asked],
            across="edition",
            unit=" %",
        ),
        "documents": Chart("documents", "Documents", numbers, [r.edition.documents for r in rows], across="edition"),
        "passages": Chart("passages", "Passages", numbers, [r.edition.chunks for r in rows], across="edition"),
        "ratings": Chart(
            "ratings",
            "Ratings",
            numbers,
            [row.up for row in rows],
            [row.down for row in rows],
            RATINGS,
            across="edition",
        ),
    }


def trend(theme: Theme) -> str:
    """What the sparkline of a theme says, in words."""
    return f"Asked a week over the last {len(theme.weeks)} weeks: {', '.join(map(str, theme.weeks))}"


def _week(monday: str) -> str:
    return format_date(date.fromisoformat(monday), "d MMM", locale="en")


# --- health


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes: what the data folder holds, what is free beside it."""

    used: int
    free: int


def disk(folder: Path) -> Disk:
    """How much room there is where the data are."""
    return Disk(sum(map(_size, folder.rglob("*"))), shutil.disk_usage(folder).free)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # deleted meanwhile
        return 0
