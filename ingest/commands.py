"""The commands `cluster-talks ingest` and `cluster-talks lint`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from assistant.editions import wait_for
from assistant.errors import Busy, ClusterTalksError
from assistant.settings import Settings, load_settings
from assistant.terminal import open_console, print_json, progress_bar
from ingest.places import HERE, Place, open_place
from ingest.report import print_report, write_report

console = open_console()
HELD = 3  # exit status
LOOK_MS = 1000


class Publishing(StrEnum):
    """What happens to an edition that was built."""

    AUTO = "auto"
    ASK = "ask"
    NEVER = "never"


Origins = Annotated[
    list[str] | None, typer.Argument(help="Files, folders, addresses, sitemaps, lists of sources; default: the corpus.")
]
EXAMPLES = """

Examples:

[bold]cluster-talks ingest --plan[/]   what would change, and what it costs

[bold]cluster-talks ingest[/]   the corpus folder, with its sources.toml

[bold]cluster-talks ingest ~/guidance slides/talk.pptx talk.vtt[/]

[bold]cluster-talks ingest https://example.eu/sitemap.xml --publish ask[/]

[bold]cluster-talks ingest --remove example.eu/old-page[/]

[bold]cluster-talks ingest --on ray:auto[/]   read and embed on the Ray cluster that this machine belongs to
"""


def register(app: typer.Typer) -> None:
    """Add this part's commands to the command line."""
    app.command(epilog=EXAMPLES)(ingest)
    app.command()(lint)


def ingest(
    origins: Origins = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only tell what would be done; change nothing.")] = False,
    publish: Annotated[
        Publishing, typer.Option(help="auto: unless answers get worse; ask: after showing what changes; never.")
    ] = Publishing.AUTO,
    remove: Annotated[list[str] | None, typer.Option(help="Leave out the document of this uri.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, and ingest again whenever files change.")] = False,
    on: Annotated[
        str, typer.Option(help="Where documents are read and passages embedded: here, ray, ray:auto or ray:HOST:PORT.")
    ] = HERE,
    report: Annotated[Path | None, typer.Option(help="Write the report as a page.", dir_okay=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Bring the served documents up to date and publish them as a new edition."""
    out = open_console(stderr=True) if as_json else console
    asked = {
        "do": "ingest",
        "origins": [_whole(origin) for origin in origins or []],
        "plan": plan,
        "publish": "auto" if publish is Publishing.AUTO else "never",
        "remove": remove or [],
    }

    def once() -> dict[str, Any]:
        done = _run(asked, on, out)
        _tell(done, out, report, as_json)
        if publish is Publishing.ASK and done["held"]:
            _publish_if_wanted(done["edition"], out)
        return done

    if watch:
        _watch(list(map(_whole, origins or [])), once, out)
    done = once()
    if done["held"] and publish is Publishing.AUTO:
        raise typer.Exit(HELD)
    if done["failed"]:
        raise typer.Exit(1)


def lint(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders; default: the corpus.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the problems as JSON.")] = False,
) -> None:
    """Check the documents: what to mend, with file and line. Example: [bold]cluster-talks lint corpus/rules[/]."""
    from ingest.lint import lint as run

    problems = run([path.resolve() for path in paths or []], load_settings().corpus)
    if as_json:
        print_json([asdict(problem) for problem in problems])
    else:
        for p in problems:
            console.print(f"{p.file}:{p.line}: {p.rule}: {p.detail}. {p.remedy}", markup=False, soft_wrap=True)
        console.print(f"{len(problems)} problems." if problems else "Nothing to mend.")
    if problems:
        raise typer.Exit(1)


def _whole(origin: str) -> str:
    from ingest.listing import is_address

    return origin if is_address(origin) else str(Path(origin).expanduser().absolute())


def _run(asked: dict[str, Any], on: str, console: Console) -> dict[str, Any]:
    """The report of a run, done here or by the server that owns the data folder. Raises Busy when it should do it on
    another place than here: it goes on while Ray may end the process that has joined it."""
    from assistant.wiring import DataFolder

    settings = load_settings()
    folder = DataFolder(settings.data)
    if folder.served_at():
        if on != HERE:
            raise Busy(f"A server uses {settings.data} and does its runs itself.", "Stop it first, or leave out --on.")
        return _hand_over(settings, asked, console, folder.served_at)
    folder.own()
    try:
        with open_place(on, settings) as place:
            return _run_here(settings, asked, place, console)
    finally:
        folder.release()


def _run_here(settings: Settings, asked: dict[str, Any], place: Place | None, console: Console) -> dict[str, Any]:
    from assistant.runs import Runner, done
    from assistant.wiring import open_assistant, open_stores
    from ingest.run import open_run

    stores = open_stores(settings)
    with closing(stores.library), progress_bar(console) as show:
        runner = Runner(settings, stores, lambda: open_assistant(settings, stores))
        number = None if asked["plan"] else stores.library.runs.begin({**asked, "here": True})
        try:
            run = replace(open_run(settings, stores, runner.assistant, show), place=place, opening=None)
            report = done(run, asked)
        except BaseException as error:
            if number:
                runner.fail(number, error)
            raise
        if number:
            stores.library.runs.update(number, status="done", progress=1.0, report=report)
        return report


def _hand_over(
    settings: Settings, asked: dict[str, Any], console: Console, serving: Callable[[], object]
) -> dict[str, Any]:
    """Let the running server do it: only one process may open the vectors."""
    from assistant.library import Library

    console.print("A server is running and does this run, with its own settings.")
    with closing(Library(settings.library_url)) as library, progress_bar(console) as show:
        return wait_for(library, library.runs.begin(asked, status="requested"), serving, show)


def _publish_if_wanted(edition: int, console: Console) -> None:
    from assistant.library import Library

    if typer.confirm(f"Publish edition {edition}?", err=True):
        with closing(Library(load_settings().library_url)) as library:
            library.publish(edition)
        console.print(f"Edition {edition} is served now.")


def _watch(origins: list[str], once: Callable[[], object], console: Console) -> NoReturn:
    """Ingest, and again after every change of the files, until interrupted; a run that fails is told and waited out."""
    from watchfiles import watch

    paths = [origin for origin in origins if Path(origin).exists()] or [str(load_settings().corpus)]
    changes = watch(*paths, step=200, rust_timeout=LOOK_MS, yield_on_timeout=True)
    next(changes)  # it watches from its first step on: what is saved during a run must not be missed
    while True:
        try:
            once()
        except ClusterTalksError as error:
            console.print(f"{error.title}. {error}", style="red", markup=False)
        console.print(f"Watching {', '.join(paths)}. Stop with Ctrl+C.", markup=False)
        while not next(changes):
            pass


def _tell(report: dict[str, Any], console: Console, file: Path | None, as_json: bool) -> None:
    if file:
        write_report(report, file, f"{datetime.now():%Y-%m-%d %H:%M}")
    if as_json:
        print_json(report)
    else:
        print_report(report, console)
