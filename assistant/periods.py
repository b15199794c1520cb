"""The day that a question is about: a date or year in its words, otherwise today."""

from __future__ import annotations

import re
from datetime import date

YEAR = re.compile(r"(?<!\d)(20\d\d)(?!\d)")
DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})\s*[./ ]\s*(\d{1,2})\s*[./ ]\s*(20\d\d)(?!\d)")
ISO = re.compile(r"(?<!\d)(20\d\d)-(\d\d)-(\d\d)(?!\d)")


def day_asked(question: str, today: date) -> date:
    """The day whose rules the question asks for. A year alone means today's day in it; of several years the last."""
    if found := ISO.search(question):
        return _date(*map(int, found.groups())) or today
    if found := DAY_FIRST.search(question):
        day, month, year = map(int, found.groups())
        return _date(year, month, day) or today
    if years := YEAR.findall(question):
        return _date(int(years[-1]), today.month, min(today.day, 28)) or today
    return today


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
