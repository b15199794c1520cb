"""The command `cluster-talks`. Each command is thin: settings in, one call, a table or JSON out.

Commands of other parts register themselves through the entry-point group "cluster_talks.commands".
"""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

# The threads of numpy's BLAS wait busily after each product, and take the cores from the models. It is read at numpy's
# import, and set for this program alone, not for those that use the library.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import typer
from rich.markup import escape
from rich.table import Table

from assistant import editions, keys, replay
from assistant.anchors import place
from assistant.backup import commands as backup
from assistant.egress import commands as egress
from assistant.errors import BadRequest, BadSetting, ClusterTalksError
from assistant.options import KeyText, Url
from assistant.settings import PREFIX, Settings, load_settings
from assistant.terminal import Json, open_console, print_error, print_json, progress_bar

if TYPE_CHECKING:
    from assistant.asking import Asker
    from assistant.doctor import Check

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Cited answers about the EU Clusters Talks and innovation procurement.",
)
console = open_console()
UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)
app.add_typer(editions.app, name="editions")
app.add_typer(keys.app, name="keys")
backup.register(app)
egress.register(app)
replay.register(app)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve the page and the API. Example: [bold]cluster-talks serve --port 8080[/]."""
    from assistant.serve import serve as run

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    run(load_settings(**given), console)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What to ask.")] = "",
    language: Annotated[str, typer.Option(help="Of the question; a line of a file has its own.")] = "auto",
    file: Annotated[
        Path | None, typer.Option(help="Ask these questions, a JSON object a line.", exists=True, dir_okay=False)
    ] = None,
    url: Url = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Ask one question, or a file of them. Example: [bold]cluster-talks ask "Who organised the Talk?"[/].

    Example: [bold]cluster-talks ask --file questions.jsonl > answers.jsonl[/], where each line of questions.jsonl is
    such as [bold]{"question": "Who organised the Talk?", "ref": "a"}[/]. Exit status 1 when one could not be asked.
    """
    if file:
        _ask_file(file, question, url, key)
        return
    with _asker(url, key) as asker:
        answer = asker.ask({"question": question, "language": language})
    if as_json:
        print_json(answer)
        return
    console.print(answer["answer"], markup=False)
    for citation in answer["citations"]:
        stands = " › ".join(filter(None, (citation["title"], place(citation["anchor"]))))
        console.print(
            f"[{citation['number']}] {stands}  {citation['url'] or citation['uri']}", markup=False, soft_wrap=True
        )


def _ask_file(file: Path, question: str, url: str, key: str) -> None:
    from assistant.ask_file import ask_file

    if question:
        raise BadRequest("A question and a file came together.", "Give one of them.")
    failed, out = False, sys.stdout  # a progress bar takes what is printed to sys.stdout
    with _asker(url, key) as asker, progress_bar(open_console(stderr=True)) as progress:
        for row in ask_file(file, asker, progress):
            failed = failed or "error" in row
            typer.echo(json.dumps(row), out)
    if failed:
        raise typer.Exit(1)


@app.command()
def search(words: str, count: int = 5, url: Url = "", key: KeyText = "", as_json: Json = False) -> None:
    """Show the passages nearest to some words. Example: [bold]cluster-talks search "turnover requirement"[/]."""
    with _asker(url, key) as asker:
        found = asker.search(words, count)
    if as_json:
        print_json(found)
        return
    for passage in found["passages"]:
        stands = " › ".join((passage["uri"], *passage["anchor"]["heading"]))
        console.print(f"{passage['score']:.2f}  {stands}", markup=False)
        console.print(f"      {passage['text'][:200]}", markup=False, style="dim")


@app.command()
def mcp(url: Url = "", key: KeyText = "") -> None:
    """Offer the documents to an assistant over standard input and output, by the Model Context Protocol.

    Examples: [bold]cluster-talks mcp[/] or [bold]cluster-talks mcp --url https://talks.example.eu[/].
    A running server offers the same at the address /mcp.
    """
    from assistant.mcp.stdio import serve_stdio

    serve_stdio(url, key)


