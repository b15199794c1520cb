"""Keys: shown once, kept only as a hash, refused once revoked or expired; scopes; the commands that make them."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from assistant import keys, keytext
from assistant.errors import BadRequest, NotFound, Unauthorized
from assistant.library import Library
from tests.conftest import ROOT, cluster_talks, environment


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(f"sqlite:///{tmp_path / 'library.db'}")


def test_a_key_is_found_by_its_secret_until_it_is_revoked(library: Library) -> None:
    made, secret = library.keys.create("Ana", "maintainer")
    other, _ = library.keys.create("Żaneta", "reader")
    assert library.keys.find(secret) == made
    assert library.keys.find(secret[:-1]) is None
    assert library.keys.find("") is None
    revoked = library.keys.revoke(made.id)
    assert revoked.revoked is not None
    assert library.keys.find(secret) is None
    assert library.keys.revoke(made.id) == revoked, "the time of the first revocation stays"
    assert library.keys.all() == [revoked, other]


def sql(library: Path, command: str, *values: object) -> list[tuple[object, ...]]:
    with sqlite3.connect(library / "library.db") as db:
        return db.execute(command, values).fetchall()


def test_only_a_scrypt_hash_is_kept(library: Library, tmp_path: Path) -> None:
    made, text = library.keys.create("Ana", "maintainer")
    _, handle, secret = text.split("_", 2)
    assert (made.handle, len(secret)) == (handle, 43)
    held = b"".join(file.read_bytes() for file in tmp_path.glob("library.db*"))
    assert secret.encode() not in held
    assert hashlib.sha256(text.encode()).hexdigest().encode() not in held
    ((kept,),) = sql(tmp_path, "SELECT digest FROM keys")
    name, log_n, r, p, salt, _ = str(kept).split("$")
    assert (name, log_n, r, p, len(salt)) == ("scrypt", "14", "8", "1", 16)
    assert len(str(kept)) <= 64, "the width of the column"


def test_the_same_text_is_hashed_with_another_salt() -> None:
    _, text = keytext.new_text()
    first, second = keytext.digest(text), keytext.digest(text)
    assert first != second
    assert keytext.matches(text, first)
    assert keytext.matches(text, second)
    assert not keytext.matches(text[:-1] + ("a" if text[-1] != "a" else "b"), first)


def test_no_two_keys_are_alike() -> None:
    made = [keytext.new_text() for _ in range(1000)]
    assert len(set(made)) == len({handle for handle, _ in made}) == 1000


def test_a_key_made_before_opens_still(library: Library, tmp_path: Path) -> None:
    text = "ct_AAAAAAAAAA_" + "b" * 32  # has the look of a handle, but not the length
    assert len(text) == 46
    digest = hashlib.sha256(text.encode()).hexdigest()
    sql(tmp_path, "INSERT INTO keys (name, role, digest, created) VALUES ('Eva', 'staff', ?, '2025-01-01')", digest)
    found = library.keys.find(text)
    assert found is not None
    assert (found.name, found.handle, found.expires, found.scopes) == ("Eva", None, None, ())
    assert library.keys.find("ct_AAAAAAAAAA_" + "c" * 32) is None


def test_a_library_made_before_gets_the_new_columns(tmp_path: Path) -> None:
    sql(
        tmp_path,
        "CREATE TABLE keys (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, role VARCHAR(12) NOT NULL, "
        "digest VARCHAR(64) NOT NULL UNIQUE, created VARCHAR(32) NOT NULL, revoked VARCHAR(32))",
    )
    library = Library(f"sqlite:///{tmp_path / 'library.db'}")
    made, text = library.keys.create("Ana", "reader", scopes=["ask"])
    assert library.keys.find(text) == made
    assert ("ix_keys_handle",) in sql(tmp_path, "SELECT name FROM sqlite_master WHERE type = 'index'")


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The digests that texts are hashed to be compared with."""
    seen: list[str] = []
    real: Callable[[str, str], bool] = keytext.matches
    monkeypatch.setattr(keytext, "matches", lambda text, kept: seen.append(kept) or real(text, kept))
    return seen


def test_a_key_is_hashed_once_and_an_unknown_one_as_much(library: Library, hashes: list[str]) -> None:
    _, text = library.keys.create("Ana", "reader")
    for _ in range(3):
        assert library.keys.find(text)
    assert len(hashes) == 1
    for wrong in (text[:-2] + "xx", keytext.new_text()[1]):  # a known handle, an unknown one
        for _ in range(3):
            assert library.keys.find(wrong) is None
    assert len(hashes) == 3
    for malformed in ("", "x", "ct_", text + "x", text + "\n", "sk-" + text):
        assert library.keys.find(malformed) is None
    assert len(hashes) == 3


def test_a_remembered_key_is_refused_once_revoked_or_expired(
    library: Library, hashes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (leaves, first), (_, second) = library.keys.create("Ana", "reader"), library.keys.create("Eva", "reader", "1d")
    assert library.keys.find(first)
    assert library.keys.find(second)
    library.keys.revoke(leaves.id)
    with pytest.raises(Unauthorized, match="unknown or revoked"):
        library.keys.check(first)
    assert library.keys.usable(leaves.id) is None
    today = datetime.now(UTC).date()
    monkeypatch.setattr(keys, "today", lambda: today + timedelta(days=1))
    assert library.keys.find(second), "its last day"
    monkeypatch.setattr(keys, "today", lambda: today + timedelta(days=2))
    with pytest.raises(Unauthorized, match=f"expired: {today + timedelta(days=1)} was its last day"):
        library.keys.check(second)
    assert len(hashes) == 2


def test_what_is_remembered_is_bounded_and_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keytext, "MOST", 3)
    remembered = keytext.Remembered()
    for n in range(5):
        remembered.add(f"ct_secret{n}", "kept")
    assert [n for n in range(5) if (f"ct_secret{n}", "kept") in remembered] == [2, 3, 4]
    assert ("ct_secret4", "other") not in remembered
    assert "ct_secret" not in repr(vars(remembered))


