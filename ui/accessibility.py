"""The accessibility statement at /accessibility, after the EU's model (Implementing Decision (EU) 2018/1523).

What was tested, and what was found, stands in accessibility.json: tests/browser/test_accessibility.py writes it anew
and fails when it claims less than was found. What no test can know stands here: to state another known shortcoming add
a line to KNOWN, or to BEYOND for what is outside this software; take it out when it is mended.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from babel.dates import format_date
from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from assistant.api.state import Ready
from ui.leaflet import contact_link, page

router = APIRouter()
FOUND = Path(__file__).with_name("accessibility.json")
BARRIERS = ("serious", "critical")

KNOWN = (
    "A document that is opened in context appears as plain text: its headings, lists and tables are not marked as such "
    "(WCAG 1.3.1). The original, where it is linked, usually has them.",
    "The number on a source card leads back to the sentence, but its name is only the number (WCAG 2.4.4).",
    "The page needs JavaScript. The same answers come without it from the programming interface at /api/v1/ask.",
    "This statement, the page on privacy, the page that is shown while documents are being prepared and the technical "
    "details of an error are in English only.",
)
BEYOND = (
    "Quotes are shown in the language and the wording of their source. They may be long, technical or untranslated.",
    "Linked originals, such as PDF files, slides and recordings, belong to their publishers and were not assessed.",
)
ALSO = (
    "the keyboard alone leads from the question to the answer, its sources and back, with a visible focus at each stop",
    "a screen reader is told of each finished sentence once, politely",
    "nothing needs sideways scrolling at 320 px, at 200 % zoom or with wider text spacing",
    "everything that can be pressed is at least 24 px large, but for links inside a sentence",
    "nothing moves when less motion is asked for, and focus and borders stay visible in forced colours",
    "the page and its parts name their languages",
)


@router.get("/accessibility", response_class=HTMLResponse, include_in_schema=False)
def accessibility(assistant: Ready) -> HTMLResponse:
    """The statement, for anyone."""
    return page("Accessibility statement", statement(_found(), assistant.contact))


def statement(found: dict[str, Any], contact: str) -> str:
    """Its text, from what the tests found (accessibility.json) and the address of the setting `contact`."""
    return BODY.format(
        day=format_date(date.fromisoformat(found["date"]), "long", locale="en_GB"),
        tools=escape(" in ".join(found["with"])),
        looks=escape("; ".join(found["looks"])),
        known=_list([*_broken(found["states"]), *KNOWN]),
        beyond=_list(BEYOND),
        also=_list(ALSO),
        rows="".join(_row(name, state) for name, state in found["states"].items()),
        contact=contact_link(contact),
    )


@cache
def _found() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FOUND.read_text(encoding="utf-8"))
    return found


def _broken(states: dict[str, Any]) -> list[str]:
    """A sentence a rule that the tests saw broken."""
    where: dict[str, list[str]] = {}
    for name, state in states.items():
        for broken in state["violations"].values():
            where.setdefault(f"{broken['help']} ({broken['impact']})", []).append(name)
    return [f"Not yet kept: {rule}. Found in: {'; '.join(names)}." for rule, names in where.items()]


def _row(name: str, state: dict[str, Any]) -> str:
    impacts = [broken["impact"] for broken in state["violations"].values()]
    barriers = sum(impact in BARRIERS for impact in impacts)
    cells = (state["languages"], barriers, len(impacts) - barriers)
    return f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _list(sentences: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(sentence)}</li>' for sentence in sentences)}</ul>"


BODY = """
<p>The Cluster Talks Assistant is meant for everyone. This statement applies to its chat page, to the page that shows a
quote in its document, to the page that is shown while documents are being prepared, and to the pages on privacy and
accessibility. It follows the model of Commission Implementing Decision (EU) 2018/1523.</p>
<h2>Compliance status</h2>
<p>These pages are <strong>partially compliant</strong> with the Web Content Accessibility Guidelines (WCAG) 2.1 and
2.2, level AA, and with EN 301 549, which refers to WCAG 2.1. The non-compliances are listed below. Nobody outside the
project has audited the pages.</p>
<h2>What is not accessible</h2>
<h3>Known shortcomings</h3>{known}
<h3>Outside the scope of this statement</h3>{beyond}
<h2>How this statement was prepared</h2>
<p>By self-assessment, on {day}. Each state of the pages below was opened in a browser and tested with {tools}, by the
rules for WCAG 2.0, 2.1 and 2.2, levels A and AA, and by the rules for good practice. Each state was seen in these
looks: {looks}. Some were seen in all 24 official languages of the EU. Serious findings keep people out; lesser ones
are in their way.</p>
<table><caption>What was tested, and how many rules were found broken</caption><thead><tr><th scope="col">State</th>
<th scope="col">Languages</th><th scope="col">Serious</th><th scope="col">Lesser</th></tr></thead>
<tbody>{rows}</tbody></table>
<p>The same tests also check that:</p>{also}
<p>Tests of this kind find only a part of what can be wrong. The pages have not yet been tried with people who use
screen readers, magnifiers, switches or speech, nor with each such program.</p>
<h2>Feedback and contact</h2>
<p>Tell us of a barrier, or ask for an answer in another form: {contact}. Say which page it was, what you wanted to do,
and what you use to read it.</p>
<h2>Enforcement procedure</h2>
<p>If you get no answer, or none that helps, turn to the body that your country has named for complaints under
Directive (EU) 2016/2102 on the accessibility of the websites of public sector bodies.</p>"""
