"""A secret of this library, made at first need: marks made with it can be compared, not forged and not read.

Another use of the secret gives its marks another `purpose`, so that a mark of one use is none of another.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from functools import cached_property

from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from assistant.library.tables import SECRETS


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
        kept = select(SECRETS.c.value).where(SECRETS.c.name == "marks")
        try:
            with self._engine.begin() as db:
                if (value := db.execute(kept).scalar()) is None:
                    value = secrets.token_bytes(32)
                    db.execute(insert(SECRETS).values(name="marks", value=value))
                return bytes(value)
        except IntegrityError:  # another process was first
            with self._engine.connect() as db:
                return bytes(db.execute(kept).scalar_one())
