"""Answers that the real server does not give on demand: slow, failing, refusing, hostile."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.scripted import HOSTILE, ScriptedServer

pytestmark = pytest.mark.browser


def test_hostile_text_stays_text(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    seen.ask(f"Hostile {HOSTILE}")
    expect(seen.page.locator(".question")).to_have_text(f"Hostile {HOSTILE}")
    expect(seen.page.locator(".answer .quote span")).to_have_text(HOSTILE)
    expect(seen.page.locator("#source-1 h3")).to_have_text(HOSTILE)
    expect(seen.page.locator("#source-1 blockquote")).to_contain_text(HOSTILE)
    expect(seen.page.get_by_role("link", name="Open the original")).to_have_count(0)
    seen.page.get_by_role("button", name="<img src=x").click()
    seen.answered()
    expect(seen.page.locator(".question").last).to_have_text(HOSTILE)
    assert seen.page.locator("#talk img, #sources img, #talk script, #sources script").count() == 0
    assert seen.page.title() == "Cluster Talks Assistant"


def test_the_words_that_answer_stand_out(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    seen.ask("Words")
    expect(seen.page.locator(".answer .quote strong")).to_have_text("quoted")
    expect(seen.page.locator(".answer .quote span")).to_have_text("The quoted sentence stands here.")
    seen.ask("Known")
    expect(seen.page.locator(".answer").last.locator("strong")).to_have_count(0)


def test_a_refusal_looks_different(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    seen.ask("Known")
    plain = seen.page.locator(".answer").evaluate("e => getComputedStyle(e).backgroundColor")
    seen.ask("Unknown")
    refusal = seen.page.locator(".answer.refusal")
    assert refusal.evaluate("e => getComputedStyle(e).backgroundColor") != plain
    expect(refusal.locator(".label")).to_have_text("Not answered")
    expect(refusal.locator(".notice").first).to_have_text("The documents say what is not known about this:")
    expect(refusal.locator(".quote")).to_contain_text("The quoted sentence stands here.")
    expect(refusal.get_by_role("link", name="https://example.eu/contact")).to_be_visible()
    expect(refusal.get_by_role("alert")).to_have_count(0)
    seen.shot("gap-1280")


def test_a_card_tells_where_and_until_when(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    seen.ask("Known")
    card = seen.page.locator("#source-1")
    expect(card.locator(".where")).to_have_text("Heading · page 3")
    expect(card.locator(".badge.past")).to_have_text("no longer valid")
    expect(card.locator(".badge").last).to_have_text("valid 1 Jan 2022 to 31 Dec 2023")
    expect(card.locator("mark")).to_have_text("The quoted sentence stands here.")
    expect(card.locator("blockquote")).not_to_contain_text("Elsewhere")


def test_a_card_of_a_recording_opens_it_at_its_second(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    seen.ask("Recorded")
    card = seen.page.locator("#source-1")
    expect(card.locator(".where").get_by_role("link", name="1:15")).to_have_attribute(
        "href", "https://example.eu/v?t=75"
    )
    expect(card.locator(".about")).to_contain_text("A publisher13 Sept 2023")


def test_a_card_tells_what_took_the_place_of_its_document(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    seen.ask("Old")
    newer = seen.page.locator("#source-1").get_by_role("link", name="Superseded by: The new title")
    expect(newer).to_have_attribute("href", "/read/two")


def test_a_running_answer_can_be_stopped(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    seen.page.get_by_role("textbox").fill("Slow")
    seen.page.get_by_role("button", name="Ask", exact=True).click()
    expect(seen.page.locator(".answer")).to_contain_text("Sentence 2.")
    expect(seen.page.locator(".progress")).to_have_text("Searching the documents")
    seen.page.get_by_role("button", name="Stop").click()
    expect(seen.page.locator(".exchange.stopped")).to_contain_text("Sentence 2.")
    expect(seen.page.locator(".progress")).to_have_count(0)
    said = seen.page.locator(".answer").inner_text()
    seen.ask("Known")
    expect(seen.page.locator(".answer").last).to_contain_text("The quoted sentence stands here.")
    assert seen.page.locator(".answer").first.inner_text() == said


def test_a_question_asked_meanwhile_stops_the_answer_before_it(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(f"{scripted.address}/?q=Slow")
    expect(seen.page.locator(".answer")).to_contain_text("Sentence 1.")
    expect(seen.page.get_by_label("Page language")).to_be_disabled()
    expect(seen.page.locator(".rating")).to_have_count(0)
    seen.ask("Known")
    expect(seen.page.locator(".exchange")).to_have_count(2)
    expect(seen.page.locator(".exchange.stopped .answer")).to_contain_text("Sentence 1.")
    expect(seen.page.locator(".exchange.done .answer")).to_contain_text("The quoted sentence stands here.")
    expect(seen.page.get_by_label("Page language")).to_be_enabled()
    seen.page.get_by_role("textbox").fill("Slow again")
    seen.page.get_by_role("textbox").press("Enter")
    expect(seen.page.locator(".exchange").last).to_contain_text("Sentence 1.")
    seen.page.get_by_role("button", name="Stop").click()
    expect(seen.page.locator(".exchange.stopped")).to_have_count(2)


def test_a_question_sent_while_another_is_answered_is_not_lost(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    box = seen.page.get_by_role("textbox")
    box.fill("Slow")
    box.press("Enter")
    expect(seen.page.locator(".answer")).to_contain_text("Sentence 1.")
    box.fill("Known")
    expect(seen.page.locator(".answer")).to_contain_text("Sentence 9.")
    expect(box).to_have_value("Known")
    box.press("Enter")
    expect(seen.page.locator(".question")).to_have_text(["Slow", "Known"])


@pytest.mark.parametrize(("question", "detail"), [("Break", None), ("Refuse", "The question is too long. Shorten it.")])
def test_an_error_keeps_the_question(scripted: ScriptedServer, visit: Open, question: str, detail: str | None) -> None:
    seen = visit(scripted.address)
    seen.ask(question)
    problem = seen.page.get_by_role("alert").filter(has_text="Something went wrong. Your question is not lost")
    expect(problem).to_be_visible()
    expect(seen.page.get_by_role("textbox")).to_have_value(question)
    if detail:
        expect(problem).to_contain_text(detail)
    expect(problem).not_to_contain_text("not for users")
    seen.ask("Known")
    expect(seen.page.locator(".exchange")).to_have_count(1)


def test_a_follow_up_sends_the_turns(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    seen.ask("Known one")
    seen.page.get_by_role("button", name="And then?").click()
    expect(seen.page.locator(".exchange")).to_have_count(2)
    seen.answered()
    turns = [(turn.role, turn.content) for turn in scripted.assistant.asked[-1].history]
    assert turns == [("user", "Known one"), ("assistant", "The quoted sentence stands here.")]


def test_enter_sends_and_shift_enter_does_not(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    box = seen.page.get_by_role("textbox")
    box.fill("Known")
    box.press("Shift+Enter")
    box.press_sequentially("two")
    expect(box).to_have_value("Known\ntwo")
    box.press("Enter")
    expect(seen.page.locator(".question")).to_have_text("Known two")
