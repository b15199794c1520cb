"""What a model writes → plain sentences, each as soon as it is whole. Formatting, numbers in brackets and whatever else
could act on a page or in a reader's program are taken away; whether a sentence is true is checked elsewhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sentencex import segment

LONGEST = 280  # characters of a sentence: twice what a good one takes, and more a check takes long for
SPACE = r"(?:(?<!\s)\s+)?"  # from its first character only: from each would take the square of its length
ITEM = re.compile(SPACE + r"(?:[-*•–]|\d{1,2}[.)])\s+")
MARKS = re.compile(
    SPACE + r"(?:\[\s*\^?\d+(?:\s*[,;–-]\s*\d+)*\s*\]|【[^】]{0,40}】|\(\s*(?:passage|source)s?\s+\d[\d, ]*\))",
    re.IGNORECASE,
)
FORMATTING = re.compile(r"\*\*|__|`+|^\s*(?:#{1,6}|>)\s+|(?<!\w)[*_](?=\w)|(?<=[\w.!?])[*_](?!\w)")
ACTING = re.compile(r"[<>\[\]{}|\\]")  # of markup, links, calls and turns: no sentence of a document's words has them
LABEL = re.compile(r"(?:answer|antwort|réponse|respuesta|risposta|odpowiedź)\s*:\s*", re.IGNORECASE)
STATES = re.compile(r"[.!…]\W*$")  # no question, no heading, nothing that leads on or was cut off
THOUGHT = re.compile(SPACE + r"<think>.*?</think>\s*", re.DOTALL)
UNSEEN = {"Cc", "Cf", "Co", "Cs", "Cn"}  # categories of characters that show nothing


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence that a model wrote, or an item of its list."""

    text: str
    layout: Literal["text", "item"] = "text"


class Lines:
    """Gathers pieces of text into sentences of a language."""

    def __init__(self, language: str) -> None:
        self._language, self._rest, self._item = language, "", False

    def add(self, piece: str) -> Iterator[Line]:
        """The sentences that are whole with this piece."""
        self._rest = THOUGHT.sub("", self._rest + piece)
        if "<think>".startswith(self._rest.strip()[: len("<think>")]) and self._rest.strip():
            return
        while "\n" in self._rest:
            line, self._rest = self._rest.split("\n", 1)
            yield from self._sentences(line)
            self._item = False
        *whole, last = self._cut(self._rest)
        if whole:
            yield from self._sentences("".join(whole))
            self._rest = last
        if len(last) > 2 * LONGEST:  # enough to see that it is too long, and where it ends
            self._rest = last[:LONGEST] + last[-LONGEST:]

    def end(self) -> Iterator[Line]:
        """The sentences that are left when there are no more pieces."""
        rest, self._rest = self._rest, ""
        yield from self._sentences(rest)

    def _says(self, text: str) -> bool:
        whole = self._item or STATES.search(text)
        return bool(text and whole and len(text) <= LONGEST and not ACTING.search(text))

    def _cut(self, text: str) -> list[str]:
        return list(segment(self._language, text)) or [""]

    def _sentences(self, text: str) -> Iterator[Line]:
        self._item = self._item or bool(ITEM.match(text))
        for sentence in self._cut(ITEM.sub("", text, count=1) if ITEM.match(text) else text):
            tidy = plain(sentence)
            if self._says(tidy):
                yield Line(tidy, "item" if self._item else "text")


def plain(text: str) -> str:
    """The words of a sentence, in one line."""
    seen = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c) not in UNSEEN)
    words = " ".join(FORMATTING.sub("", MARKS.sub("", seen)).split())
    return words[label.end() :] if (label := LABEL.match(words)) else words
