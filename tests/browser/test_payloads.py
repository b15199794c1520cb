"""Text of documents and of questions runs nothing in the page: stored in a document, or reflected from a link."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import expect
from selectolax.lexbor import LexborHTMLParser

from tests.browser.conftest import Open, Visit
from tests.conftest import Server, copy_small_corpus, start_server, wait_until_ready

pytestmark = pytest.mark.browser

PAYLOADS = (
    "<script>window.owned=1</script>",
    "<img src=x onerror=window.owned=1>",
    "<svg onload=window.owned=1>",
    "<svg><script>window.owned=1</script></svg>",
    "<iframe srcdoc='<script>parent.owned=1</script>'></iframe>",
    "\"><script>window.owned=1</script>",
    "' onmouseover='window.owned=1' autofocus onfocus='window.owned=1",
    "</textarea></title></style><script>window.owned=1</script>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.owned=1>",
    "[click](javascript:window.owned=1)",
    "<a href='javascript:window.owned=1'>click</a>",
    "${window.owned=1} {{window.owned=1}} {% raw %} <%= window.owned=1 %>",
    "&lt;script&gt;window.owned=1&lt;/script&gt;",
    "<style>*{display:none}</style>",
    "<form action=https://example.eu><button>Ask</button></form>",
)  # fmt: skip
STORED = """---
title: "Danube innovation procurement workshop {payload}"
kind: events
language: en
url: "https://example.eu/?q='><script>window.owned=1</script>"
publisher: "Danubia {payload}"
---

## Who organised the Danube innovation procurement workshop {number}? {payload}

The Danube innovation procurement workshop number {number} was organised by the cluster Danubia. {payload}
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("hostile")
    corpus = copy_small_corpus(folder / "corpus")
    for number, payload in enumerate(PAYLOADS, 1):
        text = STORED.format(number=number, payload=payload.replace("\\", "\\\\").replace('"', '\\"'))
        (corpus / "events" / f"workshop-{number}.md").write_text(text, encoding="utf-8")
    with start_server(folder / "data", corpus) as running:
        wait_until_ready(running)
        yield running


def clean(seen: Visit) -> None:
    """Nothing of a payload ran or became an element of its own."""
    assert seen.page.evaluate("window.owned") is None
    made = "img, iframe, script, math, style, form[action], svg[onload], [onerror], [onmouseover], [onfocus], [href^='javascript:']"
    assert seen.page.locator(f":is(#talk, #sources, #chips) :is({made})").count() == 0
    expect(seen.page.locator("#ask")).to_be_visible()


def test_stored_text_runs_nothing(hostile: Server, visit: Open) -> None:
    seen = visit(hostile.address)
    seen.ask("Which cluster organised the Danube innovation procurement workshop?")
    expect(seen.page.locator(".answer")).to_contain_text("the cluster Danubia")
    clean(seen)
    card = seen.page.locator("#source-1")
    card.get_by_role("button", name="Ask about this source").click()
    expect(seen.page.locator("#chips li")).to_have_count(1)
    clean(seen)
    with seen.page.context.expect_page() as opening:
        card.get_by_role("link", name="Open in context").click()
    expect(opening.value.locator("mark#quote")).to_contain_text("the cluster Danubia")
    assert opening.value.evaluate("window.owned") is None
    opening.value.close()


def test_every_stored_payload_is_shown_as_text(hostile: Server) -> None:
    with httpx.Client(base_url=hostile.address) as client:
        documents = client.get("/api/v1/sources").json()["documents"]
        shown = [d for d in documents if d["uri"].startswith("events/workshop-")]
        assert len(shown) == len(PAYLOADS)
        for document in shown:
            page = client.get(f"/read/{document['id']}")
            assert "default-src 'none'" in page.headers["content-security-policy"]
            made = {node.tag for node in LexborHTMLParser(page.text).css("body *")}
            assert made <= {"main", "h1", "mark", "pre", "footer", "p", "a"}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_link_reflects_nothing_that_runs(server: Server, visit: Open, payload: str) -> None:
    seen = visit(f"{server.address}/?q={quote(payload)}")
    seen.answered()
    expect(seen.page.locator(".question")).to_have_text(" ".join(payload.split()))
    clean(seen)


def test_a_browser_is_told_to_keep_to_this_server(server: Server) -> None:
    with server.client() as client:
        for path in ("/", "/docs", "/api/v1/sources", "/healthz"):
            headers = client.get(path).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
