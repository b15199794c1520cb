"""The blocks of docs/api.md and docs/mcp.md, run as they stand against the real server: only its address is put in."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import httpx
import pytest

from assistant.keys import ROLES, SCOPES
from assistant.library import Library
from tests.conftest import ROOT, Server

PAGE = ROOT / "docs" / "api.md"
PAGES = (PAGE, ROOT / "docs" / "mcp.md")
HOME = "http://127.0.0.1:8000"
BLOCK = re.compile(r"^## (?P<heading>[^\n]+)$|^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| (\d{3}) \| ([^|]+) \|", re.MULTILINE)
NAMED = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)
COMMANDS = {
    "sh": ["bash", "-euo", "pipefail", "-c"],
    "python": [sys.executable, "-c"],
    "js": ["node", "--input-type=module", "--eval"],
}
SAYS = {  # what the output of a block has in it, by its heading and its place there
    "Ask 1": '"abstained":false',
    "Ask 2": "/read/",
    "Ask 3": "[1]",
    "Sentence by sentence 1": "event: done",
    "Sentence by sentence 2": "Intellectual property",
    "Many questions 1": '"ref": "b"',
    "The same answer again, and feedback 1": "",
    "Search, and the documents 1": '"passages"',
    "With a key 1": "ct_",
    "With a key 2": '"abstained":false',
    "With what you have 1": "[1]",
    "With what you have 2": "Intellectual property",
    "Over HTTP 1": '"isError":false',
    "Over HTTP 2": "---\ntitle: ",
}


def blocks() -> dict[str, tuple[str, str]]:
    """Language and text of each block that can be run."""
    found: dict[str, tuple[str, str]] = {}
    heading, place = "", 0
    for match in BLOCK.finditer("\n".join(page.read_text(encoding="utf-8") for page in PAGES)):
        if match["heading"]:
            heading, place = match["heading"], 0
        elif match["language"] in COMMANDS:
            place += 1
            found[f"{heading} {place}"] = match["language"], match["text"]
    return found


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    library = Library(f"sqlite:///{server.data / 'library.db'}")
    text = library.keys.create("Quick start", "reader", scopes=("ask",))[1]
    library.close()
    return text


def run(block: str, server: Server, key: str) -> subprocess.CompletedProcess[str]:
    language, text = blocks()[block]
    command = [*COMMANDS[language], text.replace(HOME, server.address)]
    env = {**server.environment(), "KEY": key}
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("block", blocks())
def test_a_block_does_what_the_page_says(block: str, server: Server, key: str) -> None:
    if blocks()[block][0] == "js" and not shutil.which("node"):
        pytest.skip("JavaScript is not run: node is not installed here.")
    done = run(block, server, key)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert SAYS[block] in done.stdout


def test_the_table_of_errors_has_every_status_that_the_document_has(server: Server) -> None:
    with server.client() as client:
        document = client.get("/openapi.json").json()
        refused = client.request("PUT", "/api/v1/ask")
    listed = dict(ROW.findall(PAGE.read_text(encoding="utf-8")))
    assert (listed["405"], refused.json()["title"], refused.headers["Allow"]) == ("Method Not Allowed",) * 2 + ("POST",)
    told = {
        (status, content["example"]["title"])
        for methods in document["paths"].values()
        for operation in methods.values()
        for status, response in operation["responses"].items()
        if (content := response.get("content", {}).get("application/problem+json"))
    }
    assert told - {("429", "Too many keys were refused")} == set(listed.items()) - {
        ("405", "Method Not Allowed"),
        ("500", "Something went wrong"),
    }


def test_the_page_lists_every_role_and_scope() -> None:
    assert NAMED.findall(PAGE.read_text(encoding="utf-8")) == [*ROLES, *SCOPES]


def test_a_link_opens_without_a_key_but_not_with_one_for_asking_only(server: Server, key: str) -> None:
    with server.client() as client:
        question, sent = {"question": "Who owns the rights after a PCP?"}, {"X-API-Key": key}
        link = client.post("/api/v1/ask", json=question, headers=sent).json()["citations"][0]["link"]
        assert client.get(link).status_code == 200
        assert client.get(link, headers=sent).status_code == 403


def test_a_path_that_does_not_exist_is_told_as_the_page_says(server: Server) -> None:
    with server.client() as client:
        titles = [client.get(f"/api/v1/sources/{path}").json()["title"] for path in ("x/text", "x/none")]
    assert titles == ["Not found", "Not Found"]


def test_a_repeat_leaves_out_what_the_page_says_and_a_batch_takes_no_notice(server: Server) -> None:
    named, question = {"Idempotency-Key": str(uuid.uuid4())}, {"question": "How long did the Talk last?"}
    with server.client() as client:
        client.post("/api/v1/ask", json=question, headers=named)
        again = client.post("/api/v1/ask", json=question, headers=named)
        ids = {
            client.post("/api/v1/ask/batch", json=[question], headers=named).json()["answer"]["id"] for _ in range(2)
        }
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [again.json()[name] for name in ("question_used", "suggestions", "timings_ms")] == ["", [], {}]
    assert len(ids) == 2


def test_a_last_event_of_another_stream_begins_afresh(server: Server) -> None:
    with server.client() as client:
        known = client.post("/api/v1/ask/stream", json={"question": "How long did the Talk last?"}).text
        last = re.findall(r"^id: (\S+)$", known, re.MULTILINE)[-1]
        other, seen = {"question": "Who organised the Talk?"}, {"Last-Event-ID": last}
        resumed = client.post("/api/v1/ask/stream", json=other, headers=seen).text
    assert "event: status" in resumed and "event: sentence" in resumed
    assert last.partition(".")[0] not in resumed


def test_the_headers_of_the_limit_are_as_the_page_tells(server: Server) -> None:
    response = httpx.get(f"{server.address}/api/v1/search", params={"q": "licence"})
    assert re.fullmatch(r'"default";q=\d+;w=\d+', response.headers["RateLimit-Policy"])
    assert re.fullmatch(r'"default";r=\d+;t=\d+', response.headers["RateLimit"])
    assert response.headers["X-Request-ID"]


def test_the_files_that_the_page_names_are_there() -> None:
    named = re.findall(r"\]\(([\w./]+)\)|`(tests/[\w./]+)`", PAGE.read_text(encoding="utf-8"))
    files = [PAGE.parent / link if link else Path(ROOT, path) for link, path in named]
    assert len(files) == 3
    assert [file for file in files if not file.is_file()] == []
