"""The blocks of docs/api.md, run as they stand against the real server: only its address is put in."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from assistant.library import Library
from tests.conftest import ROOT, Server

PAGE = ROOT / "docs" / "api.md"
HOME = "http://127.0.0.1:8000"
BLOCK = re.compile(r"^## (?P<heading>[^\n]+)$|^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| (\d{3}) \| ([^|]+) \|", re.MULTILINE)
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
}


def blocks() -> dict[str, tuple[str, str]]:
    """Language and text of each block."""
    found: dict[str, tuple[str, str]] = {}
    heading, place = "", 0
    for match in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        if match["heading"]:
            heading, place = match["heading"], 0
        else:
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
