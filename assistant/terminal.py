"""What the terminal shows: one console, and a progress bar with rate and time left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

LABELS = {"read": "Reading documents", "embed": "Embedding passages", "check": "Asking questions"}


Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


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
