"""What a backup says of itself: the record that is its member manifest.json.

FORMAT counts up when an older program could not restore what a newer one wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version
from pydantic import TypeAdapter, ValidationError

from assistant import __version__
from assistant.errors import ClusterTalksError
from assistant.library.tables import SCHEMA
from assistant.records import Edition

FORMAT = 1
MANIFEST = "manifest.json"
LIBRARY = "library.db"
# Member -> whether every backup has it. Vectors: a row a vector; chunks: whose they are, in the same order.
MEMBERS = {LIBRARY: True, "questions.jsonl": False, "library.secret": False, "vectors.npy": False, "chunks.json": False}


class BadBackup(ClusterTalksError):
    """A file is no backup that can be restored here."""

    status = 400
    title = "The backup cannot be used"


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the backup: bytes, and SHA-256 in hexadecimal."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`made`: UTC; `edition`: the one served, if any; `rows` and `columns` by table; `settings`: names of those that
    were not the default, without their values."""

    format: int
    version: str
    made: str
    edition: Edition | None
    rows: dict[str, int]
    columns: dict[str, list[str]]
    settings: list[str]
    members: dict[str, Member]


_MANIFEST = TypeAdapter(Manifest)
_ANY = TypeAdapter(dict[str, object])


def write_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON."""
    return _MANIFEST.dump_json(manifest, indent=2)


def read_manifest(text: bytes) -> Manifest:
    """The manifest of a backup that this program can restore. Raises BadBackup."""
    try:
        _check_age(_ANY.validate_json(text))
        manifest = _MANIFEST.validate_json(text)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or MANIFEST
        raise BadBackup(f"Its manifest cannot be read: {where}.", "Take another backup.") from error
    if unknown := sorted(_unknown(manifest.columns)):
        raise _newer(f"the library has {unknown[0]}")
    return manifest


def _check_age(told: Mapping[str, object]) -> None:
    """Raise BadBackup when a newer program made the backup."""
    try:
        version = Version(str(told.get("version")))
    except InvalidVersion as error:
        raise BadBackup("Its manifest names no version.", "Take another backup.") from error
    kind = told.get("format")
    if version > Version(__version__) or not isinstance(kind, int) or kind > FORMAT:
        raise _newer(f"version {version}, format {kind}")


def _newer(why: str) -> BadBackup:
    return BadBackup(
        f"It was made by a newer program ({why}); this is {__version__}.", "Install that version, then restore."
    )


def _unknown(columns: Mapping[str, list[str]]) -> set[str]:
    """Tables and columns that this program does not know."""
    known = {name: {column.name for column in table.columns} for name, table in SCHEMA.tables.items()}
    given = {(table, column) for table, there in columns.items() for column in there}
    return {f"{table}.{column}" for table, column in given if column not in known.get(table, set())}
