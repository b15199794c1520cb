"""What is kept of visitors, at /privacy, for them. The README tells operators the same in a table.

A new kind of thing that is kept is a line of KEPT.
"""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from assistant.api.state import Ready, StateNow
from assistant.settings import Keeping
from ui.leaflet import contact_link, page

router = APIRouter()

# What, why, how long. {days} and {people} are settings.
KEPT = (
    (
        "Questions that were answered, and their answers",
        "They are not kept.",
        "Your browser holds them while the page is open.",
    ),
    (
        "Questions that the documents do not answer: the text, with the question before it where one continues the "
        "other, its language, why it was not answered, the nearest document, the time, and a mark that tells one asker "
        "from another for a day and leads back to nobody",
        "To see what the documents lack. Staff see such questions grouped, from {people} askers on.",
        "{days} days",
    ),
    (
        "What you tell about an answer: helpful or not, why, your comment, the document you point at, the language and "
        "the time; the question, with the same mark, only when the answer did not help",
        "To mend answers. Staff can read it at once.",
        "{days} days",
    ),
    (
        "Your address on the network",
        "To limit how much one address can ask. It is held in memory and not stored.",
        "Minutes",
    ),
)


@router.get("/privacy", response_class=HTMLResponse, include_in_schema=False)
def privacy(assistant: Ready, state: StateNow) -> HTMLResponse:
    """The page, for anyone."""
    return page("Privacy", told(state.keeping, assistant.contact))


def told(keeping: Keeping, contact: str) -> str:
    """What is kept under these settings, as markup."""
    rows = KEPT if keeping.on else (KEPT[0], KEPT[-1])
    values = {"days": keeping.days, "people": keeping.people}
    cells = "".join(f"<tr>{''.join(f'<td>{cell.format(**values)}</td>' for cell in row)}</tr>" for row in rows)
    return BODY.format(rows=cells, contact=contact_link(contact))


BODY = """
<p>The Cluster Talks Assistant asks no other host for anything, sets no cookie for visitors and does not follow them.
What it keeps:</p>
<table><thead><tr><th scope="col">What</th><th scope="col">Why</th><th scope="col">How long</th></tr></thead>
<tbody>{rows}</tbody></table>
<p>Mail addresses, account numbers, most phone numbers, and names in introductions and greetings are taken out of a
question or comment before it is kept. Please write no personal data all the same.</p>
<p>To have something erased, write to {contact}.</p>"""
