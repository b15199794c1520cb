"""The chat page as a visitor meets it: Chromium in front of the real server.

Every visit also fails on a request to another host and on an error of the page's scripts (`visit` in conftest.py).
"""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.conftest import Server

pytestmark = pytest.mark.browser

SPEAKERS = "Who were the speakers announced for the Talk of 13 September 2023?"


def test_an_answer_is_cited_and_its_source_is_shown(server: Server, visit: Open) -> None:
    seen = visit(server.address)
    seen.ask(SPEAKERS)
    answer = seen.page.locator(".answer")
    expect(answer).to_contain_text("Anita Poort, innovation procurement policy officer at DG GROW")
    expect(answer.locator("ul.quote > li")).to_have_count(4)
    card = seen.page.locator("#source-1")
    expect(card.get_by_role("heading")).to_have_text("The speakers announced for the Talk of 13 September 2023")
    expect(card).to_contain_text("Who were the speakers?")
    expect(card).to_contain_text("National Cluster Association (Czech Republic)")
    expect(card.locator("mark").first).to_contain_text("The four speakers announced")
    expect(card.get_by_role("link", name="Open the original")).to_have_attribute("rel", "noopener noreferrer")
    expect(seen.page.get_by_role("textbox")).to_have_value("")
    seen.shot("answer-1280")


def test_the_context_link_opens_the_marked_text(server: Server, visit: Open) -> None:
    seen = visit(server.address)
    seen.ask(SPEAKERS)
    with seen.page.context.expect_page() as opening:
        seen.page.locator("#source-1").get_by_role("link", name="Open in context").click()
    expect(opening.value.locator("mark#quote")).to_contain_text("Jorge González, Director of TICBIOMED")


def test_a_number_leads_to_its_card_and_back(server: Server, visit: Open) -> None:
    seen = visit(f"{server.address}/?q={quote(SPEAKERS)}")
    seen.answered()
    seen.page.locator(".answer a.mark").first.click()
    expect(seen.page.locator("#source-1:target")).to_be_in_viewport()
    expect(seen.page.locator("#source-1")).to_be_focused()
    seen.page.locator("#source-1 a.number").click()
    expect(seen.page.locator("#cited-1")).to_be_focused()
    expect(seen.page.locator(".exchange")).to_have_count(1)


def test_a_german_question_on_a_german_page(server: Server, visit: Open) -> None:
    seen = visit(server.address, language="de")
    expect(seen.page.get_by_role("button", name="Fragen")).to_be_visible()
    seen.ask("Wer bleibt bei einer vorkommerziellen Auftragsvergabe Eigentümer der Schutzrechte?")
    expect(seen.page.locator(".answer .quote").first).to_contain_text("PCP")
    expect(seen.page.locator("#source-1 h3")).to_have_text(
        "Intellectual property in a pre-commercial procurement (PCP)"
    )
    expect(seen.page.locator(".answer .notice").last).to_have_text("Die Zitate sind auf Englisch.")
    expect(seen.page.locator(".answer")).to_have_attribute("lang", "de")
    expect(seen.page.locator(".answer .quote span").first).to_have_attribute("lang", "en")
    seen.shot("german-1280")


def test_the_page_language_can_be_changed(server: Server, visit: Open) -> None:
    seen = visit(server.address)
    seen.page.get_by_label("Page language").select_option("fr")
    expect(seen.page.locator("html")).to_have_attribute("lang", "fr")
    expect(seen.page.get_by_role("heading", name="Sources")).to_be_visible()
    expect(seen.page.locator("#ask")).not_to_have_text("Ask")


def test_an_unclear_question_is_asked_back_calmly(server: Server, visit: Open) -> None:
    seen = visit(server.address)
    seen.ask("???")
    refusal = seen.page.locator(".answer.refusal")
    expect(refusal.locator(".label")).to_have_text("Not answered")
    expect(refusal).to_contain_text("Could you say a little more precisely")
    expect(seen.page.locator(".problem")).to_have_count(0)
    seen.shot("refusal-1280")


def test_a_follow_up_keeps_what_was_said(server: Server, visit: Open) -> None:
    seen = visit(server.address)
    seen.ask(SPEAKERS)
    seen.ask("And which of them came from the European Commission?")
    expect(seen.page.locator(".exchange")).to_have_count(2)
    expect(seen.page.locator(".exchange").last).to_contain_text("Anita Poort")
    expect(seen.page.locator(".exchange").first.locator("a.mark").first).to_have_attribute("href", "#source-1-1")
    seen.page.get_by_role("button", name="New conversation").click()
    expect(seen.page.locator(".exchange")).to_have_count(0)
    expect(seen.page.locator(".examples button")).to_have_count(9)


def test_an_example_is_a_click_away(server: Server, visit: Open) -> None:
    seen = visit(server.address, dark=True)
    seen.shot("start-1280-dark")
    seen.page.get_by_role("button", name="Who were the speakers of the EU").click()
    seen.answered()
    expect(seen.page.locator(".question")).to_be_focused()
    expect(seen.page.locator(".answer")).to_contain_text("Anita Poort")
    seen.shot("answer-1280-dark")


@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_needs_no_sideways_scroll(server: Server, visit: Open, width: int) -> None:
    seen = visit(server.address, width=width, height=780, language="bg")
    assert seen.page.evaluate("scrollY") == 0  # the box has the focus, the examples are in sight
    sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert seen.page.evaluate(sideways) == 0
    seen.ask(SPEAKERS)
    assert seen.page.evaluate(sideways) == 0
    answer, card = (seen.page.locator(name).bounding_box() for name in (".answer", "#source-1"))
    assert answer and card and card["y"] > answer["y"] + answer["height"]
    for button in seen.page.locator(
        "#actions :is(button, summary):visible, #talk button:visible, #header select"
    ).all():
        box = button.bounding_box()
        assert box and box["height"] >= 44
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
    seen.shot(f"answer-{width}")


def test_what_is_kept_is_told_and_no_cookie_is_set(server: Server, visit: Open) -> None:
    seen = visit(server.address)
    seen.ask(SPEAKERS)
    with seen.page.context.expect_page() as opening:
        seen.page.get_by_role("link", name="Privacy").click()
    expect(opening.value.get_by_role("heading", level=1)).to_have_text("Privacy")
    expect(opening.value.locator("table")).to_contain_text("from 3 askers on")
    expect(opening.value.locator("table")).to_contain_text("90 days")
    opening.value.close()
    assert seen.page.context.cookies() == []


def test_the_interface_for_programs_stays_in_place(server: Server) -> None:
    with server.client() as client:
        assert client.get("/readyz").json()["status"] == "ready"
        assert client.get("/docs").status_code == httpx.codes.OK
        assert client.get("/api/v1/sources").json()["documents"]
        assert client.get("/api/v1/nothing").headers["content-type"] == "application/problem+json"
        assert client.get("/api/v1/ask").status_code == httpx.codes.METHOD_NOT_ALLOWED
