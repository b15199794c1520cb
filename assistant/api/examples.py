"""Examples of the API's document: a question, its answer, recorded and shortened, and the same as events and lines."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from pydantic import TypeAdapter

from assistant.records import Anchor, Answer, Citation, Sentence

QUESTION: dict[str, Any] = {"question": "Wer bleibt bei einer PCP Eigentümer der Schutzrechte?", "language": "auto"}
QUESTIONS: list[dict[str, Any]] = [QUESTION | {"ref": "a"}, {"question": "", "ref": "b"}]

_TEXT = (
    "The supplier owns the intellectual property (IP, IPR, patents) that arises in a pre-commercial procurement (PCP)."
)
_NOTICE = "Die Zitate sind auf Englisch."
_CITATION = Citation(
    number=1,
    document="7050b1ae44334a91",
    title="Intellectual property in a pre-commercial procurement (PCP)",
    uri="procedures/pcp-intellectual-property.md",
    url="https://rosia-pcp.eu/pre-commercial-procurements/",
    anchor=Anchor(
        ("Who keeps the intellectual property in a PCP?",), fragment="who-keeps-the-intellectual-property-in-a-pcp"
    ),
    link="/read/7050b1ae44334a91?edition=1&start=342&end=455#quote",
    quote=_TEXT,
    span=(342, 455),
    valid_from=None,
    valid_until=None,
    edition=1,
    digest="db93cb019902149e45359b83abdd9985e1c348b400ecad6d7454e5ede26140bd",
    publisher="European Commission, DG CNECT",
    retrieved=date(2026, 11, 15),
)
_ANSWER = Answer(
    id="5f0c4a1d9b7e4c0f8a6d3b2e1c9f7a50",
    answer=f"{_TEXT} [1]\n\n{_NOTICE}",
    abstained=False,
    reason=None,
    language="de",
    question_used="Wer bleibt bei einer PCP Eigentümer der Schutzrechte?",
    sentences=(Sentence(_TEXT, (1,)), Sentence(_NOTICE, kind="notice")),
    citations=(_CITATION,),
    suggestions=("Zu welchem Preis werden Nutzen und Risiken bei einer PCP geteilt?",),
    edition=1,
    engine="quotes",
    margin=-5.4,
    timings_ms={"total": 186.9, "search": 38.3, "read": 138.8},
    settings="9b1c1f4f0a6d2e57",
    version="0.1.0",
    edition_digest="682a7ff9e7cb0e11ecf2bbb5c3cf7ede11c7ddf42ad139cf3845d4e786fb6295",
    as_of=date(2026, 11, 26),
)
ANSWER: dict[str, Any] = TypeAdapter(Answer).dump_python(_ANSWER, mode="json")

EVENTS = """event: status
data: {"stage": "search"}
id: 5f0c….1.1.9d1a…
retry: 2000

event: sentence
data: {"text": "…", "citations": [1], "kind": "quote", "new_citations": [{"number": 1, "title": "…"}]}
id: 5f0c….1.3.9d1a…
retry: 2000

event: done
data: {"id": "5f0c…", "answer": "… [1]", "abstained": false}
id: 5f0c….1.5.9d1a…
retry: 2000
"""
LINES = (
    '{"index": 0, "ref": "a", "answer": {"id": "5f0c…", "answer": "… [1]", "abstained": false}}\n'
    '{"index": 1, "ref": "b", "error": {"title": "…", "status": 422, "detail": "…", "remedy": "…"}}'
)


def ndjson(rows: list[dict[str, Any]]) -> str:
    """Rows as lines of JSON."""
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
