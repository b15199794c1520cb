"""Addresses and markup in a sentence: they must stand letter for letter in a unit that supports it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.verify.case import Case

ADDRESS = re.compile(
    r"!?\[[^\]\n]*\]\s?[(\[][^)\]\n]*[)\]]|^\s*\[[^\]\n]+\]:\s*\S+|</?[a-zA-Z!?][^>\n]*>?|&#?\w{1,8};"
    r"|\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}:(?://)?[^\s\d][^\s]{2,}|//[\w-]+\.\S+|[\w.+-]{1,64}@[\w-]+\S*"
    r"|\b(?:www\.\S+|(?:[\w-]{1,63}\.){1,8}[a-z]{2,12}\b(?:[/:?#]\S*)?)",
    re.MULTILINE,
)
ENDS = ".,;:!?)»”\"'"  # what may follow an address


def addresses(case: Case) -> Iterator[str]:
    """An address, link, image or mark-up that no unit of the support has."""
    places = [case.units[unit].marked.text for unit in case.support]
    for match in ADDRESS.finditer(case.claim.marked.text):
        if not any(match.group().rstrip(ENDS) in place for place in places):
            yield "address"
