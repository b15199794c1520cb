"""A follow-up → a question that stands alone, by rule.

A question that leans on the one before it opens with a connective, points back with a pronoun, or is very short. It is
read together with the question it continues; one that only brings another name ("and InnoBuyer?", "no, I meant BRINC")
is that question with the name exchanged; "the second one" is what the last answer listed in that place; "the two years
after" moves the years of the question before. One that does not lean and brings a name stands alone. Where the words do
not tell, both readings are given and the search decides.
The word lists are data (`conversation.json`), one entry a language.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from pathlib import Path

from assistant.language import detect_language, only_function_words
from assistant.names import Names, marked
from assistant.periods import YEARS, spoken_periods
from assistant.records import Turn

SHORT = 4
LONG = 10  # words up to which a pronoun points back, and need not be a relative one
MEMORY = 6  # questions before this one that are read
MOVES = {"later": 1, "earlier": -1}
LONGEST = 4_000  # characters of an answer that are looked at for a list
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+", re.UNICODE)
MARKER = re.compile(r" ?\[\d+\]")
ITEM = re.compile(r"(?:[-*•]|\d{1,2}[.)]) (.+)")
NUMBER = re.compile(r"(?:[,;.]? (?:\w+ )?)?\(?\b\d\) ")  # of an enumeration: "1) … and 2) …"


def readings(question: str, history: Sequence[Turn], names: Names) -> tuple[str, ...]:
    """How `question` may be meant, as questions that stand alone: one reading, or one that leans on the question before
    and one that does not."""
    places = [place for place, turn in enumerate(history) if turn.role == "user" and turn.content.strip()]
    if not places:
        return (question,)
    last = " ".join(history[places[-1]].content.split())
    words = _Words(question, names, (detect_language(question), detect_language(last)))
    if item := _pointed_at(words, history):
        return (f"{question} ({item})",)
    earlier = history[: places[-1]] if len(places) <= MEMORY else ()
    before = _at_other_time(words, readings(last, earlier, names)[0], last)
    if exchanged := _with_names_of(words, before):
        return (exchanged,)
    together, leans = f"{before} {question}", _leans(words)
    if words.brought and not leans:
        return (question,)
    return (together,) if words.only_names or (leans and not words.brought) else (together, question)


@dataclass(frozen=True)
class _Words:
    """The words of a question, read with the lists of its language and of the question before: a detector can be wrong
    about four words."""

    question: str
    names: Names
    languages: tuple[str, ...]

    @cached_property
    def all(self) -> list[str]:
        return [word.lower() for word in WORD.findall(self.question)]

    @cached_property
    def brought(self) -> list[str]:
        return [name for name in self.names.of(self.question) if marked(name)]

    def listed(self, kind: str) -> list[str]:
        return [word for language in self.languages for word in _lists()[language][kind]]

    @cached_property
    def only_names(self) -> bool:
        """Whether there is nothing but names and function words ("and InnoBuyer?"), or a short correction."""
        aside = (*self.listed("openers"), *self.listed("corrections"))
        if self.all and self.all[0] in self.listed("corrections") and len(self.all) <= LONG:
            return True
        rest = [word for word in WORD.findall(self.names.without(self.question)) if word.lower() not in aside]
        return any(only_function_words(" ".join(rest), language) for language in self.languages)


def _leans(words: _Words) -> bool:
    if len(words.all) <= SHORT or words.all[0] in words.listed("openers") + words.listed("corrections"):
        return True
    return len(words.all) <= LONG and any(word in words.listed("pointers") for word in words.all)


def _pointed_at(words: _Words, history: Sequence[Turn]) -> str | None:
    """What "the first one" is: an item of the list, or one of the names, in the answer before."""
    if words.brought:
        return None
    said = next((turn.content for turn in reversed(history) if turn.role == "assistant"), "")[:LONGEST]
    named = [name for name in dict.fromkeys(words.names.of(said)) if marked(name)]
    listed = next((items for items in _lists_in(said) if len(items) > 1), named)
    for place, beginning in zip((0, 1, 2, -1) * len(words.languages), words.listed("ordinals"), strict=True):
        if re.search(rf"\b(?:{beginning})", words.question, re.IGNORECASE) and len(listed) > max(1, place):
            return listed[place]
    return None


def _lists_in(said: str) -> Iterator[list[str]]:
    """What may be a list: the lines that are items, an enumeration "1) … 2) …", and what follows "…: one; two"."""
    lines = [" ".join(line.split()) for line in MARKER.sub("", said).splitlines() if line.strip()]
    yield [match[1] for line in lines if (match := ITEM.match(line))]
    yield NUMBER.split(" ".join(lines).rstrip(" .;"))[1:]
    yield from (line.rstrip(" .;").partition(": ")[2].split("; ") for line in lines)


def _with_names_of(words: _Words, before: str) -> str | None:
    """The question before, about the names of this one; None where this one says more than names."""
    there = [name for name in words.names.of(before) if marked(name)]
    if not words.brought or not there or not words.only_names:
        return None
    new = next((name for name in words.brought if name not in there), words.brought[0])
    old = next((name for name in words.brought if name in there and name != new), there[-1])
    return words.names.exchanged(before, old, new)


def _at_other_time(words: _Words, before: str, last: str) -> str:
    """The question before; about as many years after or before those that it names, where this one asks for that."""
    way = next((way for kind, way in MOVES.items() if _asks_for(kind).search(words.question)), 0)
    if not way or spoken_periods(words.question) or not _names_only_years(before):
        return before
    years = [int(year) for year in YEARS.findall(last) or YEARS.findall(before)]
    move = way * (max(years) - min(years) + 1)
    return YEARS.sub(lambda match: str(int(match["year"]) + move), before)


def _names_only_years(text: str) -> bool:
    """Whether the times that a text names are years, at least one, and no days or months."""
    named = spoken_periods(text)
    return bool(named) and all(YEARS.fullmatch(text, start, end) for start, end, _ in named)


@cache
def _asks_for(kind: str) -> re.Pattern[str]:
    """What asks for "later" or "earlier" years in any language: a detector is often wrong about so few words, and these
    say the same in no other."""
    said = chain.from_iterable(lists[kind] for lists in _lists().values())
    return re.compile(rf"\b(?:{'|'.join(said)})", re.IGNORECASE)


@cache
def _lists() -> dict[str, dict[str, list[str]]]:
    return dict(json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8")))
