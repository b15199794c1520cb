"""Nothing that a question, a document or a suggestion says becomes markup of the page."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from selectolax.lexbor import LexborHTMLParser

from assistant.glossary import Entry, Glossary
from assistant.records import Anchor, Related, Sentence
from tests.browser.scripted import citation
from tests.browser.test_payloads import PAYLOADS
from ui.conversation import Excerpt, Exchange, Focus, Source
from ui.focus import Held, chips
from ui.render import Look, sources, talk
from ui.tools import answer_tools

TODAY = date(2026, 11, 25)
MADE = {
    "a", "article", "b", "blockquote", "br", "button", "details", "div", "fieldset", "form", "h2", "h3", "input",
    "label", "legend", "li", "mark", "option", "p", "section", "select", "span", "strong", "sup", "textarea", "ul",
}  # fmt: skip


def exchange(payload: str) -> Exchange:
    said = f"{payload} The explained word {payload}"
    cited = citation(
        title=payload, publisher=payload, quote=said, document=payload, url=f"https://example.eu/{payload}",
        anchor=Anchor((payload,), speaker=payload, sheet=payload, start=1.0),
        related=(Related(payload, payload, payload, "https://example.eu"),),
        superseded_by=Related(payload, payload, payload, None), event_date=TODAY,
    )  # fmt: skip
    return Exchange(
        payload,
        "en",
        "done",
        (Sentence(said, (1,), highlight=(0, len(payload))), Sentence(said, (1,), layout="item"), Sentence(said, kind="notice")),
        (Source(cited, Excerpt(payload, said, payload)),),
        (payload,),
        focus=Focus((payload,), (payload, payload), TODAY),
    )  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_stays_text_wherever_it_stands(payload: str) -> None:
    glossary = Glossary([Entry(("explained word",), payload, "en", {"en": payload}, payload)])
    shown = exchange(payload)
    (held := Held()).free(shown.focus)
    exchanges = (shown, replace(shown, state="failed", problem=payload), replace(shown, abstained=True))
    markup = talk(exchanges, "en", Look(glossary, True)) + sources(exchanges, "en", TODAY) + chips(held, "en")
    page = LexborHTMLParser(markup)
    assert {node.tag for node in page.css("body *")} <= MADE
    for node in page.css("body *"):
        assert not any(name.startswith("on") or name in ("style", "srcdoc", "autofocus") for name in node.attributes)
        assert not str(node.attributes.get("href", "")).startswith("javascript:")
        assert node.tag != "form" or node.attributes.get("action") is None
    assert page.css_first("h2.question").text() == payload
    assert page.css_first(".source h3").text() == payload
    assert payload in page.css_first("blockquote").text()


def test_a_link_is_offered_where_it_leads_to_the_same_answer() -> None:
    first = replace(exchange("What holds?"), focus=Focus())
    shown = [
        answer_tools(first, 1, False),
        answer_tools(first, 2, False),
        answer_tools(exchange("What holds?"), 1, False),
    ]
    assert ['data-link="/?q=What%20holds%3F"' in markup for markup in shown] == [True, False, False]