def test_the_day_of_the_last_use_is_kept(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    _, text = library.keys.create("Ana", "reader", "never")
    assert library.keys.all()[0].used is None
    for day in (date(2030, 1, 31), date(2030, 2, 1)):
        monkeypatch.setattr(keys, "today", lambda day=day: day)
        library.keys.find(text)
        assert library.keys.all()[0].used == day.isoformat()


TODAY = date(2026, 11, 25)
ENDS = {"90d": "2027-02-23", "0d": "2026-11-25", "2027-01-31": "2027-01-31", "never": None, keys.YEAR: "2027-11-25"}


@pytest.mark.parametrize(("text", "day"), ENDS.items())
def test_the_last_day_of_a_key(text: str, day: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "today", lambda: TODAY)
    assert keys.last_day(text) == day


@pytest.mark.parametrize("text", ["", "d", "soon", "-1d", "2026-11-24", "9999999999d", "2027-02-30"])
def test_no_last_day(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "today", lambda: TODAY)
    with pytest.raises(BadRequest):
        keys.last_day(text)


COVERED = (
    ("", "DELETE /api/v1/editions/1", True),
    ("ask", "POST /api/v1/ask", True),
    ("ask", "POST /api/v1/ask/stream", True),
    ("ask", "GET /api/v1/search", False),
    ("ask", "DELETE /api/v1/answers/1", False),
    ("ask", "GET /api/v1/feedback", False),
    ("ask", "GET /", False),
    ("ask search", "GET /read/1", True),
    ("insights", "POST /api/v1/feedback/1/done", True),
    ("insights", "POST /api/v1/feedback", False),
    ("maintain", "POST /api/v1/editions/2/publish", True),
    ("openai", "POST /v1/chat/completions", True),
    ("openai", "POST /api/v1/ask", False),
    ("mcp", "POST /mcp", True),
    ("pages", "GET /", True),
    ("pages", "POST /api/v1/ask", False),
    ("unheard", "POST /api/v1/ask", False),
)


@pytest.mark.parametrize(("scopes", "request_", "covered"), COVERED)
def test_scopes_restrict_a_key(scopes: str, request_: str, covered: bool) -> None:
    key = keys.Key(1, "Ana", "maintainer", "", None, None, None, None, tuple(scopes.split()))
    assert key.covers(request_) is covered


MAY = {"reader": ["reader"], "staff": ["reader", "staff"], "maintainer": ["reader", "staff", "maintainer"]}


@pytest.mark.parametrize("role", MAY)
def test_every_role_may_do_what_the_roles_before_it_may(library: Library, role: str) -> None:
    key, _ = library.keys.create("Ana", role)
    assert [known for known in MAY if key.may(known)] == MAY[role]


def test_what_cannot_be_made_or_revoked_is_said(library: Library) -> None:
    with pytest.raises(BadRequest, match="no role 'admin'"):
        library.keys.create("Ana", "admin")
    with pytest.raises(BadRequest, match="name is empty"):
        library.keys.create("  ", "reader")
    with pytest.raises(BadRequest, match="no scope 'all'"):
        library.keys.create("Ana", "reader", scopes=["all"])
    with pytest.raises(NotFound, match="no key 7"):
        library.keys.revoke(7)


def test_the_commands(tmp_path: Path) -> None:
    env = environment(tmp_path / "data", tmp_path / "corpus")
    text = cluster_talks("keys", "create", "Ana [x]", "--expires", "2099-01-31", env=env).stdout.splitlines()
    assert text[0] == "Key 1, reader, until 2099-01-31, for Ana [x]:"
    assert text[1].startswith("ct_")
    assert "cannot be shown again" in text[2]
    more = ("--role", "maintainer", "--scope", "ask", "--scope", "search", "--json")
    made = json.loads(cluster_talks("keys", "create", "CI", *more, env=env).stdout)
    assert (made["id"], made["role"], made["scopes"], made["key"][:3]) == (2, "maintainer", ["ask", "search"], "ct_")
    assert made["expires"] == (datetime.now(UTC).date() + timedelta(days=365)).isoformat()
    assert json.loads(cluster_talks("keys", "revoke", "1", "--json", env=env).stdout)["revoked"]
    sql(tmp_path / "data", "UPDATE keys SET expires = '2026-01-01' WHERE id = 2")
    listed = cluster_talks("keys", "list", "--json", env=env).stdout
    told = [(key["name"], bool(key["revoked"]), key["expired"]) for key in json.loads(listed)]
    assert told == [("Ana [x]", True, False), ("CI", False, True)]
    assert made["key"] not in listed
    table = cluster_talks("keys", "list", env=env).stdout
    assert made["handle"] in table
    assert "expired" in table
    refused = cluster_talks("keys", "create", "Ana", "--role", "owner", env=env)
    assert (refused.returncode, "no role 'owner'" in refused.stderr) == (1, True)


def test_importing_the_commands_does_not_open_a_database_library() -> None:
    code = "import sys, assistant.keys; print('sqlalchemy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False"]
