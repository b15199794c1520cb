"""The file of a backup: a zip archive that ends with the SHA-256 of all that stands before.

A backup is read with suspicion: first that sum, so that nothing of a damaged file is interpreted; then the manifest;
then that the members are those it names, no larger than they can honestly be, each with its own sum. A member's name is
one of MEMBERS or the file is refused, so none leads out of the folder it is unpacked into.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from assistant.backup.manifest import MANIFEST, MEMBERS, BadBackup, Manifest, Member, read_manifest, write_manifest
from assistant.progress import Progress

BLOCK = 1 << 20
MARK = b"sha256:"
TAIL = len(MARK) + 64  # bytes of the archive's comment
MANIFEST_MOST = 1_000_000  # bytes
RATIO, SLACK = 200, 10_000_000  # a member may unpack to so many times the file, and so many bytes more
PACKING, CHECKING, UNPACKING = "Packing", "Checking", "Unpacking"
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, struct.error)
ANOTHER = "Take another copy of it, or another backup."


def pack(file: Path, members: Mapping[str, Path], manifest: Manifest, progress: Progress) -> Manifest:
    """Write an archive of these files; the manifest with their sizes and sums, which is its last member."""
    told: dict[str, Member] = {}
    total, done = sum(path.stat().st_size for path in members.values()), 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in members.items():
            progress(PACKING, done, total)
            with path.open("rb") as reading, archive.open(_entry(name), "w", force_zip64=True) as writing:
                told[name] = _copied(reading, writing)
            done += told[name].size
        manifest = replace(manifest, members=told)
        archive.writestr(_entry(MANIFEST), write_manifest(manifest))
        archive.comment = MARK + bytes(64)
    progress(PACKING, total, total)
    _seal(file)
    return manifest


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
    return entry


def _copied(reading: IO[bytes], writing: IO[bytes], most: int | None = None) -> Member:
    """What was copied; it ends where more than `most` bytes come."""
    size, digest = 0, hashlib.sha256()
    while block := reading.read(BLOCK):
        size += len(block)
        if most is not None and size > most:
            break
        digest.update(block)
        writing.write(block)
    return Member(size, digest.hexdigest())


def _seal(file: Path) -> None:
    """Put the sum where the archive's comment leaves room for it."""
    with file.open("r+b") as archive:
        end = archive.seek(-64, os.SEEK_END)
        archive.seek(0)
        archive_sum = _sum(archive, end)
        archive.seek(end)
        archive.write(archive_sum.encode())
        archive.flush()
        os.fsync(archive.fileno())


def _sum(archive: IO[bytes], left: int, progress: Progress = lambda *_: None) -> str:
    digest, whole = hashlib.sha256(), left
    while left > 0 and (block := archive.read(min(BLOCK, left))):
        digest.update(block)
        left -= len(block)
        progress(CHECKING, whole - left, whole)
    return digest.hexdigest()


@dataclass(frozen=True)
class Backup:
    """An archive that is whole, its manifest, and the sizes of its members in bytes."""

    archive: zipfile.ZipFile
    manifest: Manifest

    @property
    def size(self) -> int:
        """Bytes of all members, unpacked."""
        return sum(member.size for member in self.manifest.members.values())

    def unpack(self, folder: Path, progress: Progress) -> None:
        """Write the members into a folder, readable by their owner only. Raises BadBackup."""
        done = 0
        for name, member in self.manifest.members.items():
            progress(UNPACKING, done, self.size)
            self._unpack(name, folder / name)
            done += member.size
        progress(UNPACKING, done, self.size)

    def _unpack(self, name: str, target: Path) -> None:
        member = self.manifest.members[name]
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with _told(), os.fdopen(handle, "wb") as writing, self.archive.open(name) as reading:
            found = _copied(reading, writing, member.size)
            writing.flush()
            os.fsync(handle)
        if found != member:
            raise BadBackup(f"{name} is not as its manifest says.", ANOTHER)


@contextmanager
def open_backup(file: Path, progress: Progress) -> Iterator[Backup]:
    """A backup, with everything checked but what its members hold. Raises BadBackup."""
    with file.open("rb") as whole:
        _check_whole(whole, file.name, progress)
        with _told():
            archive = zipfile.ZipFile(whole)
            manifest = _manifest_of(archive)
            _check_members(archive, manifest, file.stat().st_size)
        yield Backup(archive, manifest)


def _check_whole(file: IO[bytes], name: str, progress: Progress) -> None:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - TAIL, 0))
    tail = file.read()
    file.seek(0)
    if not (file.read(2) == b"PK" and tail.startswith(MARK) and len(tail) == TAIL):
        raise BadBackup(f"{name} is no backup, or its beginning or end is missing.", ANOTHER)
    file.seek(0)
    if _sum(file, size - 64, progress).encode() != tail[len(MARK) :]:
        raise BadBackup(f"{name} has changed since it was written: its checksum is another.", ANOTHER)


def _manifest_of(archive: zipfile.ZipFile) -> Manifest:
    there = [entry for entry in archive.infolist() if entry.filename == MANIFEST]
    if len(there) != 1 or there[0].file_size > MANIFEST_MOST:
        raise BadBackup("It has no manifest that can be read.", ANOTHER)
    return read_manifest(archive.read(there[0]))


def _check_members(archive: zipfile.ZipFile, manifest: Manifest, size: int) -> None:
    entries = [entry for entry in archive.infolist() if entry.filename != MANIFEST]
    if strange := [entry.filename for entry in entries if entry.filename not in manifest.members]:
        raise BadBackup(f"It holds {strange[0]!r}, which its manifest does not name.", ANOTHER)
    if strange := [name for name in manifest.members if name not in MEMBERS]:
        raise BadBackup(f"It names {strange[0]!r}, which belongs in no backup.", ANOTHER)
    needed = {name for name, always in MEMBERS.items() if always} | set(manifest.members)
    if missing := sorted(needed - {entry.filename for entry in entries}):
        raise BadBackup(f"{missing[0]} is missing.", ANOTHER)
    sizes = {entry.filename: entry.file_size for entry in entries}
    if len(sizes) != len(entries) or any(sizes[name] != member.size for name, member in manifest.members.items()):
        raise BadBackup("Its members are not as its manifest says.", ANOTHER)
    if sum(sizes.values()) > RATIO * size + SLACK:
        raise BadBackup(f"It would unpack to {sum(sizes.values()):,} bytes, far more than a backup can.", ANOTHER)


@contextmanager
def _told() -> Iterator[None]:
    """What the zip module reports, as one error."""
    try:
        yield
    except BROKEN as error:
        raise BadBackup(f"It cannot be unpacked: {error}.", ANOTHER) from error
