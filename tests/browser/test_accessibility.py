"""No barrier in any state of any page: axe-core over a table of states, each light, dark and on a phone, some of them in
every language; and what axe does not see: zoom, text spacing, target sizes.

To cover another state add a function that reaches it and a line to STATES, then renew ui/accessibility.json, which the
public statement is made from (the last test says how).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from assistant.language import EU_LANGUAGES
from tests.browser.axe import VERSION, Violation, look_over
from tests.browser.conftest import SHOTS, Visit
from tests.browser.scripted import ScriptedServer
from tests.conftest import ROOT, Server

pytestmark = pytest.mark.browser

STATEMENT = ROOT / "ui" / "accessibility.json"
SPEAKERS = "Who were the speakers announced for the Talk of 13 September 2023?"


@dataclass(frozen=True)
class Open:
    """An open page, and the servers it can look at."""

    page: Page
    real: str
    scripted: str
    preparing: str

    def ask(self, address: str, question: str) -> None:
        self.page.goto(address)
        expect(self.page.locator("html")).to_have_attribute("lang", "en")
        Visit(self.page).ask(question)


def _start(at: Open) -> None:
    at.page.goto(at.real)
    expect(at.page.locator("#ask")).to_be_visible()


def _running(at: Open) -> None:
    at.page.goto(at.scripted)
    box = at.page.get_by_role("textbox")
    box.fill("Slow")
    box.press("Enter")
    expect(at.page.locator(".exchange.running .answer")).to_contain_text("Sentence 1.")


def _stopped(at: Open) -> None:
    _running(at)
    at.page.locator("#stop").click()
    expect(at.page.locator(".exchange.stopped")).to_be_visible()


def _answer(at: Open) -> None:
    at.ask(at.real, SPEAKERS)
    expect(at.page.locator("#source-1")).to_be_visible()


def _follow_up(at: Open) -> None:
    _answer(at)
    Visit(at.page).ask("And which of them came from the European Commission?")
    expect(at.page.locator(".exchange")).to_have_count(2)
    Visit(at.page).answered()


def _refusal(at: Open) -> None:
    at.ask(at.scripted, "Unknown")
    expect(at.page.locator(".refusal")).to_be_visible()


def _unclear(at: Open) -> None:
    at.ask(at.real, "???")
    expect(at.page.locator(".refusal")).to_be_visible()


def _error(at: Open) -> None:
    at.ask(at.scripted, "Refuse")
    expect(at.page.get_by_role("alert").filter(has_text="Your question is not lost")).to_be_visible()


def _options(at: Open) -> None:
    _start(at)
    at.page.locator("#options summary").click()
    expect(at.page.locator("#options form")).to_be_visible()


def _complaint(at: Open) -> None:
    _answer(at)
    at.page.locator("[data-rate=down]").click()
    expect(at.page.locator(".complaint")).to_be_visible()


def _read(at: Open) -> None:
    _answer(at)
    at.page.goto(at.real + str(at.page.locator("#source-1 .links a").first.get_attribute("href")))
    expect(at.page.locator("mark#quote")).to_be_visible()


def _preparing(at: Open) -> None:
    at.page.goto(at.preparing)
    expect(at.page.locator("progress")).to_have_attribute("value", "40")


def _rated(at: Open) -> None:
    at.ask(at.scripted, "Known")
    at.page.locator("[data-rate=up]").click()
    expect(at.page.locator(".thanks")).to_be_visible()


def _restricted(at: Open) -> None:
    at.ask(at.scripted, "Old")
    at.page.locator("#source-1 [data-source]").click()
    expect(at.page.locator("#chips li")).to_have_count(1)


def _explained(at: Open) -> None:
    at.ask(at.scripted, "Explain")
    at.page.locator(".term").focus()
    expect(at.page.get_by_role("tooltip")).to_be_visible()


def _lost(at: Open) -> None:
    """What connection.js does when it notices, without taking the network from the other states."""
    at.ask(at.scripted, "Known")
    at.page.locator("#connection p").evaluate("place => (place.textContent = place.dataset.lost)")
    expect(at.page.locator("#connection p")).to_be_visible()


def _privacy(at: Open) -> None:
    at.page.goto(f"{at.real}/privacy")
    expect(at.page.locator("table")).to_have_css("border-collapse", "collapse")


def _statement(at: Open) -> None:
    at.page.goto(f"{at.real}/accessibility")
    expect(at.page.get_by_role("heading", level=1)).to_have_text("Accessibility statement")
    expect(at.page.locator("table")).to_have_css("border-collapse", "collapse")


STATES: dict[str, Callable[[Open], None]] = {
    "Start, with example questions": _start,
    "Answer being written": _running,
    "Answer that was stopped": _stopped,
    "Answer with its sources": _answer,
    "Follow-up question": _follow_up,
    "Question that the documents do not answer": _refusal,
    "Question that is not clear": _unclear,
    "Error": _error,
    "Options open": _options,
    "Form to tell what is wrong with an answer": _complaint,
    "Answer that was rated": _rated,
    "Questions restricted to a source, which another supersedes": _restricted,
    "Word explained": _explained,
    "Connection lost": _lost,
    "Document with the quote marked": _read,
    "Documents being prepared": _preparing,
    "Privacy": _privacy,
    "This statement": _statement,
}
IN_EVERY_LANGUAGE = ("Start, with example questions", "Answer with its sources")
LOOKS = {"light, 1280 px": (1280, False), "dark, 1280 px": (1280, True), "phone, 390 px": (390, False)}

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
IN_TURN = """dark => !document.querySelector("gradio-app") || document.body.classList.contains("dark") === dark"""
# WCAG 2.2, 1.4.12: nothing may be lost when a reader sets these.
SPACING = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }");
  document.adoptedStyleSheets.push(sheet);
}"""
# WCAG 2.2, 2.5.8: what can be pressed answers 11 px above, below, left and right of the middle of its first line. Links
# inside a sentence may be smaller; the numbers of citations may not. What an open menu covers is not looked at.
SMALL = """() => [...document.querySelectorAll("a[href], button, select, textarea, input, summary")].filter(target => {
  if (!target.checkVisibility({ visibilityProperty: true }) || !target.getClientRects().length) return false;
  const inline = !target.matches(".mark") && getComputedStyle(target).display === "inline";
  if (inline && target.closest("p, li").textContent.trim() !== target.textContent.trim()) return false;
  const area = target.closest("label") ?? target;
  area.scrollIntoView({ block: "center", behavior: "instant" });
  const { x, y, width, height } = area.getClientRects()[0];
  const hit = (right, down) => area.contains(document.elementFromPoint(x + width / 2 + right, y + height / 2 + down));
  return hit(0, 0) && ![[0, -11], [0, 11], [-11, 0], [11, 0]].every(beside => hit(...beside));
}).map(target => target.outerHTML.slice(0, 200))"""


