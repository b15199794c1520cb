"""What a visitor can do with an answer and a conversation, as markup; `page.js` makes it act.

Buttons say what they are for in data attributes: data-copy, data-link, data-rephrase, data-anywhere, data-rate,
data-save. To offer another complaint, add a line to COMPLAINTS.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from urllib.parse import quote
from uuid import uuid4

from assistant.language import message
from ui.conversation import Exchange, Focus
from ui.export import File, answer_text
from ui.markup import said

COMPLAINTS = {
    "wrong_source": message("The source does not say this"),
    "wrong": message("It is wrong"),
    "incomplete": message("Something is missing"),
    "outdated": message("It is out of date"),
    "unclear": message("I do not understand it"),
    "other": message("Something else"),
}
SAVED_AS = {"markdown": "Markdown", "word": "Word"}
MAX_COMMENT = 2000


def answer_tools(exchange: Exchange, number: int, rating: bool) -> str:
    """Under an answer: copy it, link to it, say whether it helped. `number`: its place in the conversation."""
    language = exchange.language
    copied = said("Copied", language)
    buttons = [
        f'<button type="button" data-copy="{escape(answer_text(exchange))}" data-done="{copied}">'
        f"{said('Copy with sources', language)}</button>"
    ]
    if number == 1 and exchange.focus == Focus():  # a link brings the question alone
        link = escape(f"/?q={quote(exchange.question)}")
        label = said("Copy link", language)
        buttons.append(f'<button type="button" data-link="{link}" data-done="{copied}">{label}</button>')
    if exchange.abstained:
        buttons.insert(0, _again(exchange))
    rate = _rating(exchange, number) if rating and exchange.state == "done" else ""
    return f'<div class="tools" lang="{escape(language)}">{"".join(buttons)}{rate}</div>'


def _again(exchange: Exchange) -> str:
    """After a refusal: the question back in the box, free of what it was restricted to."""
    what, label = ("rephrase", said("Ask it in other words", exchange.language))
    if exchange.focus != Focus():
        what, label = ("anywhere", said("Ask in all documents", exchange.language))
    return f'<button type="button" data-{what}="{escape(exchange.question)}">{label}</button>'


def _rating(exchange: Exchange, number: int) -> str:
    language = exchange.language
    if exchange.rating:
        return f'<p class="thanks" role="status">{said("Thank you for telling us.", language)}</p>'
    form = f"complaint-{number}"
    return (
        f'<div class="rating" role="group" aria-labelledby="rate-{number}">'
        f'<span id="rate-{number}">{said("Did this help?", language)}</span>'
        f'<button type="button" data-rate="up" data-exchange="{number}">{said("Yes", language)}</button>'
        f'<button type="button" data-rate="down" aria-expanded="false" aria-controls="{form}">'
        f"{said('No', language)}</button></div>{_complaint(exchange, number, form)}"
    )


def _complaint(exchange: Exchange, number: int, form: str) -> str:
    language = exchange.language
    reasons = "".join(
        f'<label><input type="radio" name="reason" value="{reason}" required> {said(text, language)}</label>'
        for reason, text in COMPLAINTS.items()
        if exchange.sources or reason != "wrong_source"
    )
    return (
        f'<form class="complaint" id="{form}" data-exchange="{number}" hidden>'
        f"<fieldset><legend>{said('What is wrong with it?', language)}</legend>{reasons}</fieldset>"
        f"{_which_source(exchange)}"
        f"<label>{said('Comment (optional)', language)}"
        f'<textarea name="comment" rows="3" maxlength="{MAX_COMMENT}"></textarea></label>'
        f'<p class="hint">{said(KEPT, language)}</p>'
        f'<p class="send"><button type="submit">{said("Send", language)}</button>'
        f'<button type="button" data-cancel>{said("Cancel", language)}</button></p></form>'
    )


KEPT = message("Your question and comment are sent along. Please write no personal data in them.")


def _which_source(exchange: Exchange) -> str:
    options = "".join(
        f'<option value="{escape(source.citation.document)}">{source.citation.number}: '
        f"{escape(source.citation.title)}</option>"
        for source in exchange.sources
    )
    label = said("Which source?", exchange.language)
    return f'<label class="which">{label}<select name="document">{options}</select></label>' if options else ""


def save(exchanges: Sequence[Exchange], language: str) -> str:
    """The menu to keep the conversation; nothing before the first answer."""
    if not any(exchange.sentences for exchange in exchanges):
        return ""
    files = "".join(f'<button type="button" data-save="{form}">{name}</button>' for form, name in SAVED_AS.items())
    return (
        f'<details class="save"><summary>{said("Save", language)}</summary><div class="sheet">{files}'
        f'<button type="button" data-print>{said("Print or PDF", language)}</button></div></details>'
    )


def file(made: File) -> str:
    """A file for `page.js` to hand to the browser."""
    content = b64encode(made.content).decode()
    fresh = uuid4().hex  # the same file saved again is to change the markup, or nothing happens
    return (
        f'<span hidden data-file="{escape(made.name)}" data-media="{made.media}" data-content="{content}" '
        f'data-made="{fresh}"></span>'
    )
