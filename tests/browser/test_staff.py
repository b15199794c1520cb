"""The staff pages as staff meet them: Chromium in front of the real server, light and dark, wide and on a phone.

Every visit also fails on a script error, on a request to another host and on what the content policy refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.axe import look_over
from tests.browser.conftest import Visit
from tests.staff import HOSTILE, Staffed, staffed

pytestmark = pytest.mark.browser

SECTIONS = ("Questions", "Feedback", "Editions", "Quality", "Health")
FOCUSED = """() => {
  const at = document.activeElement, look = getComputedStyle(at);
  return { name: at.textContent.trim() || at.id, tag: at.tagName, outline: parseFloat(look.outlineWidth) };
}"""
Enter = Callable[..., Visit]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, first_edition: Path) -> Iterator[Staffed]:
    with staffed(tmp_path_factory.mktemp("staff"), first_edition) as running:
        running.ask("grant", 5, weeks=6)
        running.ask("hostile", 3, weeks=2)
        running.ask("rocket", 2, weeks=2)
        for i in range(9):
            running.rate(f"up-{i}", "up", weeks=i % 6)
        running.rate("said", "up", comment="Exactly what I looked for, thank you.")
        running.rate("old", reason="outdated", comment="The amount is from 2023.", question="What are the thresholds?")
        running.rate(
            "mark", weeks=1, reason="wrong_source", comment=HOSTILE, question=HOSTILE, document=running.document
        )
        yield running


@pytest.fixture
def enter(site: Staffed, browser: Browser) -> Iterator[Enter]:
    """Open the staff pages in a browser of one's own: `enter(role, width=…, dark=…)`; without a role, only the door."""
    opened: list[tuple[BrowserContext, Visit]] = []

    def open_page(role: str = "", width: int = 1280, dark: bool = False) -> Visit:
        context = browser.new_context(
            locale="en", color_scheme="dark" if dark else "light", viewport={"width": width, "height": 900}
        )
        seen = Visit(context.new_page())
        opened.append((context, seen))
        seen.page.on("request", lambda sent: seen.requests.append(sent.url))
        seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
        seen.page.on("console", lambda said: seen.errors.append(said.text) if "Security Policy" in said.text else None)
        seen.page.goto(f"{site.server.address}/staff")
        if role:
            log_in(seen.page, site.keys[role])
            expect(seen.page).to_have_url(f"{site.server.address}/staff/questions")
        return seen

    yield open_page
    for context, seen in opened:
        context.close()
        assert seen.errors == []
        assert seen.hosts() == {urlsplit(site.server.address).netloc}


def log_in(page: Page, key: str) -> None:
    page.get_by_label("Staff key").fill(key)
    page.get_by_role("button", name="Log in").click()


def go(page: Page, section: str) -> None:
    page.get_by_role("navigation", name="Sections").get_by_role("link", name=section).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(section)


def test_a_wrong_key_is_refused_and_a_right_one_lets_in(site: Staffed, enter: Enter) -> None:
    seen = enter()
    field = seen.page.get_by_label("Staff key")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("type", "password")
    expect(seen.page.locator("main")).to_contain_text("cluster-talks keys create NAME --role staff")
    seen.shot("staff-login-1280")
    log_in(seen.page, site.keys["reader"])
    expect(seen.page.get_by_role("alert")).to_contain_text("This key does not open the staff pages.")
    log_in(seen.page, site.keys["staff"])
    expect(seen.page.get_by_role("heading", level=1)).to_have_text("Questions")
    seen.page.get_by_role("button", name="Log out").click()
    expect(seen.page.get_by_role("status")).to_have_text("You are logged out.")
    seen.page.go_back()
    seen.page.reload()
    expect(seen.page.get_by_label("Staff key")).to_be_visible()


def test_hostile_text_does_nothing(enter: Enter) -> None:
    seen = enter("maintainer")
    expect(seen.page.get_by_role("heading", name="</h2><script>")).to_be_visible()
    for section in SECTIONS:
        go(seen.page, section)
        expect(seen.page).to_have_title(f"{section} · Cluster Talks Assistant")
    expect(seen.page.locator("main script, main img")).to_have_count(0)


def test_a_group_of_questions_is_read_and_marked_as_done(enter: Enter) -> None:
    seen = enter("staff")
    group = seen.page.locator(".theme", has_text="Portugal")
    expect(group.get_by_role("img")).to_have_attribute("aria-label", "Asked a week over the last 12 weeks: 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1")  # fmt: skip
    group.get_by_text("2 other wordings").click()
    expect(group.locator(".wordings li")).to_have_count(2)
    seen.shot("staff-questions-1280")
    group.get_by_role("button", name="Mark as done").click()
    expect(seen.page.get_by_role("status")).to_contain_text("Marked as done.")
    expect(seen.page.locator(".theme", has_text="Portugal")).to_have_count(0)


def test_feedback_is_filtered_and_marked_as_done(enter: Enter) -> None:
    seen = enter("staff")
    go(seen.page, "Feedback")
    seen.shot("staff-feedback-1280")
    seen.page.get_by_role("link", name="Helpful", exact=False).nth(1).click()
    expect(seen.page.locator(".voice")).to_have_count(10)
    seen.page.get_by_role("link", name="Open").first.click()
    voice = seen.page.locator(".voice", has_text="What are the thresholds?")
    voice.get_by_role("button", name="Mark as done").click()
    expect(seen.page.get_by_role("status")).to_have_text("Marked as done.")
    expect(seen.page.locator(".voice", has_text="What are the thresholds?")).to_have_count(0)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (320, True)])
