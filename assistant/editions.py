"""Editions: what there is, what differs, which one is served; the commands `cluster-talks editions …`."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from assistant.errors import ClusterTalksError, NotReady
from assistant.progress import Progress
from assistant.settings import load_settings, make_data
from assistant.terminal import Json, open_console, print_json

if TYPE_CHECKING:
    from assistant.library import Library

app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode="rich",
    help="List, compare, publish, roll back and retire editions. Without a command: list.",
)
console = open_console()
CONTEXT = 1  # lines around a difference
SHORT = 12  # digits of a digest that a table shows; --json has it whole


@dataclass(frozen=True)
class Changed:
    """A document that both editions have with another content; `lines` is a unified diff of its text."""

    uri: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """What the documents of edition `new` have that those of `old` have not, and the other way round."""

    old: int
    new: int
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[Changed, ...] = field(default_factory=tuple)


def difference(library: Library, old: int, new: int) -> Difference:
    """The differences between two editions, also retired ones. Raises NotFound."""
    for number in (old, new):
        library.edition(number)
    before, after = ({d.id: d for d in library.documents(number)} for number in (old, new))
    both = [id_ for id_ in after if id_ in before and before[id_].digest != after[id_].digest]
    return Difference(
        old,
        new,
        added=tuple(document.uri for id_, document in after.items() if id_ not in before),
        removed=tuple(document.uri for id_, document in before.items() if id_ not in after),
        changed=tuple(
            Changed(after[id_].uri, _lines(library.snapshot(id_, old)[1], library.snapshot(id_, new)[1]))
            for id_ in both
        ),
    )


def _lines(old: str, new: str) -> tuple[str, ...]:
    found = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=CONTEXT)
    return tuple(found)[2:]  # without the names of files


@app.callback()
def _default(context: typer.Context, as_json: Json = False) -> None:
    if context.invoked_subcommand is None:
        show(as_json)


@app.command("list")
def show(as_json: Json = False) -> None:
    """List the editions, newest first; the arrow marks the one being served."""
    with _library() as library:
        listed, served = library.editions(), _served(library)
    if as_json:
        print_json([{**asdict(edition), "served": edition.number == served} for edition in listed])
        return
    table = Table("", "edition", "created (UTC)", "documents", "passages", "status", "digest")
    for edition in listed:
        mark = "→" if edition.number == served else ""
        created = edition.created[:16].replace("T", " ")
        counts = map(str, (edition.number, created, edition.documents, edition.chunks))
        table.add_row(mark, *counts, edition.status, (edition.digest or "")[:SHORT])
    console.print(table)


@app.command()
def diff(
    old: Annotated[int, typer.Argument(help="Number of an edition.")],
    new: Annotated[int | None, typer.Argument(help="Another one; default: the one being served.")] = None,
    text: Annotated[bool, typer.Option("--text", help="Show the lines that differ, too.")] = False,
    as_json: Json = False,
) -> None:
    """What differs between two editions. Example: [bold]cluster-talks editions diff 3 4 --text[/]."""
    with _library() as library:
        found = difference(library, old, new or library.current().number)
    if as_json:
        print_json(asdict(found))
        return
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for sign, style, uris in (("+", "green", found.added), ("-", "red", found.removed)):
        for uri in uris:
            console.print(f"{sign} {uri}", style=style, markup=False, highlight=False)
    for changed in found.changed:
        console.print(f"~ {changed.uri}", style="yellow", markup=False, highlight=False)
        for line in changed.lines if text else ():
            console.print(f"    {line}", style=colours.get(line[:1], ""), markup=False, highlight=False)
    console.print(
        f"Edition {found.new} against {found.old}: {len(found.added)} documents added, {len(found.removed)} removed, "
        f"{len(found.changed)} changed."
    )


@app.command()
def publish(edition: Annotated[int, typer.Argument(help="Number of the edition to serve.")]) -> None:
    """Serve this edition from now on; an older one: roll back. Example: [bold]cluster-talks editions publish 3[/]."""
    with _library() as library:
        before = _served(library)
        library.publish(edition)
    console.print(f"Edition {edition} is served now." + (f" Before: edition {before}." if before != edition else ""))


@app.command()
def retire(edition: Annotated[int, typer.Argument(help="Number of the edition to retire.")]) -> None:
    """Remove an edition's vectors and index; what its answers cited can still be read."""
    from assistant.wiring import DataFolder, owned_stores

    settings = load_settings()
    folder = DataFolder(settings.data)
    if folder.served_at():
        with _library() as library:
            library.edition(edition)
            run = library.runs.begin({"do": "retire", "edition": edition}, status="requested")
            wait_for(library, run, folder.served_at)
    else:
        with owned_stores(settings) as stores:
            stores.drop(stores.library.edition(edition).number)
    console.print(f"Edition {edition} is retired.")


def wait_for(
    library: Library, run: int, serving: Callable[[], object], show: Progress = lambda *_: None
) -> dict[str, Any]:
    """The report of a run that the server does, once it is done. Raises ClusterTalksError when it failed or is gone."""
    while (state := library.runs.one(run))["status"] in ("requested", "running"):
        show(state["stage"] or "waiting", round(state["progress"] * 100), 100)
        if not serving():
            raise ClusterTalksError("The server that did the run has stopped.", "Start it: it does the run anew.")
        time.sleep(0.3)
    report: dict[str, Any] = state["report"]
    if state["status"] == "failed":
        error = ClusterTalksError(report["detail"], report["remedy"])
        error.title = report.get("title", error.title)
        raise error
    return report


@contextmanager
def _library() -> Iterator[Library]:
    from assistant.library import Library

    settings = load_settings()
    make_data(settings.data)
    with closing(Library(settings.library_url)) as library:
        yield library


def _served(library: Library) -> int | None:
    try:
        return library.current().number
    except NotReady:
        return None
