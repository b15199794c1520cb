"""A day of the real server, heard by `ear.py`: its first start, with an ingest of local files, and what it does for
visitors, programs and staff; then an ingest of the web, which has to be heard.

    PYTHONPATH=FOLDER:. unshare --map-root-user --net .venv/bin/python tests/security/shut_in.py FOLDER alone

FOLDER holds a corpus, and the ear as sitecustomize.py. `alone` says that it runs in a network of its own; then the kernel
counts what would have left, also from code that is not Python. Prints what was heard, counted and answered, as JSON.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
SET_FLAGS, UP = 0x8914, 1
NOT_SENT = ("OutNoRoutes", "Ip6OutNoRoutes", "NoPorts", "Udp6NoPorts")  # no way there; a name server that is not there
QUESTIONS = {
    "en": "On which day was the EU Clusters Talk on innovation procurement?",
    "de": "An welchem Tag fand der EU Clusters Talk zur Innovationsbeschaffung statt?",
    "fr": "Quel jour a eu lieu le EU Clusters Talk sur les achats innovants ?",
}
SEARCH = {"name": "search", "arguments": {"query": "innovation procurement"}}
RPC = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": SEARCH}
CHAT = {"model": "cluster-talks", "messages": [{"role": "user", "content": QUESTIONS["en"]}]}
RATING = {"answer": "a1", "rating": "down", "language": "en", "edition": 1, "comment": "No.", "question": "Who?"}
STEPS: dict[str, tuple[str, str, dict[str, Any]]] = {
    **{f"ask-{lang}": ("POST", "/api/v1/ask", {"json": {"question": text}}) for lang, text in QUESTIONS.items()},
    "stream": ("POST", "/api/v1/ask/stream", {"json": {"question": QUESTIONS["en"]}}),
    "search": ("GET", "/api/v1/search", {"params": {"q": "innovation procurement"}}),
    "sources": ("GET", "/api/v1/sources", {}),
    "feedback": ("POST", "/api/v1/feedback", {"json": RATING}),
    "mcp": ("POST", "/mcp", {"json": RPC, "headers": {"Accept": "application/json, text/event-stream"}}),
    "openai": ("POST", "/v1/chat/completions", {"json": CHAT}),
    "models": ("GET", "/v1/models", {}),
    "metrics": ("GET", "/metrics", {}),
    "docs": ("GET", "/docs", {}),
    "privacy": ("GET", "/privacy", {}),
}
STAFF = ("questions", "feedback", "editions", "quality", "health")
OURS = {"Sec-Fetch-Site": "same-origin"}
NOBODY = "nobody.invalid"
LONGER = float(os.environ.get("EGRESS_SECONDS", "0"))  # for calls that a library makes only after a while


def main(folder: Path, alone: bool) -> dict[str, Any]:
    """The quiet part of the day, and the loud one."""
    os.set_blocking(pipe := os.open(folder / "heard", os.O_RDONLY | os.O_NONBLOCK), False)
    if alone:
        raise_loopback()
    with serving(folder) as client:
        answered = visit(client, folder)
        time.sleep(LONGER)
        quiet = {"heard": heard(pipe), "not_sent": not_sent(), "answered": answered}
        loud = {"heard": call_out(client, pipe, alone), "not_sent": not_sent()}
    subprocess.run(["getent", "hosts", NOBODY], check=False, stdout=subprocess.DEVNULL)
    return {"quiet": quiet, "loud": loud, "native": not_sent()}


def raise_loopback() -> None:
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sH22x", b"lo", UP))


def heard(pipe: int) -> list[Any]:
    """What was told since the last look."""
    said = b""
    try:
        while part := os.read(pipe, 1 << 16):
            said += part
    except BlockingIOError:
        pass
    return [json.loads(line) for line in said.splitlines()]


def not_sent() -> int:
    """How often this network had no way for what somebody wanted to send."""
    old, new = Path("/proc/net/snmp").read_text().splitlines(), Path("/proc/net/snmp6").read_text().splitlines()
    counts = [*zip(" ".join(old[::2]).split(), " ".join(old[1::2]).split(), strict=True), *map(str.split, new)]
    return sum(int(count) for name, count in counts if name in NOT_SENT)


@contextmanager
def serving(folder: Path) -> Iterator[httpx.Client]:
    """A client of the server, from its first start on an empty data folder until it has stopped."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "assistant.cli", "serve", "--port", str(port)]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment(folder), cwd=ROOT, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, verify=False, trust_env=False) as client:
            while not ready(client):
                assert process.poll() is None, (folder / "serve.log").read_text()
                time.sleep(0.05)
            yield client
    finally:
        process.terminate()
        process.wait(30)


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLUSTER_TALKS_")}
    return {**kept, "CLUSTER_TALKS_DATA": str(folder / "data"), "CLUSTER_TALKS_CORPUS": str(folder / "corpus")}