@dataclass(frozen=True)
class Seen:
    """What one state showed: violations by look or language, and what else was in the way."""

    violations: dict[str, list[Violation]]
    troubles: list[str]

    @property
    def barriers(self) -> list[str]:
        return [f"{look}: {v}" for look, found in self.violations.items() for v in found if v.barrier]

    def by_rule(self) -> dict[str, dict[str, Any]]:
        """Each broken rule with the most places that one look of this state has."""
        every = sorted((v for found in self.violations.values() for v in found), key=lambda v: v.places)
        return {v.rule: {"impact": v.impact, "help": v.help, "places": v.places} for v in every}


class Tour:
    """Reaches each state once and looks at it from every side."""

    def __init__(self, at: Open) -> None:
        self._at, self._page = at, at.page
        self._seen: dict[str, Seen] = {}

    def of(self, name: str) -> Seen:
        if name not in self._seen:
            STATES[name](self._at)
            self._seen[name] = Seen(self._looks() | self._languages(name), self._troubles())
        return self._seen[name]

    def _looks(self) -> dict[str, list[Violation]]:
        return {look: self._look(width, dark) for look, (width, dark) in LOOKS.items()}

    def _look(self, width: int, dark: bool) -> list[Violation]:
        self._page.set_viewport_size({"width": width, "height": 900})
        self._page.emulate_media(color_scheme="dark" if dark else "light", reduced_motion="reduce")
        self._page.wait_for_function(IN_TURN, arg=dark)
        return look_over(self._page)

    def _languages(self, name: str) -> dict[str, list[Violation]]:
        return {code: self._in(code) for code in sorted(EU_LANGUAGES)} if name in IN_EVERY_LANGUAGE else {}

    def _in(self, language: str) -> list[Violation]:
        self._page.locator("select[name=language]").select_option(language)
        expect(self._page.locator("html")).to_have_attribute("lang", language)
        return look_over(self._page)

    def _troubles(self) -> list[str]:
        small = [f"too small to hit: {target}" for target in self._page.evaluate(SMALL)]
        wide = [self._wide(640), self._wide(320)]
        self._page.evaluate(SPACING)
        wide.append(self._wide(320))
        self._page.set_viewport_size({"width": 1280, "height": 900})
        return small + [trouble for trouble in wide if trouble]

    def _wide(self, width: int) -> str:
        self._page.set_viewport_size({"width": width, "height": 900})
        over = self._page.evaluate(SIDEWAYS)
        return f"{over} px wider than {width} px" if over else ""


