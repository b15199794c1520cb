"""What stands at the top or bottom of many pages: headers, footers and page numbers, which are no text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ingest.readers.pdf.lines import Line

ZONE = 0.14  # of a page's height, at its top and at its bottom
PAGES, SHARE = 3, 0.5  # a header or footer stands on so many pages, and on that share of them
NUMBER = re.compile(r"[\W_]*(?:\d{1,4}|[ivxlc]{1,7})(?:\s*[/|]\s*\d{1,4})?[\W_]*")

_Key = tuple[bool, str, float]


def without_margins(pages: Sequence[tuple[Sequence[Line], float]]) -> list[list[Line]]:
    """The lines of each page, given with its height, but for headers, footers and bare page numbers."""
    keys = [{line: key for line in lines if (key := _key(line, height))} for lines, height in pages]
    counts = Counter(key for page in keys for key in set(page.values()))
    least = max(PAGES, SHARE * sum(bool(lines) for lines, _ in pages))
    kept = [
        [line for line in lines if counts[page.get(line, _NOWHERE)] < least]
        for (lines, _), page in zip(pages, keys, strict=True)
    ]
    return [[line for line in lines if not _number(line, lines, page)] for lines, page in zip(kept, keys, strict=True)]


_NOWHERE: _Key = (False, "", 0.0)


def _key(line: Line, height: float) -> _Key | None:
    """Where a line of the margins stands, and what it says but for numbers."""
    top = line.y0 > (1 - ZONE) * height
    return (top, re.sub(r"\d+", "#", line.text), line.size) if top or line.y1 < ZONE * height else None


def _number(line: Line, lines: Sequence[Line], margins: dict[Line, _Key]) -> bool:
    """Whether a line is a page number that stands alone at its height."""
    if line not in margins or not NUMBER.fullmatch(line.text):
        return False
    return not any(line.beside(other) for other in lines if other is not line)
