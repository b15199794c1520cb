"""What goes on while a server is killed: each worker is a function that does one thing and gets it acknowledged.

To add one: write a function of the site, add a line to WORKERS.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.faults.ledger import Ledger, Refused
from tests.faults.started import Home, Started

API = "/api/v1"
PAGE = "events/okapi.md"
OKAPI = "# The okapi\n\nThe okapi of the zoo eats {count} kilograms of leaves a day.\n"
QUESTION = "How many kilograms of leaves does the okapi of the zoo eat a day?"
EATS = re.compile(r"eats (\d+) kilograms")


@dataclass
class Site:
    """A home with its server, a maintainer's key, and what is known of both."""

    home: Home
    ledger: Ledger
    chance: random.Random
    key: str = ""
    port: int = 0
    count: int = 1  # what the newest page says
    commands: list[Started] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=30, verify=False)

    def command(self, *arguments: str) -> dict[str, Any]:
        """What a command that ended well printed as JSON. Raises Broken for one that did not end well."""
        out = f"command-{uuid.uuid4().hex}"
        self.commands.append(started := self.home.start(*arguments, "--json", out=out))
        if started.wait() != 0:
            if not self.over.is_set():
                self.ledger.faults.append(f"{arguments[0]} failed: {started.log[-300:]}")
            raise Broken
        return dict(json.loads(started.out.read_text(encoding="utf-8")))


class Broken(Exception):
    """A command was killed."""


def said(text: str) -> int:
    """How many kilograms a text tells of, 0 for none."""
    found = EATS.search(text)
    return int(found[1]) if found else 0


def asked(client: httpx.Client, key: str) -> dict[str, Any]:
    """The answer to the question, of a request that names itself."""
    response = client.post(f"{API}/ask", json={"question": QUESTION}, headers={"Idempotency-Key": key})
    return dict(well(response).json())


def well(response: httpx.Response) -> httpx.Response:
    """The response, if it is none of an error. Raises Refused for what the state does not allow."""
    if response.status_code in (404, 409):
        raise Refused(response.text)
    response.raise_for_status()
    return response


# --- workers


def visit(site: Site, client: httpx.Client) -> None:
    """Ask, and rate the answer."""
    key = uuid.uuid4().hex
    with site.ledger.doing("answer", key) as deed:
        answer = asked(client, key)
        deed.value = (key, answer["id"])
    site.ledger.said.setdefault(answer["edition"], set()).add(said(answer["answer"]))
    rating = {"answer": answer["id"], "rating": "down", "language": "en", "edition": answer["edition"]}
    with site.ledger.doing("rating", answer["id"]) as deed:
        well(client.post(f"{API}/feedback", json={**rating, "comment": "Too few leaves."}))


def change(site: Site, client: httpx.Client) -> None:
    """Upload a changed page, and wait until it is served."""
    count = site.count = site.count + 1
    page = ("files", (Path(PAGE).name, OKAPI.format(count=count).encode()))
    into = {"folder": str(Path(PAGE).parent)}
    with site.ledger.doing("served", count):
        with site.ledger.doing("page", count):
            sent = client.post(f"{API}/documents", files=[page], data=into, params={"ingest": True})
            run = well(sent).json()["run"]
        finished(site, client, run)


def publish(site: Site, client: httpx.Client) -> None:
    """Serve another edition, or retire one."""
    found = client.get(f"{API}/editions").json()
    ready = [e["number"] for e in found["editions"] if e["status"] == "ready" and e["number"] != found["served"]]
    if not ready:
        time.sleep(0.05)
    elif len(ready) > 2:
        finished(site, client, well(client.delete(f"{API}/editions/{min(ready)}")).json()["run"])
    else:
        edition = site.chance.choice(ready)
        with site.ledger.doing("served", told(client, edition)):
            well(client.post(f"{API}/editions/{edition}/publish"))


def told(client: httpx.Client, edition: int) -> int:
    """What the page of an edition says."""
    sources = well(client.get(f"{API}/sources", params={"edition": edition})).json()
    document = next(one["id"] for one in sources["documents"] if one["uri"] == PAGE)
    return said(well(client.get(f"{API}/sources/{document}/text", params={"edition": edition})).json()["text"])


def finished(site: Site, client: httpx.Client, run: int) -> None:
    """Wait until a run that was acknowledged is done. Raises Refused where it failed, which is told."""
    site.ledger.note("run", run)
    while (state := client.get(f"{API}/runs/{run}").json())["status"] in ("requested", "running"):
        time.sleep(0.1)
    if state["status"] != "done":
        raise Refused(state["report"])


def back_up(site: Site, _: httpx.Client) -> None:
    file = site.home.folder / f"{uuid.uuid4().hex}.zip"
    with site.ledger.doing("backup", file):
        site.command("backup", str(file))


def make_key(site: Site, _: httpx.Client) -> None:
    with site.ledger.doing("key", None) as deed:
        deed.value = site.command("keys", "create", "somebody")["key"]


WORKERS: Sequence[Callable[[Site, httpx.Client], None]] = (visit, visit, change, publish, back_up, make_key)


@contextmanager
def working(site: Site) -> Iterator[None]:
    """A block in which all of them work; who is in the middle of something at its end goes on to see what comes of it."""
    site.over, site.commands = threading.Event(), []
    threads = [threading.Thread(target=_work, args=(worker, site, site.over), daemon=True) for worker in WORKERS]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        site.over.set()
        for thread in threads:
            thread.join(60)


def _work(worker: Callable[[Site, httpx.Client], None], site: Site, over: threading.Event) -> None:
    with site.client() as client:
        while not over.is_set():
            try:
                worker(site, client)
            except Refused:
                continue
            except (httpx.TransportError, Broken):
                return
            except httpx.HTTPStatusError as error:
                if error.response.status_code != 503:
                    site.ledger.faults.append(f"{worker.__name__}: {error.response.text[:300]}")
