"""How long a visitor waits: from Enter to the first word of an answer on the screen, and for the page itself.

    .venv/bin/python -m tests.benchmarks.page --url http://127.0.0.1:8000

Needs a running server and Chromium. Asks questions of tests/quality/golden.jsonl one after the other, each in a
conversation of its own; loads the page with an empty cache and a full one. Prints a table, and the same as JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from rich import box
from rich.console import Console
from rich.table import Table

from tests.benchmarks.questions import bodies
from tests.browser.conftest import ARGUMENTS, CHROMIUM

LOADS = 5
# Starts its clock at Enter and stops it when an answer with words in it has been painted.
FIRST_WORD = """() => { window.firstWord = new Promise((done) => addEventListener("keydown", () => {
  const began = performance.now();
  new MutationObserver((_, observer) => {
    if (!document.querySelector(".answer")?.textContent) return;
    observer.disconnect();
    requestAnimationFrame(() => done(performance.now() - began));
  }).observe(document.body, { childList: true, subtree: true });
}, { capture: true, once: true })); }"""


@dataclass(frozen=True)
class Load:
    """One opening of the page: milliseconds until it can be used, bytes on the wire, requests by host."""

    ms: float
    first_paint_ms: float
    bytes: int
    hosts: dict[str, int]


def measure_load(context: BrowserContext, url: str) -> Load:
    """Open the page in a new tab and wait until the examples can be clicked; bytes until nothing more comes."""
    with tab(context) as page:
        sizes: list[float] = []
        asked: Counter[str] = Counter()
        wire = context.new_cdp_session(page)
        wire.send("Network.enable")
        wire.on("Network.loadingFinished", lambda done: sizes.append(done["encodedDataLength"]))
        page.on("request", lambda sent: asked.update([urlsplit(sent.url).netloc or "data:"]))
        page.goto(url, wait_until="commit")
        page.wait_for_function("document.querySelector('.examples button') && document.querySelector('#ask')")
        ready, paint = page.evaluate(
            "[performance.now(), performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0]"
        )
        page.wait_for_timeout(1500)
        return Load(ready, paint, int(sum(sizes)), dict(asked))


def measure_answers(context: BrowserContext, url: str, questions: list[str]) -> list[float]:
    """Milliseconds from Enter to the first word, for each question; the first question warms up and is not counted."""
    with tab(context) as page:
        page.goto(url)
        page.locator(".examples button").first.wait_for()
        return [first_word(page, question) for question in [questions[0], *questions]][1:]


def first_word(page: Page, question: str) -> float:
    """Milliseconds from Enter to the first word; the page is back at its start afterwards."""
    page.evaluate(FIRST_WORD)
    entry = page.locator("#question textarea")
    entry.fill(question)
    entry.press("Enter")
    waited = float(page.evaluate("window.firstWord"))
    page.locator("#new").click()
    page.locator(".examples button").first.wait_for()
    return waited


@contextmanager
def tab(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    yield page
    page.close()


def measure(browser: Browser, url: str, questions: list[str]) -> dict[str, Any]:
    """Everything: loads in fresh profiles, loads in one that has seen the page, then the answers."""
    cold = []
    for _ in range(LOADS):
        context = browser.new_context(locale="en")
        cold.append(measure_load(context, url))
        context.close()
    context = browser.new_context(locale="en")
    measure_load(context, url)
    warm = [measure_load(context, url) for _ in range(LOADS)]
    cuts = statistics.quantiles(measure_answers(context, url, questions), n=20, method="inclusive")
    p50, p95 = cuts[9], cuts[18]
    return {"first_word_ms": {"p50": p50, "p95": p95}, "cold": asdict(middle(cold)), "warm": asdict(middle(warm))}


def middle(loads: list[Load]) -> Load:
    """The one with the median time."""
    return min(loads, key=lambda load: abs(load.ms - statistics.median(other.ms for other in loads)))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--questions", type=int, default=40)
    options = parser.parse_args()
    alone = (body["question"] for body in bodies(400) if not body["history"])
    questions = list(islice(alone, options.questions))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        found = measure(browser, options.url, questions)
        browser.close()
    table = Table("load", "ready ms", "first paint ms", "kB", "requests by host", box=box.SIMPLE_HEAD)
    for name in ("cold", "warm"):
        load = found[name]
        hosts = ", ".join(f"{host} {count}" for host, count in load["hosts"].items())
        table.add_row(name, f"{load['ms']:.0f}", f"{load['first_paint_ms']:.0f}", f"{load['bytes'] / 1000:.0f}", hosts)
    Console().print(table)
    first = found["first_word_ms"]
    Console().print(
        f"Enter to first word: p50 {first['p50']:.0f} ms, p95 {first['p95']:.0f} ms ({len(questions)} questions)"
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
