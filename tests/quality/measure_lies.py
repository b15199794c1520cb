"""What each behaviour of the lying model (`tests/lies.py`, `tests/sayings.py`) gets shown, over nine golden questions.

.venv/bin/python -m tests.quality.measure_lies [BEHAVIOUR ...]
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from tests.fooled import DOCUMENTS, Fooled, copy_documents, fooled, golden
from tests.lies import EDITS
from tests.sayings import SAYINGS

COLUMNS = ("said", "lies said", "shown as generated", "lies shown", "fell back")


def measure(assistant: Fooled, behaviour: str, console: Console) -> Counter[str]:
    """The figures of one behaviour; prints each lie that was shown."""
    counted: Counter[str] = Counter()
    for question in golden().values():
        assistant.lie(behaviour)
        reached = assistant.ask(question)
        told = assistant.liar.told[-1]
        shown = [lie for lie in told.lies if reached.shows(lie)]
        generated = [one["text"] for one in reached.sentences("generated")]
        for lie in shown:
            console.print(f"{behaviour}: {lie!r}", *generated, sep="\n    ", markup=False, highlight=False)
        figures = (len(told.said), len(told.lies), len(generated), len(shown), int(reached.fell_back))
        counted.update(dict(zip(COLUMNS, figures, strict=True)))
    return counted


def main() -> None:
    """Print the table."""
    console = Console(width=140)
    behaviours = sys.argv[1:] or [*EDITS, *(f"half-{name}" for name in EDITS), *SAYINGS]
    table = Table("behaviour", *COLUMNS, box=box.SIMPLE)
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        copy_documents(Path(folder) / "corpus", DOCUMENTS)
        with fooled(Path(folder) / "data", Path(folder) / "corpus") as assistant:
            for behaviour in behaviours:
                counted = measure(assistant, behaviour, console)
                total += counted
                table.add_row(behaviour, *(str(counted[name]) for name in COLUMNS))
    table.add_row("all", *(str(total[name]) for name in COLUMNS))
    console.print(table)


if __name__ == "__main__":
    main()
