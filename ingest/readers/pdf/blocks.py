"""Lines in reading order → headings, paragraphs, items and rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

from ingest.readers.outline import BULLET, looks_like_heading
from ingest.readers.pdf.lines import Line
from ingest.readers.pdf.marks import LISTED, MARK, SENTENCE_END, joined

LARGER = 1.08  # than the body: the size of a heading
LEVELS, HEADING_LENGTH = 4, 160
SPREAD, INDENT = 0.3, 0.8  # of the size: white beyond the usual, and indentation, that begin a paragraph
FOOTNOTE = 0.93  # of the body's size


@dataclass
class Block:
    """Lines that belong together; `page` counts from 1, `turned`: it stands at the head of a page or column, `bold`:
    all of it is."""

    page: int
    kind: str
    text: str
    size: float
    turned: bool
    bold: bool = False
    level: int = 0


def blocks(pages: Sequence[tuple[int, Sequence[Line]]]) -> list[Block]:
    """The blocks of pages, each given by its number and its lines in reading order."""
    body = _body(line for _, lines in pages for line in lines)
    usual = _usual_gap([lines for _, lines in pages], body)
    found = [block for page, lines in pages for block in _of_page(page, lines, usual)]
    for block in found:
        if _is_heading(block, body):
            block.kind = "heading"
    sizes = sorted({block.size for block in found if block.kind == "heading"}, reverse=True)
    for block in found:
        block.level = min(sizes.index(block.size) + 1, LEVELS) if block.kind == "heading" else 0
    return _carried(found, body)


def _body(lines: Iterable[Line]) -> float:
    """The size of most characters."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _usual_gap(pages: Iterable[Sequence[Line]], body: float) -> float:
    """The white between most lines of the body, as a share of its size."""
    gaps = Counter(
        round(above.gap(below) / body, 1)
        for lines in pages
        for above, below in pairwise(lines)
        if above.size == below.size == body and abs(above.gap(below)) < body
    )
    return gaps.most_common(1)[0][0] if gaps else 0.0


def _of_page(page: int, lines: Sequence[Line], usual: float) -> Iterator[Block]:
    part: list[Line] = []
    kind, turned = "paragraph", True
    for line in lines:
        begins = _begins(part, line, kind, usual)
        if part and begins:
            yield _block(page, part, turned, kind)
            turned, part = _jumps(part[-1], line), []
        if not part:
            kind = begins or "paragraph"
        part.append(line)
    yield from [_block(page, part, turned, kind)] if part else []


def _block(page: int, lines: Sequence[Line], turned: bool, kind: str) -> Block:
    text = reduce(joined, (line.text for line in lines))
    text = MARK.sub("", text, count=1) if kind == "item" else text
    return Block(page, kind, text, lines[0].size, turned, all(line.bold for line in lines))


def _begins(part: Sequence[Line], line: Line, kind: str, usual: float) -> str:
    """The kind of block that a line begins, "" if it goes on with the block before it."""
    if line.row:
        return "row"
    parted = not part or kind == "row" or not _adjoins(part[-1], line, usual) or _set_off(part, line)
    fresh = parted or kind == "item" or bool(SENTENCE_END.search(part[-1].text))
    if BULLET.match(line.text) or (fresh and MARK.match(line.text)):
        return "paragraph" if line.bold and line.text[0].isdigit() and looks_like_heading(line.text) else "item"
    return "paragraph" if parted or (_leaves_item if kind == "item" else _opens)(part, line) else ""


def _jumps(above: Line, line: Line) -> bool:
    return line.y1 > above.y1 + above.size


def _adjoins(above: Line, line: Line, usual: float) -> bool:
    """Whether a line is of the same size and right below or beside another."""
    if abs(above.size - line.size) > LARGER * above.size - above.size:
        return False
    if above.beside(line):
        return line.x0 > above.x0
    close = -line.size < above.gap(line) <= (usual + SPREAD) * line.size
    return close and line.x0 < above.x1 and line.x1 > above.x0


def _set_off(part: Sequence[Line], line: Line) -> bool:
    """Whether one of two lines below each other is in bold and looks like a heading, the other text."""
    above = part[-1]
    if above.bold == line.bold or above.beside(line) or line.text[0].islower():
        return False
    if line.bold:
        return looks_like_heading(line.text) and bool(SENTENCE_END.search(above.text))
    return all(other.bold for other in part) and looks_like_heading(reduce(joined, (other.text for other in part)))


def _opens(part: Sequence[Line], line: Line) -> bool:
    """Whether a sentence that ends above a line ends its paragraph: by an indent, or as a word more had fitted."""
    above = part[-1]
    if not SENTENCE_END.search(above.text) or above.beside(line):
        return False
    return line.x0 > min(other.x0 for other in part) + INDENT * line.size or _had_room(part, line)


def _leaves_item(part: Sequence[Line], line: Line) -> bool:
    """Whether a line below an item is none of its lines: it stands further left, or had fitted above."""
    hanging = len(part) > 1 and part[-1].x0 > part[0].x0 + 1
    return line.x0 < part[0].x0 - 1 or (hanging and line.x0 < part[-1].x0 - 1) or _had_room(part, line)


def _had_room(part: Sequence[Line], line: Line) -> bool:
    """Whether the first word of a line would have fitted on the line above."""
    letter = (line.x1 - line.x0) / len(line.text)
    edge = max(other.x1 for other in (*part, line))
    return part[-1].x1 + letter * (len(line.text.split()[0]) + 1) < edge - letter


def _is_heading(block: Block, body: float) -> bool:
    letters = sum(character.isalpha() for character in block.text)
    short = len(block.text) <= HEADING_LENGTH and not block.text.endswith((".", ";", ","))
    return (
        block.kind != "row" and block.size > LARGER * body and letters > 1 and short and not LISTED.search(block.text)
    )


def _carried(found: Sequence[Block], body: float) -> list[Block]:
    """Text that goes on at the head of a page or column joined to where it began, past the footnotes in between."""
    told: list[Block] = []
    for block in found:
        before = next((other for other in reversed(told) if other.size >= FOOTNOTE * body), None)
        goes_on = block.turned and block.kind == "paragraph" and block.text[0].islower()
        if goes_on and before and before.kind in ("paragraph", "item") and not SENTENCE_END.search(before.text):
            before.text, before.bold = joined(before.text, block.text), before.bold and block.bold
        else:
            told.append(block)
    return told
