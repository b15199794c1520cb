"""Without a mouse and without sight: the way by keyboard, what a screen reader is told, and what a visitor's own settings
change."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Open, Visit
from tests.browser.scripted import ScriptedServer

pytestmark = pytest.mark.browser

# In the order in which they are read.
REGIONS = ("header", "talk", "composer", "footer", "sources")
# Where focus is, whether it shows, and whether something lies over it. The box shows it on its frame; a date has parts of
# its own.
STOP = """() => {
  const at = document.activeElement, frame = at.matches("textarea") ? document.querySelector("#composer") : at;
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(frame), { x, y, width, height } = at.getBoundingClientRect();
  const ring = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 || frame !== at && boxShadow.includes("0px 0px 0px 2px");
  const over = document.elementFromPoint(x + width / 2, y + height / 2);
  return {
    body: at === document.body, what: at.outerHTML.slice(0, 120), region: at.closest("#header, #talk, #composer, #footer, #sources")?.id,
    shown: ring || at.matches("[type=date]"), covered: at !== document.body && !at.contains(over) && !over?.contains(at),
  };
}"""
IS_AT = "wanted => document.activeElement.matches(wanted)"
# Every text that stands in the live region, noted as it comes.
LISTEN = """() => {
  window.heard = [];
  const ear = document.querySelector("#told"), note = () => window.heard.push(...[...ear.children].map(c => c.textContent));
  new MutationObserver(note).observe(ear, { childList: true, subtree: true, characterData: true });
}"""
PARTS = ".answer .quote > span"


def ask(seen: Visit, question: str) -> None:
    """Ask, also after other questions, and wait for the answer to this one."""
    seen.ask(question)
    expect(seen.page.locator(".question").last).to_have_text(question)
    seen.answered()


def tab_to(page: Page, wanted: str, back: bool = False) -> None:
    """Press Tab until the focus is at `wanted`."""
    for _ in range(60):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if page.evaluate(IS_AT, wanted):
            return
    raise AssertionError(f"Tab never leads to {wanted}.")


def stops(page: Page) -> list[dict[str, object]]:
    """Every stop of Tab, from the top of the page to its end."""
    page.locator("select[name=language]").focus()
    page.keyboard.press("Tab")  # there and back: what a script focuses need not show it
    page.keyboard.press("Shift+Tab")
    found = [page.evaluate(STOP)]
    while not found[-1]["body"]:
        page.keyboard.press("Tab")
        found.append(page.evaluate(STOP))
        assert len(found) < 80, "Tab goes round in a circle"
    return found[:-1]


@pytest.mark.parametrize("width", [1280, 390])
def test_tab_goes_through_the_page_as_it_is_read(scripted: ScriptedServer, visit: Open, width: int) -> None:
    seen = visit(scripted.address, width=width)
    ask(seen, "Words")
    ask(seen, "Known")
    found = stops(seen.page)
    order = [REGIONS.index(str(stop["region"])) for stop in found]
    assert all(before <= after for before, after in pairwise(order)), [stop["what"] for stop in found]
    assert {"header", "talk", "composer", "sources"} <= {stop["region"] for stop in found}
    assert [stop["what"] for stop in found if not stop["shown"]] == []
    assert [stop["what"] for stop in found if stop["covered"]] == []


def test_a_conversation_needs_no_mouse(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    page, keys = seen.page, seen.page.keyboard
    expect(page.locator("#question textarea")).to_be_focused()
    keys.type("Known")
    keys.press("Enter")
    seen.answered()
    expect(page.locator("#question textarea")).to_be_focused()
    tab_to(page, "#cited-1", back=True)
    keys.press("Enter")
    expect(page.locator("#source-1")).to_be_focused()
    tab_to(page, "#source-1 .number")
    keys.press("Enter")
    expect(page.locator("#cited-1")).to_be_focused()
    tab_to(page, ".suggestions li:last-child button")
    keys.press("Enter")
    expect(page.locator(".question").last).to_have_text("And then?")
    expect(page.locator(".question").last).to_be_focused()
    seen.answered()
    tab_to(page, "select[name=language]", back=True)
    keys.type("Deu")  # Dansk at its first letter, Deutsch at its second
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("select[name=language]")).to_be_focused()
    expect(page.locator("select[name=language]")).to_have_value("de")
    tab_to(page, "#new")
    keys.press("Enter")
    expect(page.locator(".exchange")).to_have_count(0)
    expect(page.locator("#question textarea")).to_be_focused()


def test_a_button_that_goes_away_hands_its_focus_on(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    for button, follows in (("#ask", ".exchange.running"), ("#stop", ".exchange.stopped")):
        if button == "#ask":
            seen.page.keyboard.type("Slow")
        tab_to(seen.page, button)
        seen.page.keyboard.press("Enter")
        expect(seen.page.locator(follows)).to_be_visible()
        expect(seen.page.locator(button)).to_be_hidden()
        expect(seen.page.locator("#question textarea")).to_be_focused()


def test_an_answer_that_grows_leaves_the_focus_alone(scripted: ScriptedServer, visit: Open) -> None:
    page = _running(visit(scripted.address))
    tab_to(page, "#cited-1", back=True)
    expect(page.locator(".answer")).to_contain_text("Sentence 6.")
    expect(page.locator("#cited-1")).to_be_focused()
    page.locator("#stop").click()


def test_each_sentence_is_told_once_as_it_is_finished(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    seen.page.evaluate(LISTEN)
    _running(seen)
    expect(seen.page.locator(".answer")).to_contain_text("Sentence 4.")
    seen.page.locator("#stop").click()
    seen.answered()
    heard = seen.page.evaluate("window.heard")
    assert heard[:-1] == ["Searching the documents", *seen.page.locator(PARTS).all_text_contents()]
    assert "1 source" in heard[-1]
    assert seen.page.locator("#told").get_attribute("role") == "status"


def test_a_refusal_is_told_once_and_typing_or_another_language_tells_nothing(
    scripted: ScriptedServer, visit: Open
) -> None:
    seen = visit(scripted.address)
    ask(seen, "Known")
    seen.page.evaluate(LISTEN)
    ask(seen, "Unknown")
    heard = seen.page.evaluate("window.heard")
    assert len(heard) == len(set(heard))
    assert {"Not answered", "The quoted sentence stands here."} <= set(heard)
    seen.page.keyboard.type("Some words")
    seen.page.locator("select[name=language]").select_option("fr")
    expect(seen.page.locator("html")).to_have_attribute("lang", "fr")
    assert seen.page.evaluate("window.heard") == heard


def test_only_new_text_is_in_a_live_region(scripted: ScriptedServer, visit: Open) -> None:
    page = _running(visit(scripted.address))
    live = "[aria-live]:not([aria-live=off]), [role=log], [role=status], [role=alert]"
    expect(page.locator("#told")).not_to_be_empty()
    assert page.locator(":is(#talk, #sources)").locator(live).count() == 0
    assert page.locator("#told").evaluate("e => [e.offsetWidth, e.offsetHeight]") == [1, 1]
    page.locator("#stop").click()


def test_the_parts_of_the_page_name_their_languages(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address, language="de")
    seen.ask("Wer bleibt bei einer vorkommerziellen Auftragsvergabe Eigentümer der Schutzrechte?")
    spoken = "e => e.closest('[lang]').lang"
    german = (".question", "#sources h2", ".label, .suggestions > p")
    english = (".answer .quote > span", "#source-1 h3", "#source-1 blockquote", ".suggestions button >> nth=0")
    for language, places in (("de", german), ("en", english)):
        for place in places:
            assert seen.page.locator(place).first.evaluate(spoken) == language, place
    seen.page.locator("select[name=language]").select_option("fr")
    expect(seen.page.locator("html")).to_have_attribute("lang", "fr")
    assert seen.page.locator("#sources h2").evaluate(spoken) == "fr"
    assert seen.page.locator(".question").evaluate(spoken) == "de"


def test_nothing_moves_when_less_motion_is_asked_for(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    moving = "document.getAnimations().filter(a => a.playState === 'running').length"
    _running(seen)
    assert seen.page.evaluate(moving) > 0
    seen.page.emulate_media(reduced_motion="reduce")
    assert seen.page.evaluate(moving) == 0
    seen.page.locator("#stop").click()
    seen.answered()
    seen.page.locator("#cited-1").click()
    expect(seen.page.locator("#source-1")).to_be_focused()
    assert seen.page.evaluate(moving) == 0


def test_forced_colours_keep_focus_and_borders(scripted: ScriptedServer, browser: Browser) -> None:
    context = browser.new_context(locale="en", forced_colors="active")
    page = context.new_page()
    page.goto(scripted.address)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    Visit(page).ask("Unknown")
    page.locator("#question textarea").focus()
    framed = "e => Object.fromEntries(['border', 'outline'].map(n => [n, getComputedStyle(e)[n + 'Style'] !== 'none']))"
    assert page.locator("#composer").evaluate(framed) == {"border": True, "outline": True}
    for place in (".refusal", ".mark", "#source-1", "#source-1 .number", "select[name=language]"):
        assert page.locator(place).first.evaluate(framed)["border"], place
    tab_to(page, "#cited-1", back=True)
    assert page.locator("#cited-1").evaluate(framed)["outline"]
    context.close()


def _running(seen: Visit) -> Page:
    box = seen.page.get_by_role("textbox", name="Ask a question")
    box.fill("Slow")
    box.press("Enter")
    expect(seen.page.locator(".exchange.running .answer")).to_contain_text("Sentence 1.")
    return seen.page
