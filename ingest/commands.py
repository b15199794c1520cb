"""The command `cluster-talks ingest`."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from assistant.errors import ClusterTalksError
from assistant.settings import load_settings
from assistant.terminal import progress_bar


def register(app: typer.Typer, console: Console) -> None:
    """Add this part's commands to the command line."""

    @app.command()
    def ingest(
        paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders; default: the corpus.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    ) -> None:
        """Bring the served documents up to date and publish them as a new edition.

        Examples: [bold]cluster-talks ingest[/], [bold]cluster-talks ingest ~/guidance slides/talk.md[/]
        """
        report = _run([path.resolve() for path in paths or []], Console(stderr=True) if as_json else console)
        if as_json:
            typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
        else:
            _print(report, console)
        if report["failed"]:
            raise typer.Exit(1)

    @app.command()
    def lint(
        paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders; default: the corpus.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print the problems as JSON.")] = False,
    ) -> None:
        """Check the documents: what to mend, with file and line. Example: [bold]cluster-talks lint corpus/rules[/]."""
        from ingest.lint import lint as run

        problems = run([path.resolve() for path in paths or []], load_settings().corpus)
        if as_json:
            typer.echo(json.dumps([asdict(problem) for problem in problems], ensure_ascii=False, indent=2))
        else:
            for p in problems:
                console.print(f"{p.file}:{p.line}: {p.rule}: {p.detail}. {p.remedy}", markup=False, soft_wrap=True)
            console.print(f"{len(problems)} problems." if problems else "Nothing to mend.")
        if problems:
            raise typer.Exit(1)


def _run(paths: list[Path], console: Console) -> dict[str, Any]:
    from assistant.wiring import DataFolder, open_stores

    settings = load_settings()
    folder = DataFolder(settings.data)
    if folder.served_at():
        return _hand_over(settings.library_url, paths, console)
    folder.own()
    try:
        from ingest.run import ingest

        with progress_bar(console) as show:
            return asdict(ingest(paths, stores=open_stores(settings), corpus=settings.corpus, progress=show))
    finally:
        folder.release()


def _hand_over(library_url: str, paths: list[Path], console: Console) -> dict[str, Any]:
    """Let the running server do it: only one process may open the vectors."""
    from assistant.library import Library

    library = Library(library_url)
    number = library.begin_run({"paths": [str(path) for path in paths]}, status="requested")
    console.print("A server is running and does this run.")
    with progress_bar(console) as show:
        while (run := library.run(number))["status"] in ("requested", "running"):
            show(run["stage"] or "waiting", round(run["progress"] * 100), 100)
            time.sleep(0.3)
    report: dict[str, Any] = run["report"]
    if run["status"] == "failed":
        raise ClusterTalksError(report["detail"], report["remedy"])
    return report


def _print(report: dict[str, Any], console: Console) -> None:
    table = Table("added", "changed", "unchanged", "removed", "failed", "documents", "passages", "embedded")
    counts = [
        report[name] if name == "unchanged" else len(report[name])
        for name in ("added", "changed", "unchanged", "removed", "failed")
    ]
    table.add_row(*map(str, (*counts, report["documents"], report["chunks"], report["embedded"])))
    console.print(table)
    for failure in report["failed"]:
        console.print(f"failed: {failure['uri']}: {failure['reason']} {failure['remedy']}", style="red", markup=False)
    state = "published" if report["published"] else "still served, nothing changed"
    seconds = ", ".join(f"{stage} {spent} s" for stage, spent in report["seconds"].items())
    console.print(f"Edition {report['edition']} {state} ({seconds}).")
