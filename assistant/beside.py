"""A folder for the parts of what is being written, on the same disk, that is gone at the end and after a kill."""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from assistant.errors import BadRequest


@contextmanager
def beside(path: Path, prefix: str) -> Iterator[Path]:
    """A folder on the disk of a path, which is gone at the end. Those that a killed process left go, too.
    Raises BadRequest where none can be made."""
    parent = path.absolute().parent
    sweep(parent, prefix)
    try:
        folder, handle = _made(parent, prefix)
    except OSError as error:
        remedy = "Let this user write there, or choose another place."
        raise BadRequest(f"{parent} cannot be written: {error.strerror}.", remedy) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _made(parent: Path, prefix: str) -> tuple[Path, int]:
    """A new folder, and the handle that keeps it for as long as this process lives; where disks know no locks, nothing
    is removed that another process left."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)  # waits for who removes it, not knowing that it is new
        if folder.exists():
            return folder, handle
        os.close(handle)


def _held(folder: Path) -> int | None:
    """A handle with the lock of a folder; None where another process has it."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # gone, or no folder
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def sweep(parent: Path, prefix: str) -> None:
    """Remove the folders of `beside` that nobody keeps any more."""
    for left in parent.glob(f"{glob.escape(prefix)}*"):
        if (handle := _held(left)) is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(handle)
