"""What a visitor does with an answer: rate it, copy it, keep it, ask about its source, look a word up."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import docx
import pytest
from playwright.sync_api import Route, expect

from assistant.library import Library
from tests.browser.conftest import Open, Visit
from tests.browser.scripted import HOSTILE, ScriptedServer
from tests.conftest import Server

pytestmark = pytest.mark.browser

ORGANISED = "Who organised the Talk?"
ATTENDED = "How many people attended the Talk?"


def kept(server: Server, log: str) -> list[dict[str, object]]:
    with closing(Library(f"sqlite:///{server.data / 'library.db'}")) as library:
        return library.feedback.latest() if log == "feedback" else list(library.missed.rows("2000"))


def clipboard(seen: Visit) -> str:
    seen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    return str(seen.page.evaluate("navigator.clipboard.readText()"))


def test_a_complaint_reaches_the_database_without_personal_data(server: Server, visit: Open) -> None:
    seen = visit(server.address)
    seen.ask(ORGANISED)
    seen.page.get_by_role("button", name="No", exact=True).click()
    form = seen.page.locator(".complaint")
    expect(form.get_by_label("The source does not say this")).to_be_focused()
    expect(form.get_by_label("Which source?")).to_be_hidden()
    form.get_by_label("The source does not say this").check()
    expect(form.get_by_label("Which source?")).to_be_visible()
    form.get_by_label("Comment").fill("Not there. Write to ana.novak@example.eu")
    seen.shot("complaint-1280")
    form.get_by_role("button", name="Send").click()
    expect(seen.page.locator(".thanks")).to_have_text("Thank you for telling us.")
    row = next(row for row in kept(server, "feedback") if row["question"] == ORGANISED)
    assert (row["rating"], row["reason"]) == ("down", "wrong_source")
    assert str(row["comment"]).startswith("Not there.") and "example.eu" not in str(row["comment"])
    assert row["document"]


def test_a_complaint_can_be_thought_better_of(server: Server, visit: Open) -> None:
    seen = visit(server.address)
    seen.ask(ORGANISED)
    no = seen.page.get_by_role("button", name="No", exact=True)
    no.click()
    expect(no).to_have_attribute("aria-expanded", "true")
    seen.page.locator(".complaint").get_by_role("button", name="Cancel").click()
    expect(seen.page.locator(".complaint")).to_be_hidden()
    expect(no).to_be_focused()


def test_praise_is_kept_without_the_question(server: Server, visit: Open) -> None:
    before = len(kept(server, "feedback"))
    seen = visit(server.address)
    seen.ask(ORGANISED)
    seen.page.get_by_role("button", name="Yes", exact=True).click()
    expect(seen.page.locator(".thanks")).to_be_visible()
    rows = kept(server, "feedback")
    assert len(rows) == before + 1
    assert (rows[0]["rating"], rows[0]["question"]) == ("up", None)


def test_a_refused_question_of_the_page_is_noted(server: Server, visit: Open) -> None:
    seen = visit(server.address)
    seen.ask(ATTENDED)
    expect(seen.page.locator(".answer.refusal")).to_be_visible()
    assert any(row["question"] == ATTENDED for row in kept(server, "missed"))


def test_an_answer_is_copied_with_its_sources(server: Server, visit: Open) -> None:
    seen = visit(server.address)
    seen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    seen.ask(ORGANISED)
    button = seen.page.get_by_role("button", name="Copy with sources")
    button.click()
    expect(seen.page.get_by_role("button", name="Copied")).to_be_visible()
    seen.page.get_by_role("button", name="Copied").click()
    text = clipboard(seen)
    assert text.startswith(f"{ORGANISED}\n\n") and "[1]" in text and "Sources:\n[1] " in text
    expect(button).to_be_visible()
    seen.page.get_by_role("button", name="Copy link").click()
    expect(seen.page.get_by_role("button", name="Copied")).to_be_visible()
    link = urlsplit(clipboard(seen))
    assert parse_qs(link.query) == {"q": [ORGANISED]}
    assert f"{link.scheme}://{link.netloc}" == server.address


def test_a_conversation_is_kept_as_markdown_and_as_a_word_document(server: Server, visit: Open) -> None:
    seen = visit(server.address)
    expect(seen.page.locator("#save summary")).to_have_count(0)
    seen.ask(ORGANISED)
    for name, ending in (("Markdown", ".md"), ("Markdown", ".md"), ("Word", ".docx")):
        seen.page.get_by_text("Save", exact=True).click()
        with seen.page.expect_download() as saving:
            seen.page.get_by_role("button", name=name).click()
        file = Path(saving.value.path())
        assert saving.value.suggested_filename.endswith(ending)
        text = (
            file.read_text(encoding="utf-8")
            if ending == ".md"
            else "\n".join(paragraph.text for paragraph in docx.Document(str(file)).paragraphs)
        )
        assert ORGANISED in text and "European Commission" in text
        expect(seen.page.locator("#save details")).not_to_have_attribute("open", "")


def test_printing_leaves_out_what_cannot_be_clicked_on_paper(server: Server, visit: Open) -> None:
    seen = visit(server.address)
    seen.ask(ORGANISED)
    seen.page.emulate_media(media="print")
    for gone in ("#dock", ".tools", "#header select"):
        expect(seen.page.locator(gone).first).to_be_hidden()
    for shown in (".answer", "#source-1"):
        expect(seen.page.locator(shown)).to_be_visible()
    seen.page.emulate_media(media="screen")


def test_questions_can_be_restricted_and_freed_again(server: Server, visit: Open) -> None:
    seen = visit(server.address)
    seen.page.get_by_text("Options", exact=True).click()
    seen.page.get_by_label("Procedures").check()
    seen.page.get_by_label("With the rules of this day").fill("2025-03-01")
    chips = seen.page.locator("#chips li")
    expect(chips).to_have_text(["Procedures ×", "As of 1 March 2025 ×"])
    seen.shot("options-1280")
    seen.page.keyboard.press("Escape")
    seen.ask(ORGANISED)
    expect(seen.page.locator(".restricted")).to_have_text("Procedures · As of 1 March 2025")
    expect(seen.page.locator(".answer")).not_to_contain_text("European Commission")
    chips.last.get_by_role("button").click()
    expect(chips).to_have_text(["Procedures ×"])
    seen.page.get_by_role("button", name="Ask in all documents").click()
    expect(chips).to_have_count(0)
    expect(seen.page.locator('#options [value="procedures"]')).not_to_be_checked()
    box = seen.page.get_by_role("textbox", name="Ask a question")
    expect(box).to_have_value(ORGANISED)
    box.press("Enter")
    seen.answered()
    expect(seen.page.locator(".answer").last).to_contain_text("European Commission")


def test_the_last_of_two_quick_choices_counts(server: Server, visit: Open) -> None:
    seen = visit(server.address)
    late: list[Route] = []
    seen.page.route("**/gradio_api/run/**", lambda run: run.continue_() if late else late.append(run))
    seen.page.get_by_text("Options", exact=True).click()
    seen.page.get_by_label("Procedures").check()
    seen.page.get_by_label("With the rules of this day").fill("2025-03-01")
    chips = seen.page.locator("#chips li")
    expect(chips).to_have_text(["Procedures ×", "As of 1 March 2025 ×"])
    with seen.page.expect_response("**/gradio_api/run/**"):
        late[0].continue_()
    expect(chips).to_have_text(["Procedures ×", "As of 1 March 2025 ×"])
    expect(seen.page.get_by_label("With the rules of this day")).to_have_value("2025-03-01")
    seen.page.keyboard.press("Escape")
    seen.ask(ORGANISED)
    expect(seen.page.locator(".restricted")).to_have_text("Procedures · As of 1 March 2025")


def test_the_next_question_is_about_one_source(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    seen.ask("Known")
    seen.page.get_by_role("button", name="Ask about this source").click()
    expect(seen.page.locator("#chips li")).to_have_text(["Only from: A title ×"])
    expect(seen.page.get_by_role("textbox", name="Ask a question")).to_be_focused()
    seen.ask("Known again")
    assert scripted.assistant.asked[-1].filters.source == ("one",)
    seen.page.get_by_role("button", name="New conversation").click()
    expect(seen.page.locator("#chips li")).to_have_count(0)
    seen.ask("Known at last")
    assert scripted.assistant.asked[-1].filters.source == ()


def test_a_word_is_explained_on_hover_and_on_focus(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address, language="de")
    seen.ask("Explain")
    word = seen.page.get_by_role("button", name="explained word", exact=True)
    expect(word).to_have_count(1)
    meaning = seen.page.get_by_role("tooltip")
    expect(meaning).to_have_count(0)
    word.hover()
    expect(meaning).to_contain_text("das Wort")
    expect(meaning).to_contain_text(HOSTILE)
    seen.shot("meaning-1280")
    seen.page.keyboard.press("Escape")
    seen.page.mouse.move(5, 5)
    expect(meaning).to_have_count(0)
    word.focus()
    expect(meaning).to_be_visible()
    seen.page.keyboard.press("Escape")
    expect(meaning).to_have_count(0)
    assert seen.page.locator(".meaning img, .meaning script").count() == 0


def test_no_line_begins_with_the_comma_after_an_explained_word(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    seen.ask("Explain")
    begun = seen.page.locator(".term").evaluate("""word => {
      const comma = document.createRange();
      comma.setStart(word.nextSibling, 0);
      comma.setEnd(word.nextSibling, 1);
      const place = word.closest("p, blockquote, div");
      return Array.from({ length: 60 }, (_, n) => 120 + 2 * n).filter((width) => {
        place.style.width = `${width}px`;
        return comma.getBoundingClientRect().top > [...word.getClientRects()].at(-1).bottom - 1;
      });
    }""")
    assert begun == []


def test_a_refused_question_comes_back_to_be_put_in_other_words(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address)
    seen.ask("Unknown thing")
    seen.page.get_by_role("button", name="Ask it in other words").click()
    box = seen.page.get_by_role("textbox", name="Ask a question")
    expect(box).to_have_value("Unknown thing")
    expect(box).to_be_focused()


def test_a_phone_tells_how_many_sources_stand_below(scripted: ScriptedServer, visit: Open) -> None:
    seen = visit(scripted.address, width=390, height=780)
    seen.ask("Known")
    link = seen.page.get_by_role("link", name="1 source", exact=True)
    link.click()
    expect(seen.page.locator("#source-1")).to_be_in_viewport()
