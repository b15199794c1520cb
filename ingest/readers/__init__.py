"""Bytes → sections, one file a format. To add a format: write `read_<format>`, add its endings to READERS.

A reader returns a Reading and raises UnreadableDocument; empty text is an error, never success.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from assistant.errors import UnreadableDocument
from ingest.readers.html import read_html
from ingest.readers.markdown import read_markdown
from ingest.readers.reading import Reading
from ingest.readers.text import read_text

READERS: dict[str, Callable[[bytes], Reading]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_text,
    ".html": read_html,
    ".htm": read_html,
}


def read(data: bytes, uri: str) -> Reading:
    """Read one document by the ending of its uri. Raises UnreadableDocument."""
    ending = PurePosixPath(uri).suffix.lower()
    if ending not in READERS:
        raise UnreadableDocument(
            f"{uri}: no reader for {ending or 'a file without ending'}.", f"Use {', '.join(READERS)}."
        )
    try:
        reading = READERS[ending](data)
    except UnreadableDocument as error:
        raise UnreadableDocument(f"{uri}: {error.detail}", error.remedy) from error
    if not any(section.text.strip() for section in reading.sections):
        raise UnreadableDocument(f"{uri}: no text was found in it.", "Check that it holds text, not only pictures.")
    return reading
