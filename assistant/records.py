"""The frozen records that travel through both flows.

ingest: bytes -> [Section] -> Document + [Chunk].   ask: Question -> [Hit] -> [Sentence] + [Citation] -> Answer.
A field that every consumer needs goes here; anything private to one stage stays in that stage.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Literal


class Reason(StrEnum):
    """Why an answer was refused."""

    NOT_IN_CORPUS = "not_in_corpus"
    OUT_OF_SCOPE = "out_of_scope"
    UNCLEAR = "unclear"
    OUTDATED = "outdated"


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where in a document: only the fields its format has are set. `start` and `end` are seconds of a recording,
    `page` counts from 1, `label` is the page number that is printed, where it differs."""

    heading: tuple[str, ...] = ()
    fragment: str | None = None
    page: int | None = None
    label: str | None = None
    slide: int | None = None
    start: float | None = None
    end: float | None = None
    sheet: str | None = None
    row: int | None = None
    speaker: str | None = None

    @property
    def path(self) -> tuple[str, ...]:
        """What stands over the text: its headings, and who said it."""
        return (*self.heading, self.speaker) if self.speaker else self.heading


@dataclass(frozen=True, slots=True)
class Period:
    """The days on which something holds; an open end is None, both ends count."""

    start: date | None = None
    until: date | None = None

    def overlaps(self, other: Period) -> bool:
        """Whether the two have a day in common."""
        return (self.start or date.min) <= (other.until or date.max) and (other.start or date.min) <= (
            self.until or date.max
        )

    @property
    def bounded(self) -> bool:
        """Whether any end is known."""
        return self.start is not None or self.until is not None


@dataclass(frozen=True, slots=True)
class SourceMark:
    """An address that supports the text standing before character `at` of its section."""

    at: int
    url: str


@dataclass(frozen=True, slots=True)
class Cue:
    """From character `at` of its section on, until the next cue, the text was said from second `start` to `end`."""

    at: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading. Paragraphs are parted by a blank line, a list item is a line that starts with
    "- ", a table row a line that starts with "| "; readers produce this one form, `cut` and `evidence` rely on it.
    `asked`: questions that the section answers, in the words of people who ask; searched, never shown as its text."""

    text: str
    anchor: Anchor = Anchor()
    period: Period = Period()
    gap: bool = False
    sources: tuple[SourceMark, ...] = ()
    asked: tuple[str, ...] = ()
    cues: tuple[Cue, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One document of an edition, without its text. `digest` is the SHA-256 of the content that was read, `root` the
    folder that an ingest run was pointed at ("" for the corpus), `uri` its path below that, `format` the ending of the
    reader that read it; documents with the same `part_of` belong together, as the slides and recording of one talk."""

    id: str
    uri: str
    title: str
    digest: str
    root: str = ""
    kind: str = "document"
    language: str = "en"
    url: str | None = None
    publisher: str | None = None
    licence: str | None = None
    retrieved: date | None = None
    period: Period = Period()
    supersedes: str | None = None
    event_date: date | None = None
    topics: tuple[str, ...] = ()
    format: str = ".md"
    part_of: str | None = None


# What of a passage has a vector: the whole, each unit, each question that it answers.
Level = Literal["passages", "units", "asked"]
LEVELS: tuple[Level, ...] = ("passages", "units", "asked")

UnitKind = Literal["sentence", "lead", "item", "row", "question", "terms"]
NOT_QUOTED: tuple[UnitKind, ...] = ("question", "terms")
WORD = re.compile(r"[^\W\d_]{2,}")
STATING = 2  # words of a sentence at least; what stands in a chart has fewer


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest piece of a chunk: characters `start` to `end` of its text. Those of NOT_QUOTED help to find what
    stands beside them: "question", a sentence that only asks; "terms", other words for what the passage is about."""

    start: int
    end: int
    kind: UnitKind = "sentence"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage: whole units of one section. `id` names its content, `start`/`end` are characters of the snapshot."""

    id: str
    document: str
    text: str
    start: int
    end: int
    anchor: Anchor = Anchor()
    period: Period = Period()
    gap: bool = False
    units: tuple[Unit, ...] = ()
    sources: tuple[SourceMark, ...] = ()
    asked: tuple[str, ...] = ()
    cues: tuple[Cue, ...] = ()

    def unit_text(self, index: int) -> str:
        """Text of one unit, verbatim."""
        return self.text[self.units[index].start : self.units[index].end]

    def quotable(self, index: int) -> bool:
        """Whether a unit says something: none of NOT_QUOTED, and no sentence of fewer words than STATING, unless it is
        all that stands under its heading."""
        kind = self.units[index].kind
        if kind != "sentence" or len(WORD.findall(self.unit_text(index))) >= STATING:
            return kind not in NOT_QUOTED
        return bool(self.anchor.heading) and sum(unit.kind not in NOT_QUOTED for unit in self.units) == 1


