"""What the terminal shows: the console of every command, and a progress bar with rate and time left.

Options that several commands have in common are types here, such as `Json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from assistant.errors import ClusterTalksError

WIDE = 100_000  # columns: what goes to a file or another program is never wrapped nor cut
LABELS = {"read": "Reading documents", "embed": "Embedding passages", "check": "Asking questions"}


Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def open_console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal, and as wide as its text where it is none."""
    console = Console(stderr=stderr)
    if not console.file.isatty():
        console.width = WIDE
    return console


def print_error(error: ClusterTalksError) -> None:
    """One line on the error output: what is wrong and what to do."""
    open_console(stderr=True).print(
        f"[bold red]{error.title}.[/] {escape(str(error))}", highlight=False, soft_wrap=True
    )


def print_json(value: Any) -> None:  # noqa: ANN401
    """A value as JSON to read and to pipe; what is not JSON as its text."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


class Rate(TextColumn):
    """How many are done a second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        """For example 12/s."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.{0 if speed >= 10 else 1}f}/s" if speed else "")  # noqa: PLR2004


@contextmanager
def progress_bar(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """A function (stage, done, total) that keeps one bar a stage."""
    bars: dict[str, TaskID] = {}
    columns = (TextColumn("{task.description:20}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:

        def show(stage: str, done: int, total: int) -> None:
            if stage not in bars:
                bars[stage] = progress.add_task(LABELS.get(stage, stage), total=total)
            progress.update(bars[stage], completed=done, total=total)

        yield show
