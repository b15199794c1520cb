"""`sources.toml`: which pages, files and sitemaps a knowledge base is made of, and how often each is looked at."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Annotated

import httpx
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails

from assistant.errors import UnreadableDocument

WEB = ("https://", "http://")
REMEDIES = {
    "string_type": "write it in quotes",
    "tuple_type": 'write a list: ["/guidance/"]',
    "string_too_short": "fill it or remove it",
    "model_type": "write address = and the other keys below [[source]]",
}
EVERY = re.compile(r"([1-9]\d{0,3}) (minute|hour|day|week)s?")


def _every(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = EVERY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('write a number and a unit: "30 minutes", "12 hours", "7 days" or "2 weeks"')
    return timedelta(**{f"{match[2]}s": int(match[1])})


def _address(value: str) -> str:
    if value.startswith(WEB):
        return _web_address(value)
    if "://" in value:
        raise ValueError("begin it with https:// or http://, or write a path relative to this file")
    if not value or PurePosixPath(value).is_absolute():
        raise ValueError("write a path relative to this file")
    return value


def _web_address(value: str) -> str:
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL as error:
        raise ValueError(f"correct the address: {error}") from error
    if not url.host or url.userinfo:
        raise ValueError("name a host, without user name and password")
    return value


def _prefix(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError('write the beginning of a path: "/guidance/"')
    return value


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Prefix = Annotated[str, AfterValidator(_prefix)]


class Source(BaseModel):
    """One entry: where it is, what is said of all its documents, and how often it is looked at (None: every run)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: Annotated[str, AfterValidator(_address)]
    kind: Name | None = None
    licence: Name | None = None
    publisher: Name | None = None
    language: Name | None = None
    every: Annotated[timedelta | None, BeforeValidator(_every)] = None
    include: tuple[Prefix, ...] = ()
    exclude: tuple[Prefix, ...] = ()

    @field_validator("include", "exclude")
    @classmethod
    def _of_a_site(cls, value: tuple[str, ...], entry: ValidationInfo) -> tuple[str, ...]:
        if value and not str(entry.data.get("address", WEB[0])).startswith(WEB):
            raise ValueError("remove it: only what a sitemap on the web lists can be chosen from")
        return value

    @property
    def given(self) -> dict[str, str]:
        """The front matter that the list says of its documents."""
        return self.model_dump(include={"kind", "licence", "publisher", "language"}, exclude_none=True)

    def wants(self, address: str) -> bool:
        """Whether an address that its sitemap lists lies below `include` (default: all) and not below `exclude`."""
        path = httpx.URL(address).path
        return path.startswith(self.include or ("/",)) and not path.startswith(self.exclude)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    source: list[Source] = Field(default=[])


def read_sources(file: Path) -> list[Source]:
    """The entries of a sources file, in its order. Raises UnreadableDocument that names the entry and the key."""
    try:
        sources = _File.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))).source
    except OSError as error:
        raise UnreadableDocument(f"{file}: {error.strerror}.", "Check the file and its permissions.") from error
    except UnicodeDecodeError as error:
        raise UnreadableDocument(f"{file}: not UTF-8 at byte {error.start}.", "Save it in UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise UnreadableDocument(f"{file}: not TOML: {error}.", "Correct that line.") from error
    except ValidationError as error:
        misspelt = [problem for problem in error.errors() if problem["type"] == "extra_forbidden"]
        raise _explained(file, (misspelt or error.errors())[0]) from error
    _check_once(file, sources)
    return sources


def _explained(file: Path, problem: ErrorDetails) -> UnreadableDocument:
    place = list(problem["loc"])
    key = str(place[2]) if len(place) > 2 else str(place[0])  # noqa: PLR2004
    entry = f", entry {int(place[1]) + 1}" if len(place) > 1 else ""
    detail, remedy = _words(problem, key, Source.model_fields if len(place) > 2 else _File.model_fields)  # noqa: PLR2004
    return UnreadableDocument(f"{file}{entry}: {detail}", remedy)


def _words(problem: ErrorDetails, key: str, known: Iterable[str]) -> tuple[str, str]:
    if problem["type"] == "extra_forbidden":
        return f"there is no key {key}.", f"Use {', '.join(known)}."
    if problem["type"] == "missing":
        return f"{key} is missing.", f"Add {key}."
    if key == "source":
        return "source is not a list of entries.", "Begin each entry with [[source]]."
    message = REMEDIES.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")
    return f"{key} is {problem['input']!r}.", f"{message[:1].upper()}{message[1:]}."


def _check_once(file: Path, sources: list[Source]) -> None:
    first: dict[str, int] = {}
    for number, source in enumerate(sources, 1):
        if source.address in first:
            raise UnreadableDocument(
                f"{file}, entry {number}: address {source.address} is that of entry {first[source.address]} too.",
                "Keep one of them.",
            )
        first[source.address] = number
