"""Bytes → sections, one file a format. To add a format: write `read_<format>`, add its endings to READERS.

A reader returns a Reading and raises UnreadableDocument; empty text is an error, never success. Importing this loads no
reader: they are heavy, and only the process that reads needs them.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from pkgutil import resolve_name

from assistant.errors import UnreadableDocument
from ingest.readers.reading import Reading

READERS = {
    ".md": "markdown:read_markdown",
    ".markdown": "markdown:read_markdown",
    ".txt": "text:read_text",
    ".html": "html:read_html",
    ".htm": "html:read_html",
    ".xhtml": "html:read_html",
    ".pdf": "pdf:read_pdf",
    ".docx": "docx:read_docx",
    ".odt": "odt:read_odt",
    ".pptx": "pptx:read_pptx",
    ".xlsx": "sheets:read_xlsx",
    ".csv": "sheets:read_csv",
    ".tsv": "sheets:read_csv",
    ".epub": "epub:read_epub",
    ".vtt": "captions:read_vtt",
    ".srt": "captions:read_srt",
    ".eml": "mail:read_eml",
}


def load_readers() -> None:
    """Import every reader, for a process that will read many documents."""
    for name in READERS.values():
        resolve_name(f"{__name__}.{name}")


def read(data: bytes, uri: str, ending: str = "") -> Reading:
    """Read one document by its `ending`, else that of its uri. Raises UnreadableDocument."""
    ending = ending or PurePosixPath(uri).suffix.lower()
    if ending not in READERS:
        raise UnreadableDocument(
            f"{uri}: no reader for {ending or 'a file without ending'}.", f"Use {', '.join(READERS)}."
        )
    try:
        reading: Reading = resolve_name(f"{__name__}.{READERS[ending]}")(data)
    except UnreadableDocument as error:
        raise UnreadableDocument(f"{uri}: {error.detail}", error.remedy) from error
    if not any(section.text.strip() for section in reading.sections):
        raise UnreadableDocument(f"{uri}: no text was found in it.", "Check that it holds text, not only pictures.")
    return reading
