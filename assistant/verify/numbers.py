"""Numbers with their scale and unit, in figures or words, in any official EU language.

Words for units and scales come from CLDR (babel); number words, and what CLDR lacks, from `words.json`: to add a word,
write it there.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale

from assistant.language import EU_LANGUAGES

WORDS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))
POINT = ("en", "ga", "mt")  # languages whose decimals follow a point
UNITS = {
    "duration-day": "day", "duration-week": "week", "duration-month": "month", "duration-year": "year",
    "duration-hour": "hour", "duration-minute": "minute", "mass-tonne": "tonne", "mass-kilogram": "kilogram",
    "length-kilometer": "kilometre", "concentr-percent": "percent",
}  # fmt: skip
THOUSAND = 1e3
SCALES = (THOUSAND, 1e6, 1e9)
HUNDRED, TEN = 100, 10
GROUP = 3  # digits between two marks of thousands
SHORT = 3  # letters from which on the ending of a word may differ: "Tagen", "miesiącami"
GREAT = 5  # letters at least of a scale that stands without a number: "one million", "a billion"
DIGITS = r"\d{1,3}(?:[ .,'\u00a0\u202f]\d{3})+(?!\d)(?:[.,]\d{1,2}(?!\d))?|\d+(?:[.,]\d+)?"
CURRENCY = r"€|EUR\b|eur(?:o|os|oa|ót|ó|ov|ų|a|å|oj)?\b|ευρώ|евро|ewro"
AND = "[ -]| y | e | și | et "  # between two words of one number
COMPOUNDS: dict[str, Callable[[str, str], str]] = {  # how a language writes five and twenty as one word
    "de": lambda one, ten: f"{one}und{ten}",
    "nl": lambda one, ten: f"{one}en{ten}",
    "it": lambda one, ten: (ten[:-1] if one[0] == "o" else ten) + one,
    "sv": lambda one, ten: ten + one,
}


@dataclass(frozen=True, slots=True)
class Number:
    """Characters `start` to `end` of a text are a number; `unit` is "EUR", "percent", "day" and so on, "" for a bare
    one, and `exact` how many digits count."""

    value: float
    start: int
    end: int
    unit: str
    exact: int


def numbers(text: str, language: str) -> Iterator[Number]:
    """Every number of a text."""
    known = language if language in EU_LANGUAGES else "en"
    for match in _pattern(known).finditer(text):
        value, exact = _value(match["digits"], known) if match["digits"] else (_worded(match["words"] or "", known), 1)
        if scale := match["scale"]:
            value *= _scales(known)[scale.lower().strip(" .\u00a0\u202f")]
        yield Number(value, *match.span(), unit=_unit(match, known), exact=max(exact, 1))


def rounded(value: float, digits: int, how: Callable[[float], float]) -> float:
    """The value with so many digits that count, by `round` or `math.floor`."""
    if value <= 0 or digits == 0:
        return value
    power = 10.0 ** (digits - 1 - math.floor(math.log10(value)))
    return how(value * power + 1e-9) / power


def _value(written: str, language: str) -> tuple[float, int]:
    """A number as it is written in a language, and how many of its digits count."""
    plain = re.sub(r"[ '\u00a0\u202f]", "", written)
    point, other = (".", ",") if language in POINT else (",", ".")
    decimal = next(
        (mark for mark in (point, other) if plain.count(mark) == 1 and len(plain.split(mark)[1]) != GROUP), ""
    )
    for mark in {".", ","} - {decimal}:
        plain = plain.replace(mark, "")
    plain = plain.replace(decimal or ".", ".")
    digits = plain.replace(".", "").lstrip("0")
    return float(plain), len(digits if "." in plain else digits.rstrip("0"))


def _worded(words: str, language: str) -> float:
    """The number that words name: "dwadzieścia pięć" is 25, "five hundred" 500; 1 where there are none."""
    total = 0
    for word in _split(words.lower(), language):
        number = _number_words(language)[word]
        total = total * number if number == HUNDRED and 0 < total < TEN else total + number
    return float(total or 1)


def _split(words: str, language: str) -> Iterator[str]:
    """The words for numbers in what a pattern of them has matched."""
    known = "|".join(map(re.escape, sorted(_number_words(language), key=len, reverse=True)))
    return (match.group() for match in re.finditer(rf"(?<!\w)(?:{known})(?!\w)", words)) if known else iter(())


def _unit(match: re.Match[str], language: str) -> str:
    if match["before"] or match["currency"]:
        return "EUR"
    if match["percent"]:
        return "percent"
    if not (word := (match["unit"] or "").lower()):
        return ""
    return next(unit for known, unit in _units(language).items() if word.startswith(known))


@cache
def _pattern(language: str) -> re.Pattern[str]:
    """A number with what stands around it: a currency before it, then a scale, and a currency, percent or unit."""
    scales = "|".join(map(re.escape, sorted(_scales(language), key=len, reverse=True)))
    units = "|".join(re.escape(word) + (r"\w{0,4}" if len(word) > SHORT - 1 else "") for word in _units(language))
    words = "|".join(map(re.escape, sorted(_number_words(language), key=len, reverse=True))) or "(?!)"
    great = "|".join(
        re.escape(word) for word, scale in _scales(language).items() if scale > THOUSAND and len(word) >= GREAT
    )
    gap = r"[\s\u00a0\u202f-]*"
    return re.compile(
        rf"(?P<before>(?:€|EUR)\s*)?(?:(?<![\w,.])(?P<digits>{DIGITS})"
        rf"|\b(?P<words>(?:{words})(?:(?:{AND})(?:{words}))*)\b|\b(?=(?:{great})\b))"
        rf"(?:{gap}(?P<scale>{scales})\b\.?)?"
        rf"(?:{gap}(?:de |di |d'|d’)?(?:(?P<currency>{CURRENCY})|(?P<percent>%)|(?P<unit>{units})\b))?",
        re.IGNORECASE,
    )


@cache
def _number_words(language: str) -> dict[str, int]:
    """Words for numbers, with the compounds that some languages write as one: "fünfundzwanzig", "trentacinque"."""
    found = {w: int(number) for number, words in WORDS["numbers"].get(language, {}).items() for w in words.split()}
    join = COMPOUNDS.get(language)
    ones, tens = ({w: n for w, n in found.items() if n in side} for side in (range(2, 10), range(20, 100, 10)))
    return found | {join(one, ten): a + b for one, a in ones.items() for ten, b in tens.items()} if join else found


@cache
def _scales(language: str) -> dict[str, float]:
    """Words for thousand, million and billion."""
    found: dict[str, float] = {"million": 1e6, "mio": 1e6, "mln": 1e6} | WORDS["scales"].get(language, {})
    formats = Locale(language)._data["compact_decimal_formats"]
    for width in ("long", "short"):
        for plural in (formats.get(width) or {}).values():
            for power, pattern in plural.items():
                word = re.sub(r"[0'\s\u00a0\u202f.¤]", "", pattern.pattern).lower()
                if len(word) > 1 and float(power) in SCALES:
                    found.setdefault(word, float(power))
    return found


@cache
def _units(language: str) -> dict[str, str]:
    """Beginnings of the words for units, the longest first."""
    found = {word: unit for name, unit in UNITS.items() for word in _patterns(language, name)}
    found |= WORDS["units"].get(language, {})
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def _patterns(language: str, unit: str) -> Iterator[str]:
    patterns = Locale(language)._data["unit_patterns"].get(unit, {})
    for pattern in patterns.get("long", {}).values():
        if isinstance(pattern, str) and pattern.startswith("{0}") and len(word := pattern[3:].strip("\u00a0 .")) > 1:
            yield word.lower()