def ready(client: httpx.Client) -> bool:
    try:
        return bool(client.get("/readyz").json().get("page"))
    except httpx.TransportError:
        return False


def visit(client: httpx.Client, folder: Path) -> dict[str, str]:
    """What visitors, programs and staff get, by step."""
    got = {name: asked(client, *step) for name, step in STEPS.items()}
    got["page"] = open_page(client)
    got["page-ask"] = ask_on_page(client, QUESTIONS["en"])
    document = json.loads(got["sources"])["documents"][0]["id"]
    got["source"] = asked(client, "GET", f"/api/v1/sources/{document}/text", {})
    key = key_of(folder)
    asked(client, "POST", "/staff/", {"data": {"key": key}, "headers": OURS})
    got |= {f"staff-{name}": asked(client, "GET", f"/staff/{name}", {"headers": OURS}) for name in STAFF}
    client.headers["Authorization"] = f"Bearer {key}"
    return got


def asked(client: httpx.Client, method: str, path: str, more: dict[str, Any]) -> str:
    """The text of a response that is no failure."""
    response = client.request(method, path, **more)
    assert response.status_code < 400, (path, response.status_code, response.text)
    return response.text


def open_page(client: httpx.Client) -> str:
    """The page, with the scripts, styles and pictures that it names."""
    page = asked(client, "GET", "/", {})
    for path in set(re.findall(r'(?:src|href)="\.?(/[^"]+\.(?:js|css|svg))"', page)):
        asked(client, "GET", path, {})
    return page


def ask_on_page(client: httpx.Client, question: str) -> str:
    """What the page is sent for a question."""
    config = client.get("/config").json()
    box = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "question")
    asking = next(d for d in config["dependencies"] if [box, "submit"] in d["targets"])
    data = [question, *([None] * (len(asking["inputs"]) - 1))]
    body = {"data": data, "fn_index": asking["id"], "session_hash": "day", "trigger_id": box}
    asked(client, "POST", "/gradio_api/queue/join", {"json": body})
    return asked(client, "GET", "/gradio_api/queue/data", {"params": {"session_hash": "day"}})


def key_of(folder: Path) -> str:
    """A new maintainer's key."""
    from assistant.library import Library

    with closing(Library(f"sqlite:///{folder / 'data' / 'library.db'}")) as library:
        return library.keys.create("Ana", "maintainer")[1]


def call_out(client: httpx.Client, pipe: int, alone: bool) -> list[Any]:
    """What is heard when the server is asked to ingest a page of the web, as soon as its look-up was heard and counted."""
    before, told = not_sent(), []
    asked(client, "POST", "/api/v1/ingest", {"json": {"origins": [f"http://{NOBODY}/page"]}})
    while not any(NOBODY in line for line in told) or (alone and not_sent() == before):
        time.sleep(0.02)
        told += heard(pipe)
    return told


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), "alone" in sys.argv)))
