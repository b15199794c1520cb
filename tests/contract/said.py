"""What a reading says, in a form that expectations can be written in."""

from __future__ import annotations

from ingest.readers.reading import Reading


def told(reading: Reading) -> list[tuple[tuple[str, ...], str]]:
    return [(section.anchor.heading, section.text) for section in reading.sections]


def marks(reading: Reading) -> list[tuple[str, str]]:
    """(the text before the mark, address)"""
    return [(section.text[: mark.at], mark.url) for section in reading.sections for mark in section.sources]