def vector_counts(passages: Iterable[tuple[Chunk, Document]]) -> dict[Level, int]:
    """How many vectors of each level passages have."""
    count: Counter[Level] = Counter(dict.fromkeys(LEVELS, 0))
    for chunk, _ in passages:
        count.update({"passages": 1, "units": len(chunk.units), "asked": len(chunk.asked)})
    return dict(count)


@dataclass(frozen=True, slots=True)
class Edition:
    """One published or publishable state of the corpus. `digest` names what it holds: the same documents, read by the
    same version for the same embedder, have the same one on every machine; None until it is built."""

    number: int
    embedder: str
    dimension: int
    status: str
    created: str
    documents: int = 0
    chunks: int = 0
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Filters:
    """Restrict a search; empty means no restriction."""

    kind: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    language: tuple[str, ...] = ()

    def admit(self, document: Document) -> bool:
        """Whether a document may be found."""
        wanted = ((self.kind, document.kind), (self.source, document.id), (self.language, document.language))
        return all(value in values for values, value in wanted if values)


@dataclass(frozen=True, slots=True)
class Span:
    """The shortest words that answer: characters `start` to `end` of one unit; `margin`: how much better they are than
    none, a logit."""

    unit: int
    start: int
    end: int
    margin: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader makes of a passage and a question. `relevance` and `answers`, 0..1: that it is about the question's
    subject, and that one of its units states the answer, None from a reader that does not know; `units`: a logit each,
    0 where it is as likely that nothing answers."""

    relevance: float
    answers: float | None
    units: tuple[float, ...]
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Near:
    """A neighbour: id of the passage and cosine."""

    chunk: str
    cosine: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a question: `score` is the fused score in 0..1, `dense` the cosine of the passage with the
    question, `units` the cosine of each of its units, `asked` that of the nearest unit or question that it is said to
    answer, `alike` the share of words in common with the nearest such question (0..1), `reading` what the reader made
    of it, where it was read; `listed`: the passage was written for the question, which stands among those that it is
    said to answer, word for word, or asks just what the term means that it `defines`."""

    chunk: Chunk
    document: Document
    score: float
    dense: float = 0.0
    units: tuple[float, ...] = ()
    asked: float = 0.0
    alike: float = 0.0
    reading: Reading | None = None
    listed: bool = False
    defines: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation so far."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked. `language` is "auto" or an ISO 639-1 code; `as_of` decides between validity periods."""

    text: str
    history: tuple[Turn, ...] = ()
    language: str = "auto"
    as_of: date | None = None
    filters: Filters = Filters()


@dataclass(frozen=True, slots=True)
class Related:
    """Another document: of the same talk, or the one that took a document's place."""

    document: str
    title: str
    uri: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Citation:
    """A numbered pointer from a sentence to the place it came from. `span` are characters of the snapshot."""

    number: int
    document: str
    title: str
    uri: str
    url: str | None
    anchor: Anchor
    link: str
    quote: str
    span: tuple[int, int]
    valid_from: date | None
    valid_until: date | None
    edition: int
    digest: str
    publisher: str | None = None
    language: str = "en"
    event_date: date | None = None
    retrieved: date | None = None
    related: tuple[Related, ...] = ()
    superseded_by: Related | None = None


SentenceKind = Literal["quote", "generated", "notice"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer. `layout` tells how it joins the text: in a paragraph, or as a list item; `highlight`:
    from and to which character the words stand that answer, where a reader is sure of them."""

    text: str
    citations: tuple[int, ...] = ()
    kind: SentenceKind = "quote"
    layout: Literal["text", "item"] = "text"
    highlight: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to a question, or a typed refusal when `abstained`. `margin`: how far the question is over the
    threshold from which on it is refused; the further from 0, the surer. `settings`, the digest of those that can
    change an answer, `version`, `edition_digest` and `as_of`, the day whose rules counted, are what it takes besides
    the question to work the answer out again; an answer of before they were told has none."""

    id: str
    answer: str
    abstained: bool
    reason: Reason | None
    language: str
    question_used: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    suggestions: tuple[str, ...]
    edition: int
    engine: str
    margin: float = 0.0
    timings_ms: dict[str, float] = field(default_factory=dict)
    settings: str = ""
    version: str = ""
    edition_digest: str | None = None
    as_of: date | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """Stream event: which stage has begun."""

    stage: str


@dataclass(frozen=True, slots=True)
class Said:
    """Stream event: one finished sentence with the citations it introduced."""

    sentence: Sentence
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Stream event: a model is being waited for. It tells nobody anything; whoever takes it can stop here."""


@dataclass(frozen=True, slots=True)
class Done:
    """Stream event: the whole answer; always the last one."""

    answer: Answer


Told = Status | Said | Done
Event = Told | Waiting
