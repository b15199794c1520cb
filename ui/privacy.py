"""What is kept of visitors, at /privacy, for them. The README tells operators the same in a table.

A new kind of thing that is kept is an entry of KEPT.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from assistant.api.state import Ready, StateNow
from assistant.settings import Keeping
from ui.leaflet import contact_link, page

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of thing that is kept: what, why, and how long, when the settings say so."""

    what: str
    why: str
    long: str
    when: Callable[[Keeping], bool] = lambda keeping: True


# {days}, {people} and {answers} are settings.
KEPT = (
    Kept(
        "Questions that were answered, and the answers on this page",
        "They are in your browser while the page is open, and in the memory of the server, so that it knows what a "
        "question continues. They are not written down.",
        "Four hours after the last question at most",
    ),
    Kept(
        "Answers that were given to programs, under a random number: quotes of documents and fixed notices, without "
        "the question and without who asked. Where a program marked its request, a mark that only the same request has",
        "So that a program can have an answer again, with what it cited.",
        "{answers} days",
        lambda keeping: keeping.answers > 0,
    ),
    Kept(
        "Questions that the documents do not answer: the text, with the question before it where one continues the "
        "other, its language, why it was not answered, the nearest document, the time, and a mark that tells one asker "
        "from another for a day and leads back to nobody",
        "To see what the documents lack. Staff see such questions grouped, from {people} askers on.",
        "{days} days",
        lambda keeping: keeping.on,
    ),
    Kept(
        "What you tell about an answer: helpful or not, why, your comment, the document you point at, the language and "
        "the time; the question, with the same mark, only when the answer did not help",
        "To mend answers. Staff can read it at once.",
        "{days} days",
        lambda keeping: keeping.on,
    ),
    Kept(
        "Your address on the network",
        "To limit how much one address can ask. It is held in the memory of a server and not stored.",
        "Minutes",
    ),
)


@router.get("/privacy", response_class=HTMLResponse, include_in_schema=False)
def privacy(assistant: Ready, state: StateNow) -> HTMLResponse:
    """The page, for anyone."""
    return page("Privacy", told(state.keeping, assistant.contact, assistant.engine.name))


def told(keeping: Keeping, contact: str, engine: str = "quotes") -> str:
    """What is kept under these settings, and what a model elsewhere is sent, as markup."""
    values = {"days": keeping.days, "people": keeping.people, "answers": keeping.answers}
    rows = ((kept.what, kept.why, kept.long) for kept in KEPT if kept.when(keeping))
    cells = "".join(f"<tr>{''.join(f'<td>{cell.format(**values)}</td>' for cell in row)}</tr>" for row in rows)
    asked = SENT.format(engine=escape(engine)) if engine.startswith("chat:") else NOT_SENT
    return BODY.format(asked=asked, rows=cells, contact=contact_link(contact))


NOT_SENT = "asks no other host for anything,"
SENT = """sends your question, with the conversation before it and the passages that were found, to a language model
(<code>{engine}</code>) that words the answer, and whose provider has rules of its own; it asks no other host for
anything,"""


BODY = """
<p>The Cluster Talks Assistant {asked} does not follow visitors and sets no cookie for them;
where a key is asked for, one that ends after eight hours. What it keeps:</p>
<table><thead><tr><th scope="col">What</th><th scope="col">Why</th><th scope="col">How long</th></tr></thead>
<tbody>{rows}</tbody></table>
<p>Mail addresses, account numbers, most phone numbers, and names in introductions and greetings are taken out of a
question or comment before it is kept. Please write no personal data all the same.</p>
<p>To have something erased, write to {contact}.</p>"""
