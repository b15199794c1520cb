"""Mail as a file (.eml): what its sender wrote, without what is quoted and without the signature."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import takewhile
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from assistant.errors import UnreadableDocument
from assistant.records import Section
from ingest.readers.archive import OLE
from ingest.readers.html import read_html, untitled
from ingest.readers.outline import plain
from ingest.readers.reading import Reading, decode, front_matter
from ingest.readers.text import read_text

HEADERS = ("from", "subject", "date")
ENCRYPTED = {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
PGP = "-----BEGIN PGP MESSAGE-----"
CHARSETS = re.compile(r"(?:utf|us-ascii|ascii|iso|latin|windows|cp|koi8|mac|euc|gb|big5|shift)[\w-]*", re.IGNORECASE)
SIGNATURES = {"-- ", "--"}
# The line over a quotation, and the line under which there is only an older mail.
SAID_BY = re.compile(
    r"(?:On|Am|Le|El|Il|Op|Em|W dniu)\b.{5,300}"
    r"(?:wrote|schrieb|a écrit|escribió|ha scritto|schreef|escreveu|napisał|pisze)\b[^:]{0,100}:"
)
OLDER = re.compile(
    r"^(?:-{2,} ?(?:Original Message|Ursprüngliche Nachricht|Message d.origine|Mensaje original) ?-{2,}"
    r"|_{10,}\s+(?:From|Von|De|Da|Van) ?:)",
    re.MULTILINE,
)
QUOTED = "blockquote[type=cite], .gmail_quote, .moz-cite-prefix, .moz-signature, #divRplyFwdMsg, #divRplyFwdMsg ~ *"


def read_eml(data: bytes) -> Reading:
    """The text of a mail; its subject is the title, its sender the publisher, its date the day of retrieval."""
    message = _message(data)
    title = _shown(_header(message, "subject") or "") or None
    values: dict[str, object] = {"title": title, "publisher": _sender(message), "retrieved": _day(message)}
    return Reading(untitled(_sections(message), title), front_matter(values), tuple(_attachments(message)))


def _message(data: bytes) -> EmailMessage:
    if data.startswith(OLE):
        raise UnreadableDocument("the mail is in Outlook's own format.", "Save it as .eml.")
    message = message_from_bytes(data, policy=policy.default)
    if not isinstance(message, EmailMessage) or not any(name in message for name in HEADERS):
        raise UnreadableDocument("it is no mail: it has no sender, subject or date.", "Save the mail as .eml anew.")
    if ENCRYPTED & {part.get_content_type() for part in message.walk()}:
        raise UnreadableDocument("the mail is encrypted.", "Save a copy of it that is decrypted.")
    return message


def _header(message: EmailMessage, name: str) -> Any:  # noqa: ANN401 - untyped
    """A header, None also when it is such that the parser fails on it."""
    with suppress(Exception):
        return message[name]
    return None


def _shown(text: object) -> str:
    """A header on one line; bytes that were not marked as encoded are taken for UTF-8, as programs write them."""
    return plain(str(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def _sender(message: EmailMessage) -> str | None:
    addresses = getattr(_header(message, "from"), "addresses", ())
    names = (_shown(address.display_name or address.addr_spec.strip("<>")) for address in addresses)
    return next(filter(None, names), None)


def _day(message: EmailMessage) -> date | None:
    moment = getattr(_header(message, "date"), "datetime", None)
    return moment.date() if moment else None


def _attachments(message: EmailMessage) -> Iterator[str]:
    for part in message.walk():
        in_page = part.get_content_maintype() == "image" and "content-id" in part
        if not in_page and (part.get_filename() or part.get_content_disposition() == "attachment"):
            name = _shown(part.get_filename() or "without a name")
            yield f"Attachment {name} was not read: ingest it as a file of its own."


# --- the text


def _sections(message: EmailMessage) -> tuple[Section, ...]:
    """Those of the plain text, else those of the page that the mail holds."""
    for kind, read in (("plain", _read_plain), ("html", _read_page)):
        part = _body(message, kind)
        if isinstance(part, EmailMessage) and (sections := read(part)):
            return sections
    return ()


def _body(message: EmailMessage, kind: str) -> object:
    try:
        return message.get_body((kind,))
    except AttributeError:  # a part that says it has parts, and has none
        return next((part for part in message.walk() if part.get_content_type() == f"text/{kind}"), None)


def _content(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    charset = part.get_content_charset("utf-8")
    with suppress(LookupError, UnicodeDecodeError):
        if CHARSETS.fullmatch(charset):
            return data.decode(charset).replace("\r\n", "\n")
    return decode(data)


def _read_plain(part: EmailMessage) -> tuple[Section, ...]:
    text = _content(part)
    if PGP in text:
        raise UnreadableDocument("the mail is encrypted.", "Save a copy of it that is decrypted.")
    older = OLDER.search(text)
    if older and text[: older.start()].strip():
        text = text[: older.start()]
    lines = ["" if line.startswith(">") else line for line in takewhile(_is_body, text.split("\n"))]
    text = "\n".join(_joined(lines, part) if part.get_param("format") == "flowed" else lines)
    blocks = [block for block in re.split(r"\n\s*\n", text) if not SAID_BY.fullmatch(plain(block))]
    return tuple(section for section in read_text("\n\n".join(blocks).encode()).sections if section.text)


def _is_body(line: str) -> bool:
    return line not in SIGNATURES


def _joined(lines: list[str], part: EmailMessage) -> Iterator[str]:
    """The lines that were written, of lines that end with a blank where a mail program broke them (RFC 3676)."""
    broken = ""
    for line in lines:
        text = line.removeprefix(" ")
        if text.endswith(" "):
            broken += text[:-1] if str(part.get_param("delsp")).lower() == "yes" else text
        else:
            yield broken + text
            broken = ""
    yield broken


def _read_page(part: EmailMessage) -> tuple[Section, ...]:
    text = _content(part)
    page = LexborHTMLParser(text)
    for quoted in reversed(page.css(QUOTED)):  # what lies in another goes before it
        quoted.decompose()
    # The mark keeps a charset that the page declares, which the mail has overruled, from being believed.
    return read_html((page.html or "").encode("utf-8-sig")).sections or read_html(text.encode("utf-8-sig")).sections
