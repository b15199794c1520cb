"""What a reader returns, and the front matter that any format may carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from assistant.errors import UnreadableDocument
from assistant.records import Section


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

    @field_validator("topics", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        values = value if isinstance(value, list) else [value] if value else []
        return [str(item) for item in values]

    @field_validator("url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://")):
            raise ValueError("must start with https:// or http://")
        return value


@dataclass(frozen=True, slots=True)
class Reading:
    """The sections of a document and what it says about itself."""

    sections: tuple[Section, ...]
    meta: FrontMatter = field(default_factory=FrontMatter)


def front_matter(values: dict[str, object]) -> FrontMatter:
    """Checked front matter. Raises UnreadableDocument that names the key."""
    try:
        return FrontMatter.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        key = problem["loc"][0]
        raise UnreadableDocument(
            f"front matter: {key} is {problem['input']!r}: {problem['msg']}.", f"Correct {key} and ingest again."
        ) from error


def decode(data: bytes) -> str:
    """Text of a file. Raises UnreadableDocument when it is not UTF-8."""
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise UnreadableDocument(f"not UTF-8 at byte {error.start}.", "Save the file in the encoding UTF-8.") from error
