"""A page that stays open while its server restarts, the network goes, or an answer is slow."""

from __future__ import annotations

import multiprocessing
import socket
import threading
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from assistant.records import Event, Question, Said, Sentence, Status
from tests.browser.conftest import Open, Visit
from tests.browser.scripted import ScriptedAssistant, ScriptedServer

pytestmark = pytest.mark.browser

LOST = "The connection is lost. Trying again …"
UNSENT = "The connection is lost. Your question stays in the box: ask it again when the connection is back."
BACK = "Connected again."
SLOW = "This takes longer than usual. You can wait, or stop it."


class Forgetful(ScriptedAssistant):
    """Says nothing to "Wait …" for a minute, and to "Earlier …" what was asked first."""

    def stream(self, question: Question) -> Iterator[Event]:
        if question.text.startswith("Wait"):
            yield Status("search")
            time.sleep(60)
        if question.text.startswith("Earlier"):
            yield Said(Sentence(f"First you asked: {question.history[0].content}", kind="notice"), ())
        yield from super().stream(question)


def serve(port: int) -> None:
    """A server process of its own: only its end closes its connections as a restart does."""
    server = ScriptedServer()
    server.assistant = Forgetful()
    server.port = server._server.config.port = port
    with server:
        threading.Event().wait()


# Its processes are copies of one that has imported everything: a restart takes a second.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.browser.scripted", "ui.page"])


class Restarting:
    """A server that goes and comes back with nothing in its memory."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._process: BaseProcess | None = None

    def come(self) -> None:
        """Start, unless it runs: one that is slow to answer must not be taken for gone, as a second could not be ended."""
        if not (self._process and self._process.is_alive()):
            self._process = PROCESSES.Process(target=serve, args=(self.port,), daemon=True)
            self._process.start()
        for _ in range(600):
            if answers(f"{self.address}/gradio_api/app_id"):
                return
            time.sleep(0.1)
        pytest.fail("The server did not start.")

    def go(self) -> None:
        if self._process:
            self._process.kill()
            self._process.join()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def one_server() -> Iterator[Restarting]:
    server = Restarting()
    server.come()
    yield server
    server.go()


@pytest.fixture
def restarting(one_server: Restarting) -> Restarting:
    one_server.come()
    return one_server


def says(page: Page, sentence: str) -> None:
    expect(page.locator("#connection").get_by_role("status")).to_have_text(sentence)


def no_technical_error(page: Page) -> None:
    expect(page.locator(".toast-body")).not_to_be_visible()


def test_a_restart_keeps_the_conversation_and_what_is_being_typed(restarting: Restarting, visit: Open) -> None:
    seen = visit(restarting.address)
    seen.ask("Known one")
    restarting.go()
    says(seen.page, LOST)
    seen.page.get_by_role("textbox").fill("Earlier?")
    restarting.come()
    says(seen.page, BACK)
    says(seen.page, "")
    expect(seen.page.get_by_role("textbox")).to_have_value("Earlier?")
    seen.page.get_by_role("button", name="Ask", exact=True).click()
    expect(seen.page.locator(".exchange")).to_have_count(2)
    seen.answered()
    expect(seen.page.locator(".question")).to_have_text(["Known one", "Earlier?"])
    expect(seen.page.locator(".answer").last).to_contain_text("First you asked: Known one")
    seen.page.get_by_role("button", name="New conversation").click()
    expect(seen.page.locator("#kept textarea")).to_have_value("[]")


def held_back(seen: Visit, restarting: Restarting) -> Route:
    """The request that hands a conversation back to a restarted server, which waits until it is let go."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if '"conversation":' in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    seen.ask("Known one")
    seen.page.route("**/queue/join*", hold)
    restarting.go()
    says(seen.page, LOST)
    restarting.come()
    says(seen.page, BACK)
    while not held:
        seen.page.wait_for_timeout(50)
    return held[0]


def test_a_question_waits_until_the_conversation_is_handed_back(restarting: Restarting, visit: Open) -> None:
    handing = held_back(seen := visit(restarting.address), restarting)
    seen.page.get_by_role("textbox").fill("Earlier?")
    seen.page.get_by_role("textbox").press("Enter")
    seen.page.wait_for_timeout(12_000)  # longer than other requests are given
    handing.continue_()
    expect(seen.page.locator(".question")).to_have_text(["Known one", "Earlier?"])
    expect(seen.page.locator(".answer").last).to_contain_text("First you asked: Known one")


def test_what_is_typed_while_the_conversation_is_handed_back_stays(restarting: Restarting, visit: Open) -> None:
    handing = held_back(seen := visit(restarting.address), restarting)
    seen.page.get_by_role("textbox").fill("Half a question")
    handing.continue_()
    seen.page.wait_for_timeout(2000)
    expect(seen.page.get_by_role("textbox")).to_have_value("Half a question")
    expect(seen.page.locator(".question")).to_have_text(["Known one"])


def test_a_question_that_finds_no_server_stays_in_the_box(restarting: Restarting, visit: Open) -> None:
    seen = visit(restarting.address)
    restarting.go()
    says(seen.page, LOST)
    seen.page.get_by_role("textbox").fill("Known")
    seen.page.get_by_role("textbox").press("Enter")
    says(seen.page, UNSENT)
    no_technical_error(seen.page)
    restarting.come()
    says(seen.page, BACK)
    expect(seen.page.get_by_role("textbox")).to_have_value("Known")
    seen.page.get_by_role("textbox").press("Enter")
    expect(seen.page.locator(".answer")).to_contain_text("The quoted sentence stands here.")


