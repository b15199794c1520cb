"""Ask a file of questions, each line a JSON object with the fields of POST /api/v1/ask and a `ref`: a line each.

They go in parts that one request may hold, so a file may have any number of lines. A server that takes fewer gets
smaller parts, and one that wants to be asked later is.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.api.batch import MAX_QUESTIONS
from assistant.errors import BadRequest, TooLarge, TooMany
from assistant.progress import Progress

if TYPE_CHECKING:
    from assistant.asking import Asker

LARGEST = 500_000  # characters of one request
PATIENCE = 600  # seconds to wait for the rate limit before one part


def ask_file(file: Path, asker: Asker, progress: Progress) -> Iterator[dict[str, Any]]:
    """The lines of the answers in their order, each when it is ready, `index` counted from 0 over the whole file.
    Raises BadRequest where it is no text in UTF-8, ClusterTalksError where the server refuses."""
    lines, done, most = _read(file), 0, MAX_QUESTIONS
    while done < len(lines):
        before, part = done, _part(lines[done : done + most])
        try:
            for row in _rows(part, asker, partial(progress, "Waiting for the rate limit", done, len(lines))):
                done += 1
                progress("Asking questions", done, len(lines))
                yield {**row, "index": before + row["index"]}
        except TooLarge:
            if (most := len(part) // 2) == 0:
                raise


def _rows(part: list[str], asker: Asker, waiting: Callable[[], None]) -> Iterator[dict[str, Any]]:
    """The answers to one part, as soon as the rate limit allows it."""
    patience = PATIENCE
    while True:
        try:
            yield from asker.batch(part)
            return
        except TooMany as error:
            if (patience := patience - error.wait) < 0:
                raise
            waiting()
            time.sleep(error.wait)


def _read(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(f"{file} is no text in UTF-8.", "Save it as UTF-8, a JSON object a line.") from error
    if lines := [line for line in text.split("\n") if line.strip()]:
        return lines
    raise BadRequest(f"{file} is empty.", 'Write lines such as {"question": "Who organised the Talk?"}.')


def _part(lines: list[str]) -> list[str]:
    """The first of these lines that are not too long together, one at least."""
    sizes = list(accumulate(map(len, lines)))
    return lines[: max(1, bisect_right(sizes, LARGEST))]
