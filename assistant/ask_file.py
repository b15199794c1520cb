"""Ask a file of questions, each line a JSON object with the fields of POST /api/v1/ask and a `ref`: a line each.

They go in parts that one request may hold, so a file may have any number of lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.errors import BadRequest

if TYPE_CHECKING:
    from assistant.asking import Asker

MOST = 100  # lines of one request
LARGEST = 500_000  # characters of one request


def ask_file(file: Path, asker: Asker, progress: Callable[[str, int, int], None]) -> Iterator[dict[str, Any]]:
    """The lines of the answers in their order, each when it is ready, `index` counted from 0 over the whole file.
    Raises BadRequest where it is no text in UTF-8, ClusterTalksError where the server refuses."""
    lines = _read(file)
    done = 0
    for part in _parts(lines):
        before = done
        for row in asker.batch(part):
            done += 1
            progress("Asking questions", done, len(lines))
            yield {**row, "index": before + row["index"]}


def _read(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(f"{file} is no text in UTF-8.", "Save it as UTF-8, a JSON object a line.") from error
    if lines := [line for line in text.split("\n") if line.strip()]:
        return lines
    raise BadRequest(f"{file} is empty.", 'Write lines such as {"question": "Who organised the Talk?"}.')


def _parts(lines: list[str]) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for line in lines:
        if part and (len(part) == MOST or size + len(line) > LARGEST):
            yield part
            part, size = [], 0
        part.append(line)
        size += len(line)
    yield part
