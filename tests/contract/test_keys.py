"""Keys: shown once, kept only as a digest, refused once revoked; the commands that make them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.errors import BadRequest, NotFound
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


def test_only_a_digest_is_kept(library: Library, tmp_path: Path) -> None:
    _, secret = library.keys.create("Ana", "maintainer")
    assert secret.startswith("ct_")
    assert len(secret) == 46
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("library.db*"))
    assert secret.removeprefix("ct_").encode() not in kept
    assert hashlib.sha256(secret.encode()).hexdigest().encode() in kept


def test_no_two_keys_are_alike(library: Library) -> None:
    assert len({library.keys.create("Ana", "reader")[1] for _ in range(50)}) == 50


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
    with pytest.raises(NotFound, match="no key 7"):
        library.keys.revoke(7)


def test_the_commands(tmp_path: Path) -> None:
    env = environment(tmp_path / "data", tmp_path / "corpus")
    text = cluster_talks("keys", "create", "Ana [x]", env=env).stdout.splitlines()
    assert text[0] == "Key 1, reader, for Ana [x]:"
    assert text[1].startswith("ct_")
    assert "cannot be shown again" in text[2]
    made = json.loads(cluster_talks("keys", "create", "CI", "--role", "maintainer", "--json", env=env).stdout)
    assert (made["id"], made["role"], made["key"][:3]) == (2, "maintainer", "ct_")
    assert json.loads(cluster_talks("keys", "revoke", "1", "--json", env=env).stdout)["revoked"]
    listed = cluster_talks("keys", "list", "--json", env=env).stdout
    assert [(key["name"], bool(key["revoked"])) for key in json.loads(listed)] == [("Ana [x]", True), ("CI", False)]
    assert made["key"] not in listed
    refused = cluster_talks("keys", "create", "Ana", "--role", "owner", env=env)
    assert (refused.returncode, "no role 'owner'" in refused.stderr) == (1, True)


def test_importing_the_commands_does_not_open_a_database_library() -> None:
    code = "import sys, assistant.keys; print('sqlalchemy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False"]
