"""Plain text: paragraphs parted by blank lines, list items by their bullet."""

from __future__ import annotations

import re

from assistant.records import Section
from ingest.readers.reading import Reading, decode

BULLET = re.compile(r"^\s*(?:[-*•‣–]|\d{1,2}[.)])\s+")


def read_text(data: bytes) -> Reading:
    """One section that holds the whole text; lines of a paragraph are joined."""
    blocks = re.split(r"\n\s*\n", decode(data).strip())
    return Reading((Section("\n\n".join(_block(block) for block in blocks)),))


def _block(block: str) -> str:
    lines: list[str] = []
    for line in (" ".join(line.split()) if not BULLET.match(line) else line for line in block.splitlines()):
        if BULLET.match(line):
            lines.append("- " + " ".join(BULLET.sub("", line).split()))
        elif lines:
            lines[-1] += f" {line}"
        else:
            lines.append(line)
    return "\n".join(lines)
