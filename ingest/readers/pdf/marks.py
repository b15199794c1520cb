"""What begins an item of a list, and what ends a sentence or a word that goes on in the next line."""

from __future__ import annotations

import re

from ingest.readers.outline import BULLETS

MAYBE = r"[-–—*o]|\d{1,2}[.)]|\(?[a-z]\)|[ivx]{1,4}\)"
MARK = re.compile(rf"(?:[{BULLETS}]\s*|(?:{MAYBE})\s+)(?=\S)")
LONE_MARK = re.compile(rf"[{BULLETS}]|{MAYBE}")
SENTENCE_END = re.compile(r"[.!?:;…][\"'»“”’)\]]*$")
LEADER = re.compile(r"(?:\s*\.){4,}\s*")
LISTED = re.compile(r" … \w+$")  # an entry of a table of contents, its leader made short
BROKEN_WORD = re.compile(r"[^\W\d_][-\u2010]$")
# "pre- and post-commercial" keeps its hyphen at the end of a line.
LINKS = frozenset("and or und oder bzw et ou y o e ed en of och eller og i oraz lub a nebo ja tai".split())


def joined(text: str, more: str) -> str:
    """Two lines of a text made one, a word that was broken between them whole again."""
    if not BROKEN_WORD.search(text) or more.split(maxsplit=1)[0] in LINKS:
        return f"{text} {more}"
    return (text[:-1] if more[0].islower() else text) + more