class PreparingServer(ScriptedServer):
    """A server whose documents are still being prepared, and stay so."""

    def _warm_up(self, state: Any, app: Any) -> None:
        state.progress("ingest", 40, 100)

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.02)
        return self


@pytest.fixture(scope="module")
def tour(browser: Browser, server: Server, scripted: ScriptedServer) -> Iterator[Tour]:
    context = browser.new_context(locale="en", device_scale_factor=2)
    with PreparingServer() as preparing:
        yield Tour(Open(context.new_page(), server.address, scripted.address, preparing.address))
        context.close()


@pytest.mark.parametrize("name", STATES)
def test_no_barrier_in_any_look_or_language(tour: Tour, name: str) -> None:
    assert tour.of(name).barriers == []


@pytest.mark.parametrize("name", STATES)
def test_everything_fits_when_magnified_and_can_be_hit(tour: Tour, name: str) -> None:
    assert tour.of(name).troubles == []


def test_the_statement_is_a_page_of_its_own(server: Server) -> None:
    with server.client() as client:
        answer = client.get("/accessibility")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert [name for name in STATES if f">{name}</th>" not in answer.text] == []
    assert '<a href="https://www.clustercollaboration.eu"' in answer.text
    assert "<script" not in answer.text


def test_the_statement_names_what_was_found(tour: Tour, browser: Browser) -> None:
    found = {name: _result(name, tour.of(name)) for name in STATES}
    result = {
        "date": date.today().isoformat(),
        "with": [f"axe-core {VERSION}", f"Chromium {browser.version.split('.')[0]}"],
        "looks": list(LOOKS),
        "states": found,
    }
    SHOTS.mkdir(exist_ok=True)
    (SHOTS / STATEMENT.name).write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    stated = json.loads(STATEMENT.read_text(encoding="utf-8"))
    renew = f"cp test-artefacts/{STATEMENT.name} {STATEMENT.relative_to(ROOT)}"
    assert (list(stated["states"]), stated["looks"]) == (list(found), list(LOOKS)), f"renew the statement: {renew}"
    hidden = {name: worse for name in found if (worse := _worse(found[name], stated["states"][name]))}
    assert hidden == {}, f"the statement claims less than was found; mend it, or renew the statement: {renew}"


def _result(name: str, seen: Seen) -> dict[str, Any]:
    return {"languages": len(EU_LANGUAGES) if name in IN_EVERY_LANGUAGE else 1, "violations": seen.by_rule()}


def _worse(found: dict[str, Any], stated: dict[str, Any]) -> dict[str, Any]:
    known = stated["violations"]
    more = {
        rule: broken
        for rule, broken in found["violations"].items()
        if broken["places"] > known.get(rule, {}).get("places", 0)
    }
    return more if found["languages"] == stated["languages"] else {"languages": found["languages"], **more}
