"""What a visitor sees who asks more often than the rate limit allows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from limits import parse
from playwright.sync_api import expect

from assistant.api.limits import RateLimit
from tests.browser.conftest import Open
from tests.browser.scripted import ScriptedServer

pytestmark = pytest.mark.browser

BUSY = "Too many questions were asked in a short time. Your question stays in the box: ask it again in a minute."


@pytest.fixture(scope="module")
def limited() -> Iterator[str]:
    """Address of a server that takes two requests for the opening of the page and one question."""
    server = ScriptedServer()
    config = server._server.config
    config.app = RateLimit(config.app, parse("3/hour"))  # type: ignore[arg-type] - not a name to import
    with server:
        yield server.address


def test_a_question_over_the_limit_stays_in_the_box_and_the_page_says_when_to_try_again(
    limited: str, visit: Open
) -> None:
    seen = visit(limited)
    seen.ask("The first?")
    box = seen.page.get_by_role("textbox")
    box.fill("The second?")
    box.press("Enter")
    expect(seen.page.locator("#connection p")).to_have_text(BUSY)
    expect(box).to_have_value("The second?")
    expect(seen.page.locator(".question")).to_have_text(["The first?"])
    expect(seen.page.locator(".toast-body:visible")).to_have_count(0)
    box.fill("")
    seen.page.locator("[data-question]:visible").first.click()
    expect(box).not_to_have_value("")
