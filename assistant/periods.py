"""The days that a text speaks of: dates and years in any official EU language; what a question asks about.

Month names come from CLDR (babel), so a date such as "16 dubna 2026" or "June 2021" needs no list of our own.
"""

from __future__ import annotations

import calendar
import json
import re
from datetime import date
from functools import cache
from pathlib import Path

from babel import localedata
from babel.dates import format_date, get_month_names

from assistant.language import EU_LANGUAGES
from assistant.records import Period

YEAR = r"(?:19|20)\d\d(?!\d)"
DAY = r"\d{1,2}"
NUMERIC = re.compile(
    rf"(?<!\d)(?P<year>{YEAR})-(?P<month>\d\d)-(?P<day>\d\d)(?!\d)"
    rf"|(?<!\d)(?P<day_2>{DAY})\s*[./ ]\s*(?P<month_2>{DAY})\s*[./ ]\s*(?P<year_2>{YEAR})"
)
# Laws are named by year and number: 2014/24/EU, (EU) 2025/2152.
YEARS = re.compile(rf"(?<![\d/])(?P<year>{YEAR})(?!\s*/\s*\d)")
SHORTEST = 3  # letters of a month's name; and of a word that must stand whole
DEADLINE_WORDS = Path(__file__).with_suffix(".json")


def periods_asked(question: str, today: date) -> tuple[Period, ...]:
    """The days or years that a question names, in the order named; `today` where it names none."""
    return tuple(period for *_, period in spoken_periods(question)) or (Period(today, today),)


def deadline_passed(sentence: str, language: str, today: date) -> date | None:
    """The last day that a sentence names, when the sentence sets a deadline and the day is over."""
    if not (sets := _deadline_words().get(language)) or not sets.search(sentence):
        return None
    ends = [period.until for *_, period in spoken_periods(sentence) if period.until and period.start == period.until]
    return max(ends) if ends and max(ends) < today else None


def long_date(day: date, language: str) -> str:
    """A date as a reader of the language writes it: "17 April 2026"."""
    return format_date(day, "long" if language != "en" else "d MMMM y", locale=language)


def spoken_periods(text: str) -> list[tuple[int, int, Period]]:
    """(first character, the one after the last, period) of every day, month and year that a text names, in order."""
    found: list[tuple[int, int, Period]] = []
    rest = text
    for pattern in (NUMERIC, _with_month(), YEARS):
        for match in pattern.finditer(rest):
            if period := _period(match.groupdict()):
                found.append((match.start(), match.end(), period))
                rest = rest[: match.start()] + " " * len(match.group()) + rest[match.end() :]
    return sorted(found, key=lambda entry: entry[0])


def _period(named: dict[str, str | None]) -> Period | None:
    """The day, month or year that a match names, None where there is no such day."""
    parts = {name.partition("_")[0]: value for name, value in named.items() if value}
    year = int(parts["year"])
    name = parts.get("month")
    month = None if name is None else int(name) if name.isdigit() else _numbers().get(name.casefold().rstrip("."))
    try:
        if month is None:
            return Period(date(year, 1, 1), date(year, 12, 31))
        if "day" in parts:
            day = date(year, month, int(parts["day"].strip(" .")))
            return Period(day, day)
        return Period(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))
    except ValueError:
        return None


@cache
def _months() -> dict[str, int]:
    """Month by its name in any official EU language, in every case that CLDR knows."""
    months = {
        name.lower().rstrip("."): number
        for language in sorted(EU_LANGUAGES)
        for context in ("format", "stand-alone")
        for width in ("wide", "abbreviated")
        for number, name in get_month_names(width, context, language).items()
        if len(name.rstrip(".")) >= SHORTEST and not name.isdigit()
    }
    localedata._cache.clear()  # a megabyte a language, of which nothing else is needed
    return months


@cache
def _numbers() -> dict[str, int]:
    """The same by names as they are compared: where case is ignored, µ is μ and ſ is s."""
    return {name.casefold(): number for name, number in _months().items()}


@cache
def _with_month() -> re.Pattern[str]:
    """ "10 de novembro de 2023", "June 2021"; "October 26, 2023"; "2026. április 16", "2026 m. balandžio 16 d."."""
    month = "|".join(sorted(map(re.escape, _months()), key=len, reverse=True))
    joint = r"(?:\.|º|er|st|nd|rd|th|[α-ω]{2})?\s*(?:de |of |d['’]|ta['’] )?"
    return re.compile(
        rf"(?:(?<!\d)(?P<day>{DAY}){joint})?\b(?P<month>{month})\.?,?\s*(?:de |del )?(?P<year>{YEAR})"
        rf"|\b(?P<month_2>{month})\s+(?P<day_2>{DAY})(?:st|nd|rd|th)?,?\s+(?P<year_2>{YEAR})"
        rf"|(?<!\d)(?P<year_3>{YEAR})(?:\.| m\.|\. gada)?\s*(?P<day_4>{DAY}\.\s*)?"
        rf"(?P<month_3>{month})(?:(?<=\w{{4}})\w{{0,3}})?(?!\w)"
        rf"(?:\s+(?P<day_3>{DAY})(?!\d))?",
        re.IGNORECASE,
    )


@cache
def _deadline_words() -> dict[str, re.Pattern[str]]:
    """By language: the beginnings of words that set a deadline; a short word must be the whole word."""
    lists = json.loads(DEADLINE_WORDS.read_text(encoding="utf-8"))
    return {
        language: re.compile(
            "|".join(rf"\b{re.escape(w)}" + r"\b" * (len(w) <= SHORTEST) for w in words), re.IGNORECASE
        )
        for language, words in lists.items()
    }