def test_a_group_becomes_a_test_question_and_is_taken_back(site: Staffed, enter: Enter, width: int, dark: bool) -> None:
    site.ask("rocket", 3)
    seen = enter("maintainer", width, dark)
    group = seen.page.locator(".theme", has_text="Rakete")
    group.get_by_text("Turn into a test question").click()
    expect(group.get_by_label("Question")).to_have_value("Wie baut man eine Rakete?")
    group.get_by_label("Question").fill("Who opened the okapi tender?")
    group.get_by_role("button", name="Add it, to be answered").click()
    assert not group.get_by_label("Key facts of a right answer").evaluate("facts => facts.validity.valid")
    group.get_by_label("Key facts of a right answer").fill("Ljubica Šarić | Sarić\n5 April")
    seen.shot(f"staff-turn-{width}{'-dark' if dark else ''}")
    group.get_by_role("button", name="Add it, to be answered").click()
    expect(seen.page.get_by_role("status")).to_contain_text("The question was added")
    added = seen.page.get_by_role("region", name="Every new edition is asked this from now on")
    expect(added.get_by_role("listitem")).to_have_text(["Ljubica Šarić or Sarić", "5 April"])
    expect(added.locator(".note")).to_have_text(["No served document says “5 April”."])
    expect(group).to_have_count(0)
    assert [str(found) for found in look_over(seen.page)] == []
    assert seen.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    seen.shot(f"staff-turned-{width}{'-dark' if dark else ''}")
    added.get_by_role("button", name="Remove it again").click()
    expect(seen.page.get_by_role("status")).to_contain_text("The question was removed.")
    assert not (site.server.data / "questions.jsonl").exists()


def test_an_edition_is_served_after_a_look_at_what_differs(site: Staffed, enter: Enter) -> None:
    seen = enter("maintainer", dark=True)
    go(seen.page, "Editions")
    seen.shot("staff-editions-1280-dark")
    seen.page.get_by_role("link", name="Roll back").click()
    expect(seen.page.get_by_role("heading", level=1)).to_have_text(f"Roll back to edition {site.first}?")
    seen.page.get_by_text("events/talk-not-known.md").click()
    expect(seen.page.locator(".diff .removed", has_text="Okapi")).to_be_visible()
    seen.page.get_by_text("Who opened the okapi tender").click()
    expect(seen.page.locator(".compared").first).to_contain_text("Ljubica Šarić")
    seen.shot("staff-roll-back-1280-dark")
    seen.page.get_by_role("link", name="Cancel").click()
    assert site.library.current().number == site.second
    seen.page.get_by_role("link", name="Roll back").click()
    seen.page.get_by_role("button", name="Roll back").click()
    expect(seen.page.get_by_role("status")).to_have_text("The edition is served from now on.")
    expect(seen.page.locator(".is-served")).to_contain_text(f"Edition {site.first}")
    seen.page.get_by_role("link", name="Serve this edition").click()
    seen.page.get_by_role("button", name="Serve edition").click()
    expect(seen.page.locator(".is-served")).to_contain_text(f"Edition {site.second}")


def test_the_report_of_a_run_can_be_kept(site: Staffed, enter: Enter) -> None:
    seen = enter("staff")
    seen.page.goto(f"{site.server.address}/staff/runs/{site.run}")
    seen.shot("staff-run-1280")
    with seen.page.expect_download() as saving:
        seen.page.get_by_role("link", name="Save the report").click()
    assert "<h1>Ingest report</h1>" in saving.value.path().read_text()


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False), (320, True)])
def test_no_section_has_a_barrier_or_scrolls_sideways(site: Staffed, enter: Enter, width: int, dark: bool) -> None:
    seen = enter("maintainer", width, dark)
    for path in (
        *map(str.lower, SECTIONS),
        "feedback?show=all",
        f"editions/{site.first}",
        f"runs/{site.run}",
        "nothing",
    ):
        seen.page.goto(f"{site.server.address}/staff/{path}")
        seen.page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
        assert seen.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        assert [str(found) for found in look_over(seen.page)] == [], path
        seen.shot(f"staff-{path.partition('?')[0].replace('/', '-')}-{width}{'-dark' if dark else ''}")


def test_the_door_has_no_barrier(enter: Enter) -> None:
    for dark in (False, True):
        seen = enter(width=390, dark=dark)
        log_in(seen.page, "nonsense")
        expect(seen.page.get_by_role("alert")).to_be_visible()
        seen.page.wait_for_load_state()  # with its style
        assert [str(found) for found in look_over(seen.page)] == []
        seen.shot(f"staff-refused-390{'-dark' if dark else ''}")


def test_the_keyboard_is_enough(site: Staffed, enter: Enter) -> None:
    seen = enter()
    page = seen.page
    expect(page.get_by_label("Staff key")).to_be_focused()
    page.keyboard.type(site.keys["staff"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Questions")

    def tab_to(name: str) -> None:
        page.wait_for_load_state()  # a heading is there before its style is
        for _ in range(40):
            page.keyboard.press("Tab")
            at = page.evaluate(FOCUSED)
            assert at["tag"] != "BODY"
            assert at["outline"] >= 2, at
            if at["name"].startswith(name):
                return
        raise AssertionError(f"Tab does not lead to {name!r}")

    tab_to("Skip to the content")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    tab_to("Mark as done")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Marked as done.")
    for section in ("Feedback", "Editions"):
        tab_to(section)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(section)
    tab_to("What differs")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Edition {site.first}")
    tab_to("Log out")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Staff key")).to_be_focused()


def test_print_leaves_the_buttons_out(enter: Enter) -> None:
    seen = enter("staff")
    go(seen.page, "Feedback")
    seen.page.emulate_media(media="print")
    expect(seen.page.get_by_role("button")).to_have_count(0)
    expect(seen.page.get_by_role("heading", level=1)).to_be_visible()