@app.command()
def evaluate(
    file: Annotated[Path, typer.Argument(help="Questions, one JSON object a line.", exists=True, dir_okay=False)],
    failures: Annotated[bool, typer.Option(help="Print each question that went wrong.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write a page to read, compared with the last one of this name.", dir_okay=False)
    ] = None,
    url: Url = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Ask a file of questions and print what was right.

    Example: [bold]cluster-talks evaluate tests/quality/golden.jsonl --report evaluation.html[/].
    """
    from assistant.evaluate import evaluate as run
    from assistant.evaluate import print_result, read_questions
    from assistant.evaluation_report import write_report

    questions = read_questions(file)
    with _asker(url, key) as asker:
        result = run(questions, asker)
    if report:
        write_report(result, file.stem, report)
    if as_json:
        print_json(result.as_dict())
    else:
        print_result(result, console, failures=failures)


@app.command()
def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="First build anew the indexes and vectors that are missing or damaged.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check that the parts work, and say what to do where one does not. Exit status 1 when one is broken.

    Example: [bold]cluster-talks doctor --repair[/], with the server stopped.
    """
    from dataclasses import asdict

    from assistant.doctor import examine

    checks = []
    for check in chain(_repaired() if repair else (), examine(load_settings())):
        checks.append(check)
        if not as_json:
            _show(check)
    if as_json:
        print_json([asdict(check) for check in checks])
    if any(check.state == "broken" for check in checks):
        raise typer.Exit(1)


def _repaired() -> Iterator[Check]:
    """What was mended, told as checks are."""
    from assistant.doctor import Check
    from assistant.repair import repair

    with progress_bar(open_console(stderr=True)) as progress:
        mended = repair(load_settings(), progress)
    for one in mended:
        yield Check("repair", "ok", one.told)
    if not mended:
        yield Check("repair", "ok", "nothing was missing or damaged")


COLOURS = {"ok": "green", "warning": "yellow", "broken": "bold red"}


def _show(check: Check) -> None:
    """What a check found, and what to do on a line of its own."""
    console.print(f"[{COLOURS[check.state]}]{check.state:8}[/] {check.part:9}", end=" ")
    console.print(check.found, markup=False, highlight=False, soft_wrap=True)
    if check.remedy:
        console.print(f"{'':18} {check.remedy}", markup=False, highlight=False, soft_wrap=True)


@app.command("settings")
def show_settings(as_json: Json = False) -> None:
    """Print every setting, what it does and the value in force; of a key or password only that there is one."""
    fields = Settings.model_fields
    rows = [(PREFIX + name.upper(), _hidden(value), fields[name].description) for name, value in load_settings()]
    if as_json:
        print_json([dict(zip(("setting", "value", "description"), row, strict=True)) for row in rows])
        return
    table = Table("setting", "value", "what it does")
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    console.print(table)


def _hidden(value: object) -> object:
    """A value without the password of an address."""
    return re.sub(r"(?<=://)([^:@/]*):[^@/]*@", r"\1:**********@", value) if isinstance(value, str) else value


@contextmanager
def _asker(url: str, key: str) -> Iterator[Asker]:
    from assistant.asking import open_asker, open_remote

    settings = load_settings(**({"key": key} if key else {}))
    with open_remote(url, settings.key.get_secret_value()) if url else open_asker(settings) as asker:
        yield asker


def _told(error: Exception) -> ClusterTalksError | None:
    """What to tell where the data folder or the database cannot be used; None for anything else."""
    from sqlalchemy.exc import OperationalError

    remedy = f"Let this user write there, or set {PREFIX}DATA to another folder."
    if isinstance(error, OSError) and error.errno in UNWRITABLE:
        return BadSetting(f"{error.filename or 'The data folder'} cannot be written: {error.strerror}.", remedy)
    if isinstance(error, OperationalError):
        why = " ".join(str(error.orig).split())
        return BadSetting(f"The library database cannot be used: {why}.", f"{remedy} See {PREFIX}DATABASE_URL, too.")
    return None


def main() -> None:
    """Entry point: commands of all parts, and errors as one clear line."""
    for entry in entry_points(group="cluster_talks.commands"):
        entry.load()(app)
    try:
        app()
    except ClusterTalksError as error:
        print_error(error)
        sys.exit(1)
    except Exception as error:
        if (told := _told(error)) is None:
            raise
        print_error(told)
        sys.exit(1)


if __name__ == "__main__":
    main()
