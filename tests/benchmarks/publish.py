"""What publishing a changed edition costs, and what those notice who ask meanwhile."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import httpx

from tests.benchmarks.meanwhile import meanwhile
from tests.benchmarks.questions import Reply, post
from tests.benchmarks.records import Figure, percentiles
from tests.benchmarks.stand import Stand

CHANGED = 0.01
PARAGRAPH = re.compile(r"^[^\W\d_].*[.\]]$", re.MULTILINE)
LOOK = 0.2  # seconds
ENDS = ("done", "failed")


def publish(stand: Stand) -> Iterator[Figure]:
    """One passage in a hundred gets one more sentence, and the running server is asked over HTTP to ingest and publish,
    then to go back to the edition before. Unchanged vectors are copied, changed passages go through the real model. One
    asker asks all the while. The questions that may hold an edition back are not asked here: each takes an answer of
    either edition more."""
    changed = _change(stand)
    with stand.client() as client:
        before = client.get("/api/v1/editions", headers=(key := stand.maintainer())).json()["served"]
        with asking(stand) as replies:
            began = time.perf_counter()
            report = publish_changes(client, key, stand)
            published = time.perf_counter() - began
            _until_edition(replies, report["edition"])
            began = time.perf_counter()
            client.post(f"/api/v1/editions/{before}/publish", headers=key).raise_for_status()
            _until_edition(replies, before)
            back = time.perf_counter() - began
    good = [reply.ms for reply in replies if not reply.failed]
    yield Figure("publish", "changed passages", changed, "passages", stand.size)
    yield Figure("publish", "embedded", report["embedded"], "passages", stand.size)
    yield Figure("publish", "published", published, "s", stand.size)
    yield Figure("publish", "rolled back", back, "s", stand.size)
    yield Figure("publish", "asked meanwhile", len(replies), "requests", stand.size)
    yield Figure("publish", "failures", len(replies) - len(good), "requests", stand.size)
    yield Figure("publish", "slowest answer", max(good, default=0.0), "ms", stand.size)
    yield from percentiles("publish", "answer", good or [0.0], "ms", size=stand.size)


def _change(stand: Stand) -> int:
    """Give one passage each of some documents one more sentence; how many."""
    pages = sorted(stand.settings.corpus.rglob("*.md"))
    count = min(len(pages), max(1, round(stand.size * CHANGED)))
    for number, page in enumerate(pages[:count]):
        text = page.read_text(encoding="utf-8")
        page.write_text(lengthened(text, f"One more sentence stands here, number {number}."), encoding="utf-8")
    return count


def lengthened(text: str, sentence: str) -> str:
    """A Markdown document whose first paragraph has one more sentence, or which has one more paragraph."""
    _, mark, body = text.partition("\n---\n")
    start = len(text) - len(body) if mark else 0
    if found := PARAGRAPH.search(text, start):
        return f"{text[: found.end()]} {sentence}{text[found.end() :]}"
    return f"{text}\n\n{sentence}\n"


def publish_changes(client: httpx.Client, key: dict[str, str], stand: Stand) -> dict[str, Any]:
    """Let the server ingest its corpus and publish; its report. Raises SystemExit where it failed."""
    run = client.post("/api/v1/ingest", headers=key, json={}).raise_for_status().json()["run"]
    while (state := client.get(f"/api/v1/runs/{run}", headers=key).raise_for_status().json())["status"] not in ENDS:
        stand.show(f"publish, {state['stage'] or 'waiting'}", round(state["progress"] * 100), 100)
        time.sleep(LOOK)
    report: dict[str, Any] = state["report"]
    if not report.get("published"):
        raise SystemExit(f"Nothing was published: {report.get('detail') or report.get('held') or report}")
    return report


@contextmanager
def asking(stand: Stand) -> Iterator[list[Reply]]:
    """The replies to one asker who asks until the block ends."""
    replies: list[Reply] = []

    def ask(over: threading.Event) -> None:
        with stand.client() as client:
            for body in cycle(stand.questions(stand.scale.answers)):
                if over.is_set():
                    return
                replies.append(post(client, body))

    with meanwhile(ask):
        yield replies


def _until_edition(replies: list[Reply], edition: int, seconds: float = 60) -> None:
    """Wait until somebody is answered from an edition. Raises SystemExit where nobody is."""
    seen, deadline = len(replies), time.monotonic() + seconds
    while not any(reply.answer.get("edition") == edition for reply in replies[seen:]):
        if time.monotonic() > deadline:
            raise SystemExit(f"Nobody was answered from edition {edition} within {seconds:.0f} s.")
        time.sleep(0.02)
