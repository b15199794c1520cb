"""The commands `cluster-talks backup` and `cluster-talks restore`."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from assistant.settings import load_settings
from assistant.terminal import Json, open_console, print_json, progress_bar

if TYPE_CHECKING:
    from assistant.backup.manifest import Manifest

MEGABYTE = 1_000_000
File = Annotated[Path, typer.Argument(help="The file of the backup.", dir_okay=False)]
There = Annotated[Path, typer.Argument(help="The file of the backup.", exists=True, dir_okay=False)]

BACKUP_EXAMPLES = """

Examples:

[bold]cluster-talks backup talks.zip[/]   also while the server runs

[bold]cluster-talks backup "talks-$(date +%F).zip" --with-vectors[/]   larger; a restore embeds nothing

[bold]cluster-talks backup talks.zip --force --json[/]   replace the last one; what was done as JSON
"""
RESTORE_EXAMPLES = """

Examples:

[bold]cluster-talks restore talks.zip --check[/]   whether it is whole and can be restored here

[bold]cluster-talks restore talks.zip[/]   into an empty data folder

[bold]CLUSTER_TALKS_DATA=/srv/talks cluster-talks restore talks.zip --force[/]   the old folder is kept beside it
"""


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command(epilog=BACKUP_EXAMPLES)(backup)
    app.command(epilog=RESTORE_EXAMPLES)(restore)


def backup(
    file: File,
    with_vectors: Annotated[
        bool, typer.Option("--with-vectors", help="Vectors, too: no embedding at a restore; not beside a server.")
    ] = False,
    with_secret: Annotated[
        bool, typer.Option("--with-secret", help="The secret of marks, too; docs/backup.md says what it is.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: Json = False,
) -> None:
    """Write the library, with all editions, texts, answers, feedback and keys, to one file."""
    from assistant.backup.make import Extras, make_backup

    out, began = open_console(stderr=as_json), time.perf_counter()
    with progress_bar(out) as show:
        made = make_backup(load_settings(), file, show, Extras(with_vectors, with_secret), force=force)
    seconds = round(time.perf_counter() - began, 1)
    if as_json:
        print_json({"file": made.file, "bytes": made.size, "seconds": seconds, **asdict(made.manifest)})
        return
    _tell(out, made.manifest)
    _say(out, f"Written to {made.file}: {made.size / MEGABYTE:,.1f} MB in {seconds} s.")


def restore(
    file: There,
    check: Annotated[bool, typer.Option("--check", help="Only check the backup; change nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also into a data folder that is not empty; that one is kept beside it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put a backup into the data folder, and build its vectors and indexes. The server must be stopped."""
    out, began = open_console(stderr=as_json), time.perf_counter()
    done: dict[str, Any] = {}
    with progress_bar(out) as show:
        manifest = _checked(file, show) if check else _restored(file, show, force, done)
    done["seconds"] = round(time.perf_counter() - began, 1)
    if as_json:
        print_json({**done, **asdict(manifest)})
        return
    _tell(out, manifest)
    _say(out, _done(done, check))


def _checked(file: Path, show: Any) -> Manifest:  # noqa: ANN401
    from assistant.backup.restore import check_backup

    return check_backup(file, show)


def _restored(file: Path, show: Any, force: bool, done: dict[str, Any]) -> Manifest:  # noqa: ANN401
    from assistant.backup.restore import restore_backup

    restored = restore_backup(load_settings(), file, show, force=force)
    done.update(data=restored.data, kept=restored.kept, embedded=restored.embedded)
    return restored.manifest


def _done(done: dict[str, Any], check: bool) -> str:
    if check:
        return f"The backup is whole and can be restored here. Checked in {done['seconds']} s; nothing was changed."
    kept = f" What was there is in {done['kept']}." if done["kept"] else ""
    return f"Restored to {done['data']} in {done['seconds']} s; {done['embedded']} passages embedded.{kept}"


def _tell(console: Console, manifest: Manifest) -> None:
    rows, served = manifest.rows, manifest.edition
    edition = f"edition {served.number} served" if served else "no edition served"
    _say(
        console,
        f"Of {manifest.made}, version {manifest.version}: {edition}, {rows.get('editions', 0)} editions, "
        f"{rows.get('versions', 0)} texts, {rows.get('answers', 0)} answers, {rows.get('feedback', 0)} ratings, "
        f"{rows.get('keys', 0)} keys. With it: {', '.join(manifest.members)}.",
    )
    if manifest.settings:
        _say(console, f"Settings that were not the default: {', '.join(manifest.settings)}.")


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
