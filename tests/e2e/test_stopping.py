"""How the server stops: answers that are on their way arrive, nothing new is taken, what never ends holds nothing up."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from httpx_sse import connect_sse

from assistant.library import Library
from assistant.settings import Settings
from tests.conftest import ROOT, copied, copy_small_corpus, start_server, wait_until_ready

ASKED = 12
AS_BEFORE = (("requested", 1), ("running", 1))  # the next start does both again


def events(client: httpx.Client, question: str, heard: threading.Event) -> list[str]:
    """The names of the events of an answer."""
    names = []
    with connect_sse(client, "POST", "/api/v1/ask/stream", json={"question": question}) as stream:
        for event in stream.iter_sse():
            names.append(event.event)
            heard.set()
    return names


def heartbeat(address: str, heard: threading.Event) -> bool:
    """Listen to the heartbeat of a page as its browser does; true when the server ended it whole."""
    with httpx.stream("GET", f"{address}/gradio_api/heartbeat/x", timeout=60) as stream:
        for _ in stream.iter_lines():
            heard.set()
    return True


def running(library: Library, run: int) -> None:
    """Wait until a run embeds passages."""
    deadline = time.monotonic() + 60
    while library.runs.one(run)["stage"] != "embed":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ask_for_a_long_run(library: Library, corpus: Path) -> int:
    for number in range(2):
        text = f"# Page {number}\n\n" + "\n\n".join(f"Line {line} of page {number} is here." for line in range(300))
        (corpus / f"events/page-{number}.md").write_text(text, encoding="utf-8")
    return library.runs.begin({"do": "ingest", "origins": [], "publish": "auto", "remove": []}, status="requested")


def test_a_server_that_is_stopped_answers_what_was_asked_and_leaves_its_run_to_the_next_start(
    first_edition: Path, tmp_path: Path
) -> None:
    corpus = copy_small_corpus(tmp_path / "corpus")
    with start_server(copied(first_edition, tmp_path), corpus) as server, ThreadPoolExecutor(ASKED + 1) as pool:
        wait_until_ready(server)
        with closing(Library(Settings(data=tmp_path / "data").library_url)) as library:
            heard = threading.Event()
            page = pool.submit(heartbeat, server.address, heard)
            assert heard.wait(30)
            running(library, run := ask_for_a_long_run(library, corpus))
            client, first = server.client(), threading.Event()
            answers = [pool.submit(events, client, f"Who spoke as number {n}?", first) for n in range(ASKED)]
            assert first.wait(30)
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            seen = look_while_it_stops(client)
            assert server.process.wait(30) == 0
            took = time.monotonic() - began
            assert {answer.result()[-1] for answer in answers} == {"done"}
            assert page.result(), "the heartbeat was ended, not cut"
            assert seen == [(503, "stopping"), (503, "The server stops")]
            assert (library.runs.one(run)["status"], library.current().number) in AS_BEFORE
    assert took < 20
    assert "Traceback" not in server.log.read_text()


def look_while_it_stops(client: httpx.Client) -> list[tuple[int, str]]:
    """What a load balancer sees, and what somebody who asks now is told."""
    ready, asked = client.get("/readyz"), client.post("/api/v1/ask", json={"question": "Why?"})
    return [(ready.status_code, ready.json()["status"]), (asked.status_code, asked.json()["title"])]


ENDLESS = """
import sys, time, uvicorn
from starlette.responses import StreamingResponse
from assistant.api.app import create_app
from assistant.api.state import State
from assistant.serve import _Server

def words():
    while True:
        yield "word "
        time.sleep(0.1)

app = create_app(State(), lambda state, app: None)
app.add_route("/words", lambda request: StreamingResponse(words()))
config = uvicorn.Config(app, port=int(sys.argv[1]), log_config=None, timeout_graceful_shutdown=1)
_Server(config, app.state.drain, 100.0).run()
"""


def test_the_second_signal_cuts_what_is_being_answered() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", ENDLESS, str(port)], cwd=ROOT)
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
        listen(f"http://127.0.0.1:{port}/words", process)
    assert process.wait(10) == 0


def listen(address: str, process: subprocess.Popen[bytes]) -> None:
    """Listen, and send both signals once the first words have come."""
    with (
        httpx.Client(timeout=20, transport=httpx.HTTPTransport(retries=9)) as client,
        client.stream("GET", address) as words,
    ):
        for number, _ in enumerate(words.iter_raw()):
            if number < 2:
                process.send_signal(signal.SIGTERM)
