"""Things of which one may stand for another of the kind by mistake, such as procedures, bodies and countries.

`concepts.json` lists them: kind -> concept -> language -> words, written as in `cues.json`. To add one, list its words
there in every language; English generously, as the documents are in English, the others narrowly.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from assistant.verify.cues import word_pattern


@dataclass(frozen=True, slots=True)
class Concept:
    """Characters `start` to `end` of a text name a concept, one of a kind."""

    kind: str
    name: str
    start: int
    end: int


@lru_cache(4096)
def concepts(text: str, language: str) -> tuple[Concept, ...]:
    """Every concept of a text in its language."""
    found = (
        Concept(kind, name, *match.span())
        for kind, name, pattern in _patterns(language)
        for match in pattern.finditer(text)
    )
    return tuple(sorted(found, key=lambda concept: concept.start))


@cache
def _patterns(language: str) -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    return tuple(
        (kind, name, re.compile("|".join(map(word_pattern, words[language].split())), re.IGNORECASE))
        for kind, names in _lists().items()
        for name, words in names.items()
        if language in words
    )


@cache
def _lists() -> dict[str, dict[str, dict[str, str]]]:
    found: dict[str, dict[str, dict[str, str]]] = json.loads(
        Path(__file__).with_name("concepts.json").read_text(encoding="utf-8")
    )
    return found
