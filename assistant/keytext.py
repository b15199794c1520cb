"""The text of a key: how it is made, what is kept of it, and how a text is compared with that.

`ct_HANDLE_SECRET`: the handle finds the row, the secret proves it. Kept is a scrypt hash with its costs and its salt in
one string of at most 64 characters, the width of its column. Keys made before have no handle, `ct_SECRET`, and are kept
as SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode

PREFIX = "ct_"
HANDLE = 10
LETTERS = string.ascii_letters + string.digits
FORM = re.compile(r"ct_([A-Za-z0-9]{10})_[A-Za-z0-9_-]{43}")
FORM_BEFORE = re.compile(r"ct_[A-Za-z0-9_-]{43}")
LOG_N, R, P = 14, 8, 1  # costs: 16 MiB and some 50 ms a hash
SALT, HASH = 12, 24  # bytes
MOST = 2_000


def new_text() -> tuple[str, str]:
    """A new key: its handle, and the whole text."""
    handle = "".join(secrets.choice(LETTERS) for _ in range(HANDLE))
    return handle, f"{PREFIX}{handle}_{secrets.token_urlsafe(32)}"


def handle_of(text: str) -> str | None:
    """The handle in the text of a key; None where there is none."""
    found = FORM.fullmatch(text)
    return found[1] if found else None


def is_ours(text: str) -> bool:
    """Whether a text has the form of a key."""
    return bool(FORM.fullmatch(text) or FORM_BEFORE.fullmatch(text))


def digest_before(text: str) -> str | None:
    """What was kept of a key without a handle; None where the text is not one."""
    return hashlib.sha256(text.encode()).hexdigest() if FORM_BEFORE.fullmatch(text) else None


def digest(text: str) -> str:
    """What is kept of a key, by costs of today and a new salt."""
    salt = secrets.token_bytes(SALT)
    return _written(salt, _scrypt(text, salt, LOG_N, R, P, HASH))


def digest_of_nothing() -> str:
    """A digest that no text has, as dear to compare with as any."""
    return _written(secrets.token_bytes(SALT), secrets.token_bytes(HASH))


def matches(text: str, kept: str) -> bool:
    """Whether the digest is of this text; takes as long where it is not."""
    if not kept.startswith("scrypt$"):
        return hmac.compare_digest(digest_before(text) or "", kept)
    _, log_n, r, p, salt, hashed = kept.split("$")
    wanted = urlsafe_b64decode(hashed)
    return hmac.compare_digest(_scrypt(text, urlsafe_b64decode(salt), int(log_n), int(r), int(p), len(wanted)), wanted)


class Remembered:
    """Texts that were compared with a digest already, the latest MOST. They are held as HMACs under a secret of this
    process, so nothing in its memory opens anything."""

    def __init__(self) -> None:
        self._secret, self._lock = secrets.token_bytes(32), threading.Lock()
        self._marks: dict[bytes, None] = {}

    def add(self, text: str, kept: str) -> None:
        """Remember a pair; the oldest one goes when there are too many."""
        with self._lock:
            self._marks[self._mark(text, kept)] = None
            if len(self._marks) > MOST:
                del self._marks[next(iter(self._marks))]

    def __contains__(self, pair: tuple[str, str]) -> bool:
        """Whether this text was compared with this digest before."""
        return self._mark(*pair) in self._marks

    def _mark(self, text: str, kept: str) -> bytes:
        return hmac.digest(self._secret, f"{kept} {text}".encode(), "sha256")


def _scrypt(text: str, salt: bytes, log_n: int, r: int, p: int, length: int) -> bytes:
    return hashlib.scrypt(text.encode(), salt=salt, n=2**log_n, r=r, p=p, dklen=length)


def _written(salt: bytes, hashed: bytes) -> str:
    return "$".join(("scrypt", str(LOG_N), str(R), str(P), _base64(salt), _base64(hashed)))


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode()
