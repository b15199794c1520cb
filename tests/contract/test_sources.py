"""sources.toml is read strictly, and what is wrong in it is named with its entry and key."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from assistant.errors import UnreadableDocument
from ingest.web.sources import Source, read_sources

GOOD = """
[[source]]
address = "https://example.eu/guidance/sitemap.xml"
kind = "rules"
licence = "CC BY 4.0"
publisher = "Ministère de l’Économie"
language = "en"
every = "7 days"
include = ["/guidance/", "/règles/"]
exclude = ["/guidance/old/"]

[[source]]
address = "reports/übersicht.pdf"
"""


def read(folder: Path, text: str) -> list[Source]:
    file = folder / "sources.toml"
    file.write_text(text, encoding="utf-8")
    return read_sources(file)


def test_entries(tmp_path: Path) -> None:
    site, file = read(tmp_path, GOOD)
    assert site == Source(
        address="https://example.eu/guidance/sitemap.xml",
        kind="rules",
        licence="CC BY 4.0",
        publisher="Ministère de l’Économie",
        language="en",
        every=timedelta(days=7),
        include=("/guidance/", "/règles/"),
        exclude=("/guidance/old/",),
    )
    assert (file.address, file.every, file.include) == ("reports/übersicht.pdf", None, ())
    with pytest.raises(ValidationError):
        site.kind = "events"
    assert read(tmp_path, "") == []


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("https://example.eu/guidance/a", True),
        ("https://example.eu/r%C3%A8gles/a", True),
        ("https://example.eu/guidance/old/a", False),
        ("https://example.eu/", False),
    ],
)
def test_which_of_a_sitemap(tmp_path: Path, address: str, wanted: bool) -> None:
    site, _ = read(tmp_path, GOOD)
    assert site.wants(address) is wanted
    assert Source(address="https://example.eu/").wants(address)


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("30 minutes", timedelta(minutes=30)),
        ("12 hours", timedelta(hours=12)),
        ("1 day", timedelta(days=1)),
        ("2 weeks", timedelta(weeks=2)),
    ],
)
def test_every(tmp_path: Path, every: str, expected: timedelta) -> None:
    assert read(tmp_path, f'[[source]]\naddress = "a.md"\nevery = "{every}"')[0].every == expected


ONE = '[[source]]\naddress = "https://example.eu/"\n'
EVERY = 'Write a number and a unit: "30 minutes", "12 hours", "7 days" or "2 weeks".'


@pytest.mark.parametrize(
    ("text", "detail", "remedy"),
    [
        (
            ONE + '[[source]]\naddress = "a.md"\nlicense = "MIT"',
            ", entry 2: there is no key license.",
            "Use address, kind, licence, publisher, language, every, include, exclude.",
        ),
        (ONE + '[[source]]\nkind = "rules"', ", entry 2: address is missing.", "Add address."),
        (ONE + 'every = "weekly"', ", entry 1: every is 'weekly'.", EVERY),
        (ONE + 'every = "0 days"', ", entry 1: every is '0 days'.", EVERY),
        (ONE + "every = 7", ", entry 1: every is 7.", EVERY),
        (ONE + "kind = 3", ", entry 1: kind is 3.", "Write it in quotes."),
        (ONE + 'licence = " "', ", entry 1: licence is ' '.", "Fill it or remove it."),
        (ONE + 'include = "/a/"', ", entry 1: include is '/a/'.", 'Write a list: ["/guidance/"].'),
        (ONE + 'include = ["a/"]', ", entry 1: include is 'a/'.", 'Write the beginning of a path: "/guidance/".'),
        (
            '[[source]]\naddress = "a.md"\nexclude = ["/a/"]',
            ", entry 1: exclude is ['/a/'].",
            "Remove it: only what a sitemap on the web lists can be chosen from.",
        ),
        (
            '[[source]]\naddress = "ftp://example.eu/"',
            ", entry 1: address is 'ftp://example.eu/'.",
            "Begin it with https:// or http://, or write a path relative to this file.",
        ),
        ('[[source]]\naddress = "/a.md"', ", entry 1: address is '/a.md'.", "Write a path relative to this file."),
        (
            '[[source]]\naddress = "https://me:pw@example.eu/"',
            ", entry 1: address is 'https://me:pw@example.eu/'.",
            "Name a host, without user name and password.",
        ),
        (ONE + ONE, ", entry 2: address https://example.eu/ is that of entry 1 too.", "Keep one of them."),
        ('[source]\naddress = "a.md"', ": source is not a list of entries.", "Begin each entry with [[source]]."),
        ('[[sources]]\naddress = "a.md"', ": there is no key sources.", "Use source."),
        (
            "[[source]]\naddress = a.md",
            ": not TOML: Invalid value (at line 2, column 11).",
            "Correct that line.",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, detail: str, remedy: str) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read(tmp_path, text)
    assert caught.value.detail == f"{tmp_path / 'sources.toml'}{detail}"
    assert caught.value.remedy == remedy


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match=r"sources\.toml: No such file or directory"):
        read_sources(tmp_path / "sources.toml")
    (tmp_path / "sources.toml").write_bytes(b"# caf\xe9")
    with pytest.raises(UnreadableDocument, match="not UTF-8 at byte 5"):
        read_sources(tmp_path / "sources.toml")
