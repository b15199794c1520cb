"""The figures that a text states: days, times, numbers, articles and laws, in any official EU language.

A kind of figure is a line of KINDS: what one takes out of the text, the next ones do not see.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from babel.dates import get_month_names

from assistant.language import EU_LANGUAGES
from assistant.periods import spoken_periods
from assistant.records import Period
from assistant.verify.numbers import CURRENCY, WORDS, numbers, rounded

CALENDAR = ("day", "month", "year")
LONGEST_MONTH = 31  # days


@dataclass(frozen=True, slots=True)
class Figure:
    """Characters `start` to `end` of a text state a figure. `kind`: "day", "month", "year" (of the calendar), "time",
    "article", "law", "code", "ordinal", or "number"; of a number `unit` is "EUR", "percent", "days" …, "" for a bare
    one, and `exact` how many digits count."""

    kind: str
    value: str | float
    start: int
    end: int
    unit: str = ""
    exact: int = 0

    def supports(self, other: Figure) -> bool:
        """Whether a text that states this may be worded as the other: the same, rounded, or without its unit."""
        if isinstance(self.value, str) or isinstance(other.value, str):
            if other.kind in (*CALENDAR, "ordinal") or (self.kind == "day" and not other.unit):
                return _same_day(self, other)
            return (self.kind, self.value) == (other.kind, other.value)
        if other.unit not in ("", self.unit) and {self.unit, other.unit} != {"percent", "share"}:
            return False
        value = self.value * {("share", "percent"): 100, ("percent", "share"): 0.01}.get((self.unit, other.unit), 1)
        digits, nearly = min(self.exact, other.exact), 1e-3 if "share" in (self.unit, other.unit) else 1e-9
        readings = (value, rounded(value, digits, round), rounded(value, digits, math.floor))
        return any(math.isclose(reading, other.value, rel_tol=nearly) for reading in readings)


def figures(text: str, language: str) -> tuple[Figure, ...]:
    """Every figure of a text in its language, in the order of the text."""
    found: list[Figure] = []
    rest = text
    for take in KINDS:
        for figure in take(rest, language):
            found.append(figure)
            rest = rest[: figure.start] + " " * (figure.end - figure.start) + rest[figure.end :]
    return tuple(sorted(found, key=lambda figure: figure.start))


def _same_day(there: Figure, stated: Figure) -> bool:
    """A day is also worded as its month or year, and may lack its year; a year stands in a law's number, too; the tenth
    is the tenth day or the number ten."""
    known, said = str(there.value), str(stated.value)
    if stated.kind in ("ordinal", "number"):
        return known.removesuffix(".0") == said or (there.kind == "day" and int(known[-2:]) == float(said))
    if there.kind == stated.kind == "day" and (known.startswith("--") or said.startswith("--")):
        return known[-5:] == said[-5:]
    return there.kind in (*CALENDAR, "law") and known.startswith(said)


_LAW = re.compile(
    r"(?:C\(\d{4}\)|COM\(\d{4}\)|TA\(\d{4}\))\s*\d+"
    r"|(?<![\w/])(?:[CL]\s)?\d{2,4}/(?:[CL] )?\d{1,4}(?:/\w\w\w?)?(?![\d%])"
)
_CODE = re.compile(r"\b(?=[\w-]*[A-Z])\w+(?:-\w+)*-\d+(?:-\d+)*\b|\b\d{8}-\d\b|\b\d{7,}\b")
_ARTICLE = re.compile(
    r"(?:\bart(?:icles?|ikel[ns]?|ículos?|igos?|icol[oiaue]|icolului|ykuł\w*|ykel\w*|ikl\w*|ikkel\w*|ikla\w*|ikolu)?\.?|"
    r"άρθρ\w+|член\w*|čl(?:án\w+|en\w*)?\.?|člank\w*|straipsn\w+|pant\w*|cikk\w*|airteag\w+)\s*"
    r"(\d+(?:\s*\(\d+\))*)",
    re.IGNORECASE,
)
_TIME = re.compile(r"(?<![\d.,])([01]?\d|2[0-3])(?:[:h]([0-5]\d)(?![\d.,]*\d)|\.([0-5]\d)(?=\s*(?:CES?T|Uhr|h\b|ч)))")
_AMOUNT_AFTER = re.compile(rf"\s*(?:{CURRENCY}|%)", re.IGNORECASE)  # "2026 EUR" is no year
_AMOUNT_BEFORE = re.compile(rf"(?:{CURRENCY})\s*$", re.IGNORECASE)
_RANGE = re.compile(r"(?<!\d)(\d{1,2})\.?\s*(?:-|–|to|and|bis|und|au|al|y|e|et|i|do)\s*$")


def _laws(text: str, _: str) -> Iterator[Figure]:
    for match in _LAW.finditer(text):
        yield Figure("law", "/".join(re.findall(r"\d+", match.group())), *match.span())


def _codes(text: str, _: str) -> Iterator[Figure]:
    for match in _CODE.finditer(text):
        yield Figure("code", match.group().casefold(), *match.span())


def _articles(text: str, _: str) -> Iterator[Figure]:
    for match in _ARTICLE.finditer(text):
        yield Figure("article", match[1].split("(")[0].strip(), *match.span())


def _dates(text: str, language: str) -> Iterator[Figure]:
    """Days, months and years; of "8-11 March 2022" both days."""
    rest = text
    for start, end, period in spoken_periods(text):
        if _AMOUNT_AFTER.match(text, end) or _AMOUNT_BEFORE.search(text[:start]):
            continue
        yield from _calendar(start, end, period)
        if period.start == period.until and period.start and (first := _RANGE.search(text[:start])):
            yield Figure("day", f"{period.start:%Y-%m}-{int(first[1]):02}", *first.span(1))
        rest = rest[:start] + " " * (end - start) + rest[end:]
    for match in _day_of_month(language).finditer(rest):
        if month := _folded_months(language).get(match["month"].casefold().rstrip(".")):
            yield Figure("day", f"--{month:02}-{int(match['day']):02}", *match.span())


def _calendar(start: int, end: int, period: Period) -> Iterator[Figure]:
    if not period.start or not period.until:
        return
    days = (period.until - period.start).days
    kind, shape = ("day", "%Y-%m-%d") if not days else ("month", "%Y-%m") if days < LONGEST_MONTH else ("year", "%Y")
    yield Figure(kind, period.start.strftime(shape), start, end)


def _times(text: str, _: str) -> Iterator[Figure]:
    for match in _TIME.finditer(text):
        yield Figure("time", f"{int(match[1])}:{match[2] or match[3]}", *match.span())


def _ordinals(text: str, language: str) -> Iterator[Figure]:
    for number, word in WORDS["ordinals"].get(language, {}).items():
        for match in re.finditer(rf"\b{word}\w{{0,3}}\b", text, re.IGNORECASE):
            yield Figure("ordinal", number, *match.span())


def _ordinal_marks(text: str, _: str) -> Iterator[Figure]:
    for match in re.finditer(r"(?<![\d.,])(\d{1,2})(?:st|nd|rd|th|\.?[ºª]|e\b|ème\b)", text):
        yield Figure("ordinal", match[1], *match.span())


def _fractions(text: str, language: str) -> Iterator[Figure]:
    listed = WORDS["fractions"].get(language, {}).items()
    pairs = [(word, float(value)) for value, words in listed for word in words.split("|")]
    taken: set[int] = set()
    for word, value in sorted(pairs, key=lambda pair: -len(pair[0])):
        for match in re.finditer(rf"\b{word}", text, re.IGNORECASE):
            if not taken & set(range(*match.span())):
                taken |= set(range(*match.span()))
                yield Figure("number", value, *match.span(), unit="share", exact=3)


def _numbers(text: str, language: str) -> Iterator[Figure]:
    for number in numbers(text, language):
        yield Figure("number", number.value, number.start, number.end, number.unit, number.exact)


KINDS: tuple[Callable[[str, str], Iterable[Figure]], ...] = (
    _laws, _codes, _articles, _dates, _times, _fractions, _ordinal_marks, _numbers, _ordinals,
)  # fmt: skip


@cache
def _months(language: str) -> dict[str, int]:
    known = language if language in EU_LANGUAGES else "en"
    return {
        name.lower().rstrip("."): number
        for context in ("format", "stand-alone")
        for number, name in get_month_names("wide", context, known).items()
    }


@cache
def _folded_months(language: str) -> dict[str, int]:
    """The same by names as they are compared: where case is ignored, µ is μ and ſ is s."""
    return {name.casefold(): number for name, number in _months(language).items()}


@cache
def _day_of_month(language: str) -> re.Pattern[str]:
    """A day without its year: "17 May", "13 de septiembre"."""
    month = "|".join(sorted(map(re.escape, _months(language)), key=len, reverse=True))
    return re.compile(
        rf"(?<!\d)(?P<day>\d{{1,2}})\.?(?:st|nd|rd|th|er|º)?\s*(?:de )?(?P<month>{month})\b", re.IGNORECASE
    )
