"""The command `cluster-talks egress-report`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict

import typer
from rich.markup import escape
from rich.table import Table

from assistant.egress import Call, calls, notes
from assistant.settings import load_settings
from assistant.terminal import Json, open_console, print_json

WHERE = {True: "inside", False: "outside"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("egress-report")(egress_report)


def egress_report(as_json: Json = False) -> None:
    """List who would be called under the settings in force, what they would get, and when. It calls nobody itself."""
    settings = load_settings()
    made = calls(settings, os.environ)
    said = notes(settings, made)
    if as_json:
        print_json({"called": list(map(asdict, made)), "notes": said})
        return
    console = open_console()
    console.print(_table(made) if made else "Nobody.")
    for note in said:
        console.print(note, markup=False, highlight=False, soft_wrap=True)


def _table(made: Sequence[Call]) -> Table:
    table = Table("who", "where", "setting", "what is sent", "when")
    for call in made:
        table.add_row(*map(escape, (_who(call), WHERE[call.inside], call.setting, call.sent, call.when)))
    return table


def _who(call: Call) -> str:
    host = f"[{call.host}]" if ":" in call.host else call.host
    return host if call.port is None else f"{host}:{call.port}"
