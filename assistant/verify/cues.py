"""Words that turn what a sentence says: negation, duty and permission, "at least" and "at most", "before" and "after".

`cues.json` lists them: language -> class -> words; "_" stands for a space, and a word that ends in "*" is a beginning;
what is listed under "none" is no cue. To add a class, list its words there and give it a line in LICENCE: which classes
of a source allow a sentence to use it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Class -> what a source must have for it, any of them. A class that is not named needs nothing.
LICENCE: dict[str, tuple[str, ...]] = {
    "negation": ("negation", "no_longer", "only", "without", "may_not", "must_not", "denial"),
    "no_longer": ("no_longer",),
    "still": ("still", "goes_on", "same", "negation", "may_not"),
    "must": ("must", "planned", "duty"),
    "may_not": ("may_not", "must_not"),
    "should": ("should", "must", "planned"),
    "must_not": ("must_not", "may", "may_not"),
    "only": ("only", "sole"),
    "all": ("all", "each"),
    "at_least": ("at_least",),
    "at_most": ("at_most", "fall", "up_to"),
    "before": ("before",),
    "after": ("after", "no_longer"),
    "rise": ("rise",),
    "fall": ("fall", "at_most"),
    "unless": ("unless", "only"),
    "even_if": ("even_if",),
    "done": ("done",),
    "most": ("most", "usually"),
    "least": ("least",),
    "cause": ("cause", "reason"),
    "private": ("private",),
    "without": ("without", "negation"),
    "buyer": ("buyer",),
    "supplier": ("supplier",),
}
# What a source says about the same words, and the sentence must not leave out, unless it has one of these.
KEPT: dict[str, tuple[str, ...]] = {
    "negation": ("negation", "no_longer", "only", "unless", "without", "at_most", "may_not", "must_not"),
    "may_not": ("may_not", "must_not", "negation", "only", "unless"),
    "no_longer": ("no_longer", "negation"),
    "only": ("only", "unless", "negation", "may_not"),
    "planned": ("planned", "must"),
    "may": ("may",),
    "must": ("must", "planned"),
    "at_least": ("at_least",),
    "at_most": ("at_most", "fall"),
}


PARTIES = ("buyer", "supplier")
FAR = 3  # words between a "not" and the verb that it belongs to


@dataclass(frozen=True, slots=True)
class Cue:
    """Characters `start` to `end` of a text are a cue of the class `kind`."""

    kind: str
    start: int
    end: int


def cues(text: str, language: str) -> tuple[Cue, ...]:
    """Every cue of a text in its language; the longest of several that overlap."""
    found: list[Cue] = []
    taken: set[int] = set()
    for kind, pattern in _patterns(language):
        for match in pattern.finditer(text):
            span = set(range(*match.span()))
            if not span & taken:
                taken |= span
                found.append(Cue(kind, *match.span()))
    return tuple(_joined(sorted(found, key=lambda cue: cue.start), text))


def _joined(found: list[Cue], text: str) -> Iterator[Cue]:
    """A "not" beside a "may" or "must" makes one cue of both: "may_not", "must_not"."""
    negated = {
        n: min(
            ((_gap(one, other, text), m) for m, one in enumerate(found) if one.kind == "negation"),
            default=(FAR + 1, -1),
        )
        for n, other in enumerate(found)
        if other.kind in ("may", "must")
    }
    used = {m for gap, m in negated.values() if gap <= FAR}
    for n, cue in enumerate(found):
        if n in negated and negated[n][0] <= FAR:
            yield Cue(f"{cue.kind}_not", cue.start, cue.end)
        elif n not in used:
            yield cue


def _gap(one: Cue, other: Cue, text: str) -> int:
    """Words between two cues, FAR + 1 across a comma."""
    first, last = sorted((one, other), key=lambda cue: cue.start)
    between = text[first.end : last.start]
    return FAR + 1 if re.search(r"[,;:.]", between) else len(between.split())


@cache
def _patterns(language: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    lists = _lists().get(language, {})
    entries = [(kind, word) for kind, words in lists.items() for word in words.split()]
    longest_first = sorted(entries, key=lambda entry: (-entry[1].count("_"), -len(entry[1])))
    return tuple((kind, re.compile(word_pattern(word), re.IGNORECASE)) for kind, word in longest_first)


def word_pattern(word: str) -> str:
    """A pattern of a listed word; "*" stands for the rest of a word, "_" for a space."""
    words = re.escape(word).replace(r"\*", r"\w*").replace("_", r"\s+").replace("'", "['’]")
    begin = "" if word.startswith(("n't", "-")) else r"(?<!\w)"
    return f"{begin}{words}" + ("" if word.endswith("'") else r"(?!\w)")


@cache
def _lists() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("cues.json").read_text(encoding="utf-8"))
    return found
