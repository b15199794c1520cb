"""Which language the page speaks: the 24 official EU languages by their own names, and the browser's wish."""

from __future__ import annotations

from functools import cache

from babel import Locale

from assistant.language import EU_LANGUAGES

# The order in which the EU lists its languages: by their own names, in Latin letters.
ORDER = "bg es cs da de et el en fr ga hr it lv lt hu mt nl pl pt ro sk sl fi sv".split()


@cache
def language_names() -> tuple[tuple[str, str], ...]:
    """(code, name in the language itself) of every official EU language."""
    names = ((code, Locale(code).get_display_name(code) or code) for code in ORDER)
    return tuple((code, name[:1].upper() + name[1:]) for code, name in names)


def known_language(code: str, default: str = "en") -> str:
    """The code, or `default` where it is no official EU language's."""
    return code if code in EU_LANGUAGES else default


def locale_of(language: str) -> str:
    """The locale whose dates the page uses for a language: Europe's English, not America's."""
    return "en_GB" if language == "en" else language


def wished_language(accept_language: str, default: str = "en") -> str:
    """The EU language that an Accept-Language header (RFC 9110, 12.5.4) ranks first, or `default`."""
    best, quality = default, 0.0
    for entry in accept_language.split(","):
        name, _, rank = entry.partition(";q=")
        code = name.strip().split("-")[0].lower()
        value = _number(rank) if rank else 1.0
        if code in EU_LANGUAGES and value > quality:
            best, quality = code, value
    return best


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
