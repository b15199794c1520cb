"""Chromium, a page that notes what went wrong in it, and the two servers it looks at."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.scripted import ScriptedServer
from tests.conftest import ROOT, Server

ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run --disable-quic"
).split()
SHOTS = ROOT / "test-artefacts"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
expect.set_options(timeout=60_000)  # a busy machine; how fast a page is, benchmarks tell


@pytest.fixture(scope="module")  # while Playwright runs, no other test of this thread can run an event loop
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("There is no Chromium; tests/install-debian installs it.")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def scripted() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


@dataclass
class Visit:
    """One open page with what a visitor does on it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def ask(self, question: str) -> None:
        box = self.page.get_by_role("textbox")
        box.fill(question)
        box.press("Enter")
        expect(self.page.locator(".question").last).to_have_text(question)
        self.answered()

    def answered(self) -> None:
        expect(self.page.locator(".exchange").last).not_to_have_class("exchange running")
        expect(self.page.locator("#ask")).to_be_visible()

    def hosts(self) -> set[str]:
        """Everyone whom the page asked for something."""
        return {urlsplit(url).netloc for url in self.requests if not url.startswith(("data:", "blob:"))}

    def shot(self, name: str) -> None:
        SHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")


Open = Callable[..., Visit]
Contexts = Callable[[str, bool], BrowserContext]


@pytest.fixture(scope="module")
def contexts(browser: Browser) -> Contexts:
    """A browser profile a language and colour scheme; pages share its cache, not their conversations."""

    @cache
    def open_context(language: str, dark: bool) -> BrowserContext:
        return browser.new_context(locale=language, color_scheme="dark" if dark else "light")

    return open_context


@pytest.fixture
def visit(contexts: Contexts, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Open an address: `visit(address, width=…, language=…, dark=…)`. A script error or a request to another host
    fails the test."""
    opened: list[Visit] = []

    def open_page(
        address: str, width: int = 1280, height: int = 900, language: str = "en", dark: bool = False
    ) -> Visit:
        seen = Visit(contexts(language, dark).new_page())
        opened.append(seen)
        seen.page.set_viewport_size({"width": width, "height": height})
        seen.page.on("request", lambda sent: seen.requests.append(sent.url))
        seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
        seen.page.goto(address)
        expect(seen.page.locator("html")).to_have_attribute("lang", language)
        expect(seen.page.locator("#ask, #stop").locator("visible=true").first).to_be_visible()
        return seen

    yield open_page
    for seen in opened:
        if request.node.stash.get(FAILED, False):
            seen.shot(f"failed-{request.node.name}")
        seen.page.close()
        assert seen.errors == []
        assert seen.hosts() == {urlsplit(seen.page.url).netloc}


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show what the server said when a test of it fails."""
    report = yield
    if report.when == "call" and report.failed:
        item.stash[FAILED] = True
        server = getattr(item, "funcargs", {}).get("server")
        if isinstance(server, Server):
            report.sections.append(("Server output", Path(server.log).read_text(errors="replace")[-8000:]))
    return report
