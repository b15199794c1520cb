"""Small pieces of markup. Whatever a question or a document says goes through html.escape here."""

from __future__ import annotations

import re
from html import escape

from assistant.language import say

DIGITS = re.compile(r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)")
ADDRESS = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")


def said(message: str, language: str, **values: object) -> str:
    """A message of the catalogues, escaped."""
    return escape(say(message, language, **values))


def plain(text: str) -> str:
    """Escaped, with the groups of a long number kept on one line."""
    return DIGITS.sub(lambda found: f'<span class="digits">{found.group()}</span>', escape(text))


def linked(text: str) -> str:
    """Escaped, with the addresses in it as links."""
    found = ADDRESS.search(text)
    if not found:
        return escape(text)
    address = escape(found.group())
    link = f'<a href="{address}" target="_blank" rel="noopener noreferrer">{address}</a>'
    return f"{escape(text[: found.start()])}{link}{linked(text[found.end() :])}"
