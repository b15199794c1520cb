"""What a response holds: its body unpacked, the ending that chooses its reader, and its text as UTF-8."""

from __future__ import annotations

import codecs
import re
from pathlib import PurePosixPath

import httpx

from ingest.web.failure import NotFetched
from ingest.web.limits import gather, inflate

OFFICE = "application/vnd.openxmlformats-officedocument."
ENDINGS = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "message/rfc822": ".eml",
    "application/epub+zip": ".epub",
    "text/vtt": ".vtt",
    "application/x-subrip": ".srt",
    "application/pdf": ".pdf",
    "application/json": ".json",
    "text/xml": ".xml",
    "application/xml": ".xml",
    f"{OFFICE}wordprocessingml.document": ".docx",
    f"{OFFICE}presentationml.presentation": ".pptx",
    f"{OFFICE}spreadsheetml.sheet": ".xlsx",
    "application/vnd.oasis.opendocument.text": ".odt",
}
TEXTS = {".html", ".htm", ".xhtml", ".md", ".markdown", ".txt", ".csv", ".tsv", ".vtt", ".srt"}
PAGES = {".html", ".htm", ".xhtml"}
KNOWN = TEXTS | set(ENDINGS.values())
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# Python knows stranger encodings, some of them slow enough to be an attack.
CHARSETS = re.compile(r"ascii|utf-8|utf-16(-[lb]e)?|iso8859-\d+|cp125\d|koi8-[ru]|mac-\w+")
# Browsers read these names as Windows-1252, and pages rely on it.
WESTERN = {"iso8859-1", "ascii"}


def body_of(response: httpx.Response, most: int) -> bytes:
    """The body unpacked here and not by httpx, which unpacks whatever comes and however much. Raises NotFetched."""
    packing = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packing in {"", "identity"}:
        return gather(response.iter_raw(), most)
    if packing in {"gzip", "x-gzip"}:
        return gather(inflate(response.iter_raw()), most)
    raise NotFetched(f"It is packed with {packing[:40]}, which was not asked for.", "Tell the site's owner.")


def ending_of(response: httpx.Response) -> str:
    """ ".html", ".pdf" and so on by the media type, then by the address; "" where neither tells."""
    media = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    by_address = PurePosixPath(response.request.url.path).suffix.lower()
    if media == "text/plain":
        return by_address if by_address in KNOWN else ".txt"
    return ENDINGS.get(media, by_address)


def as_utf8(data: bytes, ending: str, charset: str | None) -> tuple[bytes, str | None]:
    """A text in UTF-8 and "utf-8" where a byte order mark or `charset` tells rightly, else the bytes as they came.

    A page that was converted begins with such a mark, which outranks the charset that it may declare itself.
    """
    told = next((codec for mark, codec in MARKS.items() if data.startswith(mark)), charset)
    codec = _codec(told) if ending in TEXTS and told else None
    try:
        text = data.decode(codec) if codec else ""
    except ValueError:
        codec = None
    if codec in {None, "utf-8"}:
        return data, codec
    return text.encode("utf-8-sig" if ending in PAGES else "utf-8"), "utf-8"


def _codec(charset: str) -> str | None:
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return None
    return "cp1252" if name in WESTERN else name if CHARSETS.fullmatch(name) else None
