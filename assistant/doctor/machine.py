"""Checks of the machine: versions, clock, room on the disk, who may read and write the data."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from assistant.doctor.warned import Warned
from assistant.errors import BadSetting
from assistant.settings import Settings, folder_bytes

OLDEST = (3, 11)
PACKAGE = "cluster-talks-assistant"
AN_HOUR = 3600
MEGABYTE = 1_000_000
LEAST = 500 * MEGABYTE  # that another edition of a small corpus needs with everything around it
FULL = 50 * MEGABYTE


def settings(settings: Settings) -> str:
    """Where data and documents are."""
    if not settings.corpus.is_dir():
        raise Warned(f"There is no folder of documents at {settings.corpus}.", "Set CLUSTER_TALKS_CORPUS to one.")
    return f"data in {settings.data}, documents in {settings.corpus}"


def python(_: Settings) -> str:
    """Python and the machine it runs on."""
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < OLDEST:
        raise BadSetting(f"Python is {found}.", f"Install Python {OLDEST[0]}.{OLDEST[1]} or newer.")
    return found


def packages(_: Settings) -> str:
    """Whether each package that we need is there and new enough."""
    needed = [Requirement(line) for line in metadata.requires(PACKAGE) or ()]
    needed = [one for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    if wrong := list(_wrong(needed)):
        raise BadSetting(f"Not as needed: {', '.join(wrong)}.", "Install again: make install.")
    return f"{len(needed)} are as needed; this is {PACKAGE} {metadata.version(PACKAGE)}"


def _wrong(needed: list[Requirement]) -> Iterator[str]:
    for one in needed:
        try:
            found = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            yield f"{one.name} is missing"
            continue
        if not one.specifier.contains(found, prereleases=True):
            yield f"{one.name} is {found} and must be {one.specifier}"


def clock(settings: Settings) -> str:
    """Whether the clock is behind what has been written here: periods of validity and keys go by it."""
    files = (Path(__file__), settings.data / "library.db", settings.data / "library.db-wal")
    newest = max(file.stat().st_mtime for file in files if file.exists())
    now = datetime.now(UTC).isoformat(timespec="minutes")
    if time.time() < newest - AN_HOUR:
        raise Warned(f"The clock says {now}, which is before files here were written.", "Set the clock, best by NTP.")
    return now


def disk(settings: Settings) -> str:
    """Whether another edition fits beside those that are kept."""
    free, used = shutil.disk_usage(_there(settings.data)).free, folder_bytes(settings.data)
    editions = max(1, len(list((settings.data / "lexical").glob("*"))))
    need = max(LEAST, 2 * used // editions)
    found = f"{free // MEGABYTE:,} MB free, {used // MEGABYTE:,} MB of data"
    if free < FULL:
        raise BadSetting(f"The disk is full: {found}.", "Make room, or set CLUSTER_TALKS_DATA to another disk.")
    if free < need:
        raise Warned(f"{found}; another edition takes about {need // MEGABYTE:,} MB.", "Make room, or retire editions.")
    return found


def _there(path: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.exists())


def folder(settings: Settings) -> str:
    """Whether the data can be written by us and read by nobody else."""
    data = _there(settings.data)
    if not (data.is_dir() and os.access(data, os.W_OK | os.X_OK)):
        raise BadSetting(f"{data} cannot be written.", "Give its owner to who runs this, or set CLUSTER_TALKS_DATA.")
    if locked := [file.name for file in settings.data.glob("library.db*") if not os.access(file, os.W_OK)]:
        raise BadSetting(f"{', '.join(locked)} cannot be written.", f"Make {data} yours: chown -R.")
    if (settings.data / "library.db").exists() and _open_to_all(settings.data / "library.db"):
        raise Warned(
            f"Every user of this machine can read {settings.data / 'library.db'}, which can hold what people asked.",
            f"chmod -R o-rwx {settings.data}",
        )
    return "can be written" if settings.data.exists() else f"will be made in {data}"


def _open_to_all(file: Path) -> bool:
    """Whether any user can reach and read a file."""
    file = file.absolute()
    reach = all(folder.stat().st_mode & stat.S_IXOTH for folder in file.parents)
    return reach and bool(file.stat().st_mode & stat.S_IROTH)
