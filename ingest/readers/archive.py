"""What formats share that are zip files of XML: a look at what one claims to hold before anything is unpacked."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from lxml import etree

from assistant.errors import UnreadableDocument

MAX_ENTRIES = 5_000
MAX_UNPACKED = 300_000_000
MAX_RATIO, RATIO_FROM = 200, 1_000_000  # unpacked to packed size, of entries of at least so many bytes
OLE = b"\xd0\xcf\x11\xe0"
ENCRYPTED = 0x1  # flag of an entry
FORMATS = ".docx, .pptx, .xlsx, .odt or .epub"
NEW_COPY = "Open it in the program that made it and save it anew."


# What zipfile raises on damaged data, in the directory as well as in an entry.
_DAMAGE = (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, zlib.error)
# What a library of a format raises besides its own errors where parts, elements or attributes are missing.
_GAPS = (LookupError, AttributeError, TypeError, AssertionError, etree.LxmlError)


def open_archive(data: bytes, save_as: str = FORMATS) -> zipfile.ZipFile:
    """The archive, nothing of it unpacked. Raises UnreadableDocument when it is none, encrypted or unreasonable."""
    if data.startswith(OLE):
        raise UnreadableDocument(
            "the file is encrypted or in an old binary Office format.", f"Save it without a password as {save_as}."
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _DAMAGE as error:
        raise UnreadableDocument("the file is damaged: it is no whole zip archive.", NEW_COPY) from error
    if problem := _problem(archive.infolist()):
        raise UnreadableDocument(f"the file cannot be opened safely: {problem}.", NEW_COPY)
    return archive


def _problem(entries: list[zipfile.ZipInfo]) -> str | None:
    if len(entries) > MAX_ENTRIES:
        return f"it holds {len(entries):,} entries, over {MAX_ENTRIES:,}"
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED:
        return f"it would unpack to {unpacked:,} bytes, over {MAX_UNPACKED:,}"
    name, times = Counter(entry.filename for entry in entries).most_common(1)[0] if entries else ("", 0)
    if times > 1:
        return f"it holds {name!r} {times} times"
    return next((problem for entry in entries if (problem := _entry_problem(entry))), None)


def _entry_problem(entry: zipfile.ZipInfo) -> str | None:
    if entry.flag_bits & ENCRYPTED:
        return f"its entry {entry.filename!r} is encrypted"
    if entry.file_size > RATIO_FROM and entry.file_size > MAX_RATIO * entry.compress_size:
        return f"its entry {entry.filename!r} unpacks to over {MAX_RATIO} times its size"
    return None


def read_entry(archive: zipfile.ZipFile, name: str) -> bytes:
    """One entry, never more of it than the directory says. Raises UnreadableDocument when it is missing or damaged."""
    try:
        with archive.open(name) as entry:
            return entry.read(archive.getinfo(name).file_size)  # without a size all would be unpacked, whatever it is
    except KeyError as error:
        raise UnreadableDocument(f"the file is incomplete: it has no {name!r}.", NEW_COPY) from error
    except _DAMAGE as error:
        raise UnreadableDocument(f"the file is damaged at {name!r}.", NEW_COPY) from error


@contextmanager
def damage_told(*errors: type[Exception]) -> Iterator[None]:
    """What a library raises on a file that is not whole, `errors` its own, becomes UnreadableDocument."""
    try:
        yield
    except (*_DAMAGE, *_GAPS, *errors) as error:
        raise UnreadableDocument("the file is damaged or incomplete.", NEW_COPY) from error


def parse_xml(data: bytes) -> etree._Element:
    """The root of an XML text; nothing outside of it is looked up. Raises UnreadableDocument, also on own entities."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableDocument(f"the file is damaged: its XML cannot be read ({error.msg}).", NEW_COPY) from error
    refuse_entities(root)
    return root


def refuse_entities(root: etree._Element) -> None:
    """Raises UnreadableDocument when a text declares entities, which no writer of documents does."""
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(True for _ in dtd.iterentities()):
        raise UnreadableDocument("the file cannot be opened safely: its XML declares entities.", NEW_COPY)
