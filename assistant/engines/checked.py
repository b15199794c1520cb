"""The sentences of one answer, checked as they come: what is said, what is quoted instead, whether it will do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from assistant.citations import Place
from assistant.engines import Task, Worded, quoted
from assistant.engines.lines import Line
from assistant.engines.passages import Passages
from assistant.engines.wording import nearest, patched
from assistant.evidence import Quote
from assistant.language import detect_language, message, say
from assistant.names import fold
from assistant.verify import Verifier

SOURCES = 2  # places that one sentence names
NOTHING = re.compile(r"\W*NO[ _]ANSWER\W*")
UNCONFIRMED = message("The language model gave no answer that the documents confirm; here are their own words:")
MORE = message("More in the documents' own words:")
SCRIPTS = {"bg": {"CYRILLIC"}, "el": {"GREEK"}}  # besides Latin, in which all write names


class Checked:
    """Takes the lines that a model writes and gives what may be shown."""

    def __init__(self, task: Task, passages: Passages, verifier: Verifier) -> None:
        self._task, self._passages, self._verifier = task, passages, verifier
        self._evidence = {(quote.hit.chunk.id, quote.unit): quote for quote in task.quotes}
        self._waiting: list[Worded] = []  # quotes in place of what failed, until something is borne out
        self._read: set[str] = set()  # lines and quotes, folded
        self._shown: set[str] = set()  # passages that what was said rests on
        self._passed, self._failed = 0, 0

    @property
    def good(self) -> bool:
        """Whether most of what was written is borne out, and some of it by the evidence."""
        return self._passed > self._failed and not self._shown.isdisjoint(id_ for id_, _ in self._evidence)

    def take(self, line: Line) -> Iterator[Worded]:
        """The line where the passages bear it out, after the evidence that those before it came nearest to."""
        if fold(line.text) in self._read or NOTHING.fullmatch(line.text):
            return
        worded, place = self._judged(line)
        if worded:
            self._passed += 1
            yield from self._said([*self._waiting, worded])
            self._waiting = []
        else:
            self._failed += 1
            self._waiting += self._evidence_at(place)

    def quotes(self) -> Iterator[Worded]:
        """The evidence in its own words, what was said already left out."""
        rest = list(self._said(map(quoted, self._task.quotes)))
        if rest:
            yield Worded(say(MORE if self._passed else UNCONFIRMED, self._task.language), kind="notice")
        yield from rest

    def _judged(self, line: Line) -> tuple[Worded | None, Place | None]:
        """The line as it may be said, or the place that it comes nearest to. What nearly repeats a place quotes it."""
        for place in self._passages.places:
            if place[0].chunk.unit_text(place[1]) == line.text:
                return Worded(line.text, (place,), "quote", line.layout), None
        language = detect_language(line.text, self._task.language)
        if language != self._task.language or not _in_script(line.text, language):
            return None, None
        verdict = self._verifier.check(line.text, language, self._passages.sources)
        places = tuple(self._passages.places[number] for number in verdict.sources[:SOURCES])
        alike = [place for place in self._passages.places if place[0].document.language == language]
        texts = [hit.chunk.unit_text(unit) for hit, unit in alike]
        near = nearest(line.text, texts)
        if verdict.supported and near is not None:
            return quoted(Quote(*alike[near])), None
        if verdict.supported and not patched(line.text, texts):
            return Worded(line.text, places, "generated", line.layout), None
        return None, next(iter(places), None) if near is None else alike[near]

    def _said(self, sentences: Iterable[Worded]) -> Iterator[Worded]:
        for worded in sentences:
            if fold(worded.text) not in self._read:
                self._read.add(fold(worded.text))
                self._shown |= {hit.chunk.id for hit, _ in worded.places}
                yield worded

    def _evidence_at(self, place: Place | None) -> list[Worded]:
        quote = self._evidence.get((place[0].chunk.id, place[1])) if place else None
        return [quoted(quote)] if quote else []


def _in_script(text: str, language: str) -> bool:
    """Whether a text is written as its language is; the detector does not know others than the EU's."""
    written = {unicodedata.name(char, "?").partition(" ")[0] for char in text if char.isalpha()}
    return written <= {"LATIN", *SCRIPTS.get(language, ())}
