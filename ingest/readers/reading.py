"""What a reader returns, and the front matter that any format may carry."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from charset_normalizer import from_bytes
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from assistant.errors import UnreadableDocument
from assistant.records import Section
from ingest.readers.outline import plain

# What programs put where a title should be, and people leave there.
NO_TITLE = re.compile(
    r"microsoft \w+ - .*|untitled.*|word document|.*\bpowerpoint\b.*|(slide|folie|presentation|präsentation) ?\d*|",
    re.IGNORECASE,
)
ENDING = re.compile(r"\.(docx?|dotx?|odt|rtf|pdf|pptx?|xlsx?|indd|qxd|tex|html?)$", re.IGNORECASE)
TELLING = 3  # words from which on the name of a file is a title
LANGUAGE = re.compile(r"[A-Za-z]{2}(?![A-Za-z])")


class FrontMatter(BaseModel):
    """What a document says about itself. Keys that are not ours are ignored; ours must have the right type."""

    model_config = ConfigDict(extra="ignore")

    title: str | None = None
    kind: str | None = None
    language: str | None = None
    url: str | None = None
    publisher: str | None = None
    licence: str | None = None
    retrieved: date | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    supersedes: str | None = None
    event_date: date | None = None
    topics: tuple[str, ...] = ()
    part_of: str | None = None

    @field_validator("topics", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        values = value if isinstance(value, list | tuple) else [value] if value else []
        return [str(item) for item in values]

    @field_validator("url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://")):
            raise ValueError("must start with https:// or http://")
        return value


@dataclass(frozen=True, slots=True)
class Reading:
    """The sections of a document and what it says about itself; `notes`: what was left out, told in the report."""

    sections: tuple[Section, ...]
    meta: FrontMatter = field(default_factory=FrontMatter)
    notes: tuple[str, ...] = ()


def front_matter(values: dict[str, object]) -> FrontMatter:
    """Checked front matter. Raises UnreadableDocument that names the key."""
    try:
        return FrontMatter.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        key = problem["loc"][0]
        remedy = f"Write {key} as YYYY-MM-DD." if "date" in problem["type"] else f"Correct {key} and ingest again."
        raise UnreadableDocument(f"front matter: {key} is {problem['input']!r}: {problem['msg']}.", remedy) from error


def own_title(title: str | None) -> str | None:
    """What a file's properties say its title is; None where it tells nothing, or is a file's name that tells little."""
    text = plain(title or "")
    name = ENDING.sub("", text)
    return None if NO_TITLE.fullmatch(text) or (name != text and len(name.split()) < TELLING) else name


def language_of(tag: str | None) -> str | None:
    """The two letters of a language tag such as "pt-BR"."""
    return found.group().lower() if (found := LANGUAGE.match(tag or "")) else None


def decode(data: bytes) -> str:
    """Text of a file: UTF-8, else the encoding it most likely has. Raises UnreadableDocument when it is no text."""
    text = _decoded(data).replace("\r\n", "\n").replace("\r", "\n")
    if any(character in text for character in NOT_TEXT):
        raise UnreadableDocument("it holds bytes that are no text.", "Give it the ending of its format.")
    return text


NOT_TEXT = frozenset(map(chr, range(32))) - set("\t\n\f\x1b")


def _decoded(data: bytes) -> str:
    marked = next((name for mark, name in MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        return data.decode(marked)
    except UnicodeDecodeError as error:
        guess = from_bytes(data, cp_isolation=ENCODINGS).best() if marked == "utf-8" else None
        if guess is None:
            detail = f"not {marked.upper()} at byte {error.start}."
            raise UnreadableDocument(detail, "Save the file as UTF-8.") from error
        return str(guess)


# Byte order marks, and what is tried for text without one that is not UTF-8: the encodings of Europe before Unicode.
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
ENCODINGS = ["cp1252", "cp1250", "cp1253", "cp1251", "cp1257"]
