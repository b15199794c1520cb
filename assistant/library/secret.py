"""A secret of this library, made at first need: marks made with it can be compared, not forged and not read.

It is in a file beside an SQLite library, so a copy of the library alone does not tell what its marks were made of.
Servers that share another database share nothing else: there it is a row of that database.

Another use of the secret gives its marks another `purpose`, so that a mark of one use is none of another.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import tempfile
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError

from assistant.library.opening import unwritable
from assistant.library.tables import SECRETS
from assistant.library.wipe import wipe

SIZE = 32  # bytes
_MINE = SECRETS.c.name == "marks"


class Secret:
    """Marks of texts, the same from every process that serves this library."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def mark(self, purpose: str, *texts: str) -> str:
        """128 bits as 32 hexadecimal digits: an HMAC-SHA256 of all texts in their order."""
        said = json.dumps((purpose, *texts)).encode()
        return hmac.new(self._value, said, hashlib.sha256).hexdigest()[:32]

    @cached_property
    def _value(self) -> bytes:
        database = self._engine.url.database
        if self._engine.dialect.name == "sqlite" and database:
            return self._from_file(Path(database).with_suffix(".secret"))
        return self._from_database()

    def _from_file(self, file: Path) -> bytes:
        """The secret of a file, made where there is none; a row of the database from before moves there."""
        row = self._row()
        if not file.exists():
            try:
                _write(file, row or secrets.token_bytes(SIZE))
            except OSError as error:
                raise unwritable(str(error.strerror)) from error
        value = file.read_bytes()
        if row:
            wipe(self._engine, delete(SECRETS).where(_MINE))
        return value

    def _from_database(self) -> bytes:
        if row := self._row():
            return row
        value = secrets.token_bytes(SIZE)
        try:
            with self._engine.begin() as db:
                db.execute(insert(SECRETS).values(name="marks", value=value))
        except IntegrityError:  # another process was first
            return self._from_database()
        return value

    def _row(self) -> bytes | None:
        with self._engine.connect() as db:
            return db.execute(select(SECRETS.c.value).where(_MINE)).scalar()


def _write(file: Path, value: bytes) -> None:
    """Make a file that only its owner can read, whole or not at all; one that another process made stays."""
    handle, part = tempfile.mkstemp(dir=file.parent, prefix=f"{file.name}.")  # 0600
    try:
        with os.fdopen(handle, "wb") as writing:
            writing.write(value)
            writing.flush()
            os.fsync(handle)
        with suppress(FileExistsError):
            os.link(part, file)
    finally:
        Path(part).unlink()
