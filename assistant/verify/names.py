"""Whether a name stands in a source: as it is spelt, in a near spelling (Copenhague), as the acronym of another
language (KMU), or written out (European Cluster Collaboration Platform for ECCP)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from rapidfuzz import fuzz

from assistant.names import Names, fold, marked
from assistant.verify.numbers import WORDS
from assistant.verify.text import NAME, Name

SLIP = 88  # of 100, edit distance against length, from which on a marked name is only misspelt
ALIKE = 72  # of 100, edit distance against length, from which on two long words are one name
LONG = 5
BEGINNING = 4
SMALL = r"(?:(?:of|for|the|and|de|du|des|für|und|a|to|in|on)\W+)*"


def stands_in(name: Name, text: str) -> bool:
    """Whether a text has a name in any of its forms."""
    return _stands_in(name.word, text, marked=name.marked)


@lru_cache(8192)
def _stands_in(name: str, text: str, *, marked: bool) -> bool:
    if any(_same(form, word, marked) for word in _words(text) for form in _forms(fold(name))):
        return True
    acronyms = _forms(fold(name)) if name.isupper() else ()
    return any(re.search(_written_out(acronym), text, re.IGNORECASE) for acronym in acronyms)


def same_name(one: Name, other: Name) -> bool:
    """Whether two names are one."""
    return _one_name(one.word, other.word, marked=one.marked)


@lru_cache(8192)
def _one_name(one: str, other: str, *, marked: bool) -> bool:
    return any(_same(form, fold(other), marked) for form in _forms(fold(one)))


def _same(form: str, word: str, marked: bool) -> bool:
    """Whether two words are one name; InnoBuyer may be misspelt, but is not Innovation."""
    if form == word or form == word.removesuffix("s"):
        return True
    if len(form) < LONG or len(word) < LONG:
        return False
    return fuzz.ratio(form, word) >= (SLIP if marked else ALIKE) or (
        not marked and form[:BEGINNING] == word[:BEGINNING]
    )


@lru_cache(4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(fold(part) for word in NAME.findall(text) for part in (word, word.rstrip("+&"), *word.split("-")))


@cache
def _forms(name: str) -> frozenset[str]:
    return frozenset({name, name.removesuffix("s"), name.split("-", maxsplit=1)[0]}) | _acronyms().get(
        name, frozenset()
    )


@cache
def _acronyms() -> dict[str, frozenset[str]]:
    groups = [frozenset(fold(word) for word in group.split()) for group in WORDS["acronyms"]]
    return {word: group for group in groups for word in group}


@cache
def _written_out(acronym: str) -> str:
    return r"\b" + (r"\w*\W+" + SMALL).join(map(re.escape, acronym.rstrip("s")))


def unknown(names: Names | None, sentence: str, sources: Sequence[str]) -> list[str]:
    """The name of the edition that a sentence begins with, as no capital tells one there, where no source has it."""
    begins = NAME.search(sentence)
    found = names.of(begins.group()) if names and begins else []
    named = [Name(word, 0, len(word), marked(word)) for word in found]
    return [name.word for name in named if not any(stands_in(name, source) for source in sources)]
