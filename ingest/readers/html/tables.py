"""Tables of a page: which rows name the columns, and what a row says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from selectolax.lexbor import LexborNode

from ingest.readers.html.blocks import defined


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """A cell: `linked` are characters of links, `names` says that it names a column or row."""

    text: str
    linked: int = 0
    names: bool = False


NO_CELL = Cell("")
NO_TABLE = {"presentation", "none"}
MAX_SPAN = {"rowspan": 200, "colspan": 30}


def span(node: LexborNode, name: str) -> int:
    """How many rows or columns a cell takes, within what is sensible."""
    digits = re.match(r"\s*\d{1,5}", node.attributes.get(name) or "")
    return max(1, min(int(digits.group()), MAX_SPAN[name])) if digits else 1


def split(rows: list[list[Cell]]) -> tuple[list[str], list[list[Cell]]]:
    """The names of the columns, and the rows that they are for: after titles over the whole width."""
    titles = list(takewhile(_is_title, rows))
    rest = rows[len(titles) :]
    head = list(takewhile(_names_columns, rest))
    if not head and rest and not any(cell.names for cell in rest[0]):
        head = rest[:1]
    if len(head) == len(rest):
        return [], rows
    width = max(map(len, head), default=0)
    columns = ([row[at].text for row in head if at < len(row) and row[at].text] for at in range(width))
    return [" ".join(dict.fromkeys(names)) for names in columns], titles + rest[len(head) :]


def _is_title(row: Sequence[Cell]) -> bool:
    return len(set(row)) == 1


def _names_columns(row: Sequence[Cell]) -> bool:
    return any(cell.names for cell in row[1:]) and all(cell.names or not cell.text for cell in row)


def row_of(header: list[str], row: Sequence[Cell]) -> tuple[list[str], list[str]]:
    """What `Outline.row` is told of a row."""
    if _is_title(row):
        return [], [row[0].text]
    cells = [cell.text for cell in row]
    if not header and row[0].names:
        return [], [defined(cells[0], cells[1]), *cells[2:]]
    return header, cells
