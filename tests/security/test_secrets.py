"""What opens something is never told: not in a log line, an error, a response, nor by how long a check takes."""

from __future__ import annotations

import ast
import hmac
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from fastapi.testclient import TestClient
from limits import parse

from assistant import keytext
from assistant.api.app import create_app
from assistant.api.limits import Counts
from assistant.api.state import State
from assistant.errors import ClusterTalksError
from assistant.keys import Keys
from assistant.library import Library
from assistant.settings import Settings
from assistant.vectors import open_vectors
from ingest.listing import is_address
from tests.conftest import ROOT, cluster_talks, environment

SECRET = "Hunter2-of-the-test"
NOWHERE = f"ana:{SECRET}@127.0.0.1:9"
COMPARED = ("digest", "secret", "token", "hashed", "password", "mark")


def told(work: Any) -> str:
    """What comes out of work that fails, its causes too."""
    try:
        work()
    except (ClusterTalksError, OSError) as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "work",
    [
        lambda: Library(f"postgresql+psycopg://{NOWHERE}/talks"),
        lambda: open_vectors(Settings(chroma_url=f"http://{NOWHERE}")),
        lambda: anyio.run(Counts(parse("1/minute"), f"redis://{NOWHERE}/0").hit, "a"),
    ],
    ids=["database", "vectors", "counts"],
)
def test_a_server_that_is_away_is_told_without_its_password(work: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        said = told(work)
    assert said or caplog.records
    assert SECRET not in said + caplog.text


def test_settings_that_cannot_be_used_are_told_without_passwords(tmp_path: Path) -> None:
    env = environment(tmp_path, tmp_path, CLUSTER_TALKS_KEY=SECRET, CLUSTER_TALKS_MODEL_KEY=SECRET)
    done = cluster_talks("settings", "--json", env=env | {"CLUSTER_TALKS_REDIS_URL": f"redis://{NOWHERE}"})
    assert done.returncode == 0
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize("address", [f"https://{NOWHERE}/a", f"http://{NOWHERE}/sitemap.xml"])
def test_an_address_with_a_password_is_refused_before_it_is_kept(tmp_path: Path, address: str) -> None:
    assert is_address(address)
    library = Library(Settings(data=tmp_path).library_url)
    state = State(Settings(data=tmp_path, corpus=tmp_path))
    state.serve(SimpleNamespace(library=library))  # type: ignore[arg-type]
    key = library.keys.create("Ana", "maintainer")[1]
    with TestClient(create_app(state, lambda state, app: None)) as client:
        answer = client.post("/api/v1/ingest", json={"origins": [address]}, headers={"X-API-Key": key})
    assert answer.status_code == 422
    assert SECRET not in answer.text
    assert library.runs.latest(5) == []
    library.close()


def test_an_unknown_key_costs_the_same_steps_as_one_that_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One hash and one comparison that takes as long wherever the difference is, for a wrong and for an unknown key."""
    steps: list[str] = []
    real_hash, real_compare = keytext._scrypt, hmac.compare_digest
    monkeypatch.setattr(keytext, "_scrypt", lambda *given: steps.append("hash") or real_hash(*given))
    monkeypatch.setattr(keytext.hmac, "compare_digest", lambda *given: steps.append("compare") or real_compare(*given))
    library = Library(Settings(data=tmp_path).library_url)
    keys: Keys = library.keys
    _, text = keys.create("Ana", "reader")
    steps.clear()
    counts = []
    for sent in (text[:-3] + "xyz", keytext.new_text()[1], text):
        keys.find(sent)
        counts.append(tuple(steps))
        steps.clear()
    assert counts == [("hash", "compare")] * 3
    library.close()


def test_no_secret_is_compared_sign_by_sign() -> None:
    """`==` stops at the first sign that differs; digests are compared by hmac, or looked up by a hash."""
    found = [
        f"{file.name}:{node.lineno} {ast.unparse(node)}"
        for file in [
            ROOT / "assistant/keys.py",
            ROOT / "assistant/keytext.py",
            *ROOT.glob("assistant/api/acc*.py"),
            ROOT / "ui/staff/session.py",
        ]
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare) and any(isinstance(by, ast.Eq | ast.NotEq) for by in node.ops)
        if any(name in ast.unparse(node).lower() for name in COMPARED) and "_table.c." not in ast.unparse(node)
    ]
    assert found == []