def test_an_example_that_finds_no_server_goes_into_the_box(restarting: Restarting, visit: Open) -> None:
    seen = visit(restarting.address)
    restarting.go()
    example = seen.page.locator(".examples button").first
    example.click()
    says(seen.page, UNSENT)
    expect(seen.page.get_by_role("textbox")).to_have_value(example.inner_text())
    no_technical_error(seen.page)


def test_an_answer_that_breaks_off_gives_its_question_back(restarting: Restarting, visit: Open) -> None:
    seen = visit(restarting.address)
    seen.ask("Known")
    seen.page.get_by_role("textbox").fill("Slow")
    seen.page.get_by_role("textbox").press("Enter")
    expect(seen.page.locator(".answer").last).to_contain_text("Sentence 2.")
    restarting.go()
    says(seen.page, LOST)
    restarting.come()
    says(seen.page, BACK)
    expect(seen.page.get_by_role("alert")).to_contain_text("Your question is not lost")
    expect(seen.page.get_by_role("textbox")).to_have_value("Slow")
    expect(seen.page.locator(".question")).to_have_text(["Known", "Slow"])
    no_technical_error(seen.page)
    seen.ask("Known again")
    expect(seen.page.locator(".question")).to_have_text(["Known", "Known again"])


def test_the_page_keeps_its_language_over_a_restart(restarting: Restarting, visit: Open) -> None:
    seen = visit(restarting.address)
    seen.page.get_by_label("Page language").select_option("de")
    expect(seen.page.locator("html")).to_have_attribute("lang", "de")
    restarting.go()
    expect(seen.page.locator("#connection p")).not_to_be_empty()
    restarting.come()
    says(seen.page, "")
    seen.ask("Known")
    expect(seen.page.locator("html")).to_have_attribute("lang", "de")
    expect(seen.page.get_by_role("button", name="Neues Gespräch")).to_be_visible()


def test_where_a_session_has_ended_the_page_opens_anew_with_the_conversation(
    restarting: Restarting, visit: Open
) -> None:
    seen = visit(restarting.address)
    seen.ask("Known")
    seen.page.evaluate("window.old = true")
    seen.page.wait_for_function("performance.now() > 11000")
    seen.page.route("**/queue/join*", lambda route: route.fulfill(status=401, json={}), times=1)
    seen.page.get_by_role("textbox").fill("And then?")
    seen.page.get_by_role("textbox").press("Enter")
    seen.page.wait_for_function("!window.old")
    expect(seen.page.locator(".question")).to_have_text("Known")
    expect(seen.page.get_by_role("textbox")).to_have_value("And then?")


def test_a_new_release_opens_anew_with_the_conversation(restarting: Restarting, visit: Open) -> None:
    seen = visit(restarting.address)
    seen.ask("Known")
    seen.page.get_by_role("textbox").fill("Half a question")
    seen.page.evaluate("window.old = true")
    seen.page.route("**/config", lambda route: route.fulfill(json={"components": [], "dependencies": []}))
    restarting.go()
    says(seen.page, LOST)
    restarting.come()
    seen.page.wait_for_function("!window.old")
    expect(seen.page.locator(".question")).to_have_text("Known")
    expect(seen.page.get_by_role("textbox")).to_have_value("Half a question")
    assert seen.page.evaluate("sessionStorage.length + localStorage.length") == 0


def test_without_a_network_the_page_waits(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    seen.ask("Known")
    seen.page.context.set_offline(True)
    try:
        says(seen.page, LOST)
        seen.page.get_by_role("textbox").fill("Known two")
        seen.page.get_by_role("textbox").press("Enter")
        says(seen.page, UNSENT)
    finally:
        seen.page.context.set_offline(False)
    says(seen.page, BACK)
    no_technical_error(seen.page)
    seen.page.get_by_role("textbox").press("Enter")
    expect(seen.page.locator(".question")).to_have_text(["Known", "Known two"])


def test_a_slow_answer_says_so_and_can_be_stopped(restarting: Restarting, visit: Open) -> None:
    seen = visit(restarting.address)
    seen.page.get_by_role("textbox").fill("Wait")
    seen.page.get_by_role("textbox").press("Enter")
    expect(seen.page.locator(".exchange.running")).to_be_visible()
    says(seen.page, "")
    says(seen.page, SLOW)
    seen.page.get_by_role("button", name="Stop").click()
    expect(seen.page.locator(".exchange.stopped")).to_be_visible()
    says(seen.page, "")


def test_two_tabs_have_two_conversations(restarting: Restarting, visit: Open) -> None:
    one, two = visit(restarting.address), visit(restarting.address)
    one.ask("Known one")
    two.ask("Known two")
    restarting.go()
    for seen in (one, two):
        says(seen.page, LOST)
    restarting.come()
    for seen in (one, two):
        says(seen.page, "")
    one.ask("Known one more")
    two.ask("Known two more")
    expect(one.page.locator(".question")).to_have_text(["Known one", "Known one more"])
    expect(two.page.locator(".question")).to_have_text(["Known two", "Known two more"])
