"""The frame of pages that only tell something: the accessibility statement, what is kept. Nothing runs in them."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from fastapi.responses import HTMLResponse


def page(title: str, body: str) -> HTMLResponse:
    """A page of markup under a title, which is text."""
    return HTMLResponse(
        FRAME.format(title=escape(title), style=STYLE, body=body), headers={"Content-Security-Policy": POLICY}
    )


def contact_link(contact: str) -> str:
    """The setting `contact` as a link where it is an address."""
    address = escape(contact)
    if contact.startswith(("https://", "http://")):
        return f'<a href="{address}" rel="noopener noreferrer">{address}</a>'
    return f'<a href="mailto:{address}">{address}</a>' if "@" in contact else address


STYLE = """
:root {
  color-scheme: light dark;
  --ground: #f6f4ef; --ink: #1c2733; --muted: #55616d; --accent: #14606b; --line: #8c8577;
}
@media (prefers-color-scheme: dark) {
  :root { --ground: #10161d; --ink: #e6eaee; --muted: #a5b1bc; --accent: #6cc5c4; --line: #70808f; }
}
body { margin: 0 auto; max-width: 46rem; padding: 2rem 1rem 3rem; background: var(--ground); color: var(--ink);
  font: 1.05rem/1.6 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.9rem; line-height: 1.2; } h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; }
a { color: var(--accent); } nav a { display: inline-block; padding: .6rem 0; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
li { margin: .4rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .95rem; }
caption { text-align: start; color: var(--muted); padding-bottom: .5rem; }
th, td {
  padding: .45rem .5rem; border-bottom: 1px solid var(--line); text-align: start; vertical-align: top;
}
tbody th { font-weight: 400; overflow-wrap: anywhere; }
@media (max-width: 30rem) { table { font-size: .8rem; } th, td { padding: .4rem .15rem; } }
"""
HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Cluster Talks Assistant</title><style>{style}</style></head><body>
<header><nav aria-label="Back"><a href="./">Cluster Talks Assistant</a></nav></header><main>
<h1>{title}</h1>
{body}
</main></body></html>"""
