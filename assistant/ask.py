"""THE ASK FLOW: question → stand-alone question → hits → read → evidence or refusal → sentences → citations → Answer.

One generator serves everyone: the page and the event stream consume it as it runs, `ask` waits for its last event.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import chain

from assistant import __version__
from assistant.citations import Citing, markdown
from assistant.conversation import MEMORY, readings
from assistant.engines import QUOTES, Engine, Task
from assistant.errors import BadRequest, TooLarge
from assistant.evidence import Finding, find_evidence, read_passages, text_of
from assistant.language import EU_LANGUAGES, detect_language, say
from assistant.library import Library
from assistant.periods import deadline_passed, long_date, periods_asked
from assistant.reader import Reader
from assistant.records import (
    Answer,
    Citation,
    Done,
    Edition,
    Event,
    Period,
    Question,
    Reason,
    Said,
    Sentence,
    SentenceKind,
    Status,
    Turn,
    Waiting,
)
from assistant.retrieve import Index, Query, Retriever

MAX_QUESTION = 4_000
MAX_HISTORY = 100
HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair: JSON can name it, no text can hold it
STAGES = ("search", "read")  # that a stream tells of


@dataclass
class _Clock:
    """Milliseconds by stage."""

    began: float = field(default_factory=time.perf_counter)
    stages: dict[str, float] = field(default_factory=dict)

    def lap(self, stage: str) -> None:
        self.stages[stage] = round((time.perf_counter() - self.began) * 1000 - sum(self.stages.values()), 1)

    def total(self) -> dict[str, float]:
        return {"total": round((time.perf_counter() - self.began) * 1000, 1), **self.stages}


@dataclass(frozen=True)
class Assistant:
    """Answers questions from the edition being served."""

    library: Library
    retriever: Retriever
    reader: Reader | None
    engine: Engine
    contact: str
    warnings: tuple[str, ...] = ()  # what does not work as it should, for those who run it

    def ask(self, question: Question, edition: Edition | None = None) -> Answer:
        """The answer. Raises BadRequest for a question that cannot be used, NotReady without an edition."""
        for event in self.stream(question, edition):
            if isinstance(event, Done):
                return event.answer
        raise AssertionError("the stream ends with Done")

    @property
    def settings(self) -> str:
        """The digest of what is in force of IN_FORCE: 16 hexadecimal digits."""
        said = {name: in_force(self) for name, in_force in IN_FORCE.items()}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    def quoting(self) -> Assistant:
        """The same, whatever its engine, in the words of the documents: what an edition is judged by."""
        return replace(self, engine=QUOTES)

    def prepare(self) -> None:
        """Let the reader do beforehand what does not depend on a question."""
        if self.reader:
            self.reader.prepare(text_of(*passage) for passage in self.library.all_chunks(self.library.current().number))

    def stream(self, question: Question, edition: Edition | None = None) -> Iterator[Event]:
        """The answer as it comes about: status, sentences, and at the end the whole; `edition`: not the one served."""
        clock, text = _Clock(), check(question)
        language = _language(text, question.history) if question.language == "auto" else question.language
        today = question.as_of or date.today()
        edition = edition or self.library.current()
        index = self.retriever.index(edition)
        restated = self.engine.restated(text, question.history)
        meant = (*self._readings(text, question.history, index), *((restated,) if restated else ()))
        used = index.names.mend(self.retriever.nearest(meant, edition))
        clock.lap("understand")

        yield Status(STAGES[0])
        wordings = tuple(dict.fromkeys((used, text, restated or text)))
        found = self.retriever.search(Query(wordings, periods_asked(used, today), question.filters), edition)
        clock.lap("search")

        yield Status(STAGES[1])
        found = read_passages(found, wordings, self.reader)
        clock.lap("read")

        finding = find_evidence(found, index.lexical, language)
        clock.lap("evidence")

        citing = Citing(edition, index.neighbours, [(quote.hit, quote.unit) for quote in finding.quotes])
        task = Task(used, language, finding.quotes, found.hits, index.names, index.nearest.rows)
        said: list[Sentence] = []
        for sentence in self._sentences(finding, task, citing, today):
            if isinstance(sentence, Waiting):
                yield sentence
                continue
            yield Said(sentence, _new_citations(sentence, said, citing.citations))
            said.append(sentence)
        clock.lap("compose")
        yield Done(self._answer(finding, said, citing.citations, language, used, edition, today, clock))

    def _readings(self, text: str, history: tuple[Turn, ...], index: Index) -> tuple[str, ...]:
        """How a question may be meant; one that a passage was written for stands alone."""
        return (text,) if index.written_for(text) else readings(text, history, index.names)

    def _sentences(self, finding: Finding, task: Task, citing: Citing, today: date) -> Iterator[Sentence | Waiting]:
        """The worded evidence between the notices that a refusal, a period or another language needs. What is refused,
        and what is not known, is always quoted."""
        frame, kinds = _Frame(task.language, self.contact, today), set()
        yield from frame.before(finding)
        engine = QUOTES if finding.reason or finding.gap else self.engine
        for worded in engine.compose(task):
            if isinstance(worded, Waiting):
                yield worded
                continue
            kinds.add(worded.kind)
            yield worded.sentence(citing.numbers(worded.places))
        yield from frame.after(finding, kinds)

    def _answer(
        self,
        finding: Finding,
        said: list[Sentence],
        citations: tuple[Citation, ...],
        language: str,
        used: str,
        edition: Edition,
        today: date,
        clock: _Clock,
    ) -> Answer:
        return Answer(
            id=uuid.uuid4().hex,
            answer=markdown(said),
            abstained=finding.reason is not None,
            reason=finding.reason,
            language=language,
            question_used=used,
            sentences=tuple(said),
            citations=citations,
            suggestions=finding.suggestions,
            edition=edition.number,
            engine=self.engine.name,
            margin=round(finding.margin, 3),
            timings_ms=clock.total(),
            settings=self.settings,
            version=__version__,
            edition_digest=edition.digest,
            as_of=today,
        )


# What can change an answer besides question, edition, version and day; another setting that can is another line.
IN_FORCE: dict[str, Callable[[Assistant], str]] = {
    "contact": lambda assistant: assistant.contact,
    "embedder": lambda assistant: assistant.retriever.embedder.name,
    "engine": lambda assistant: assistant.engine.name,
    "reader": lambda assistant: assistant.reader.name if assistant.reader else "none",
}


@dataclass(frozen=True, slots=True)
class _Frame:
    """What the assistant says in its own words around the quotes."""

    language: str
    contact: str
    today: date

    def before(self, finding: Finding) -> Iterator[Sentence]:
        match finding.reason:
            case Reason.OUT_OF_SCOPE:
                yield self._notice(
                    "This question is outside what I can answer. My documents cover the EU Clusters Talk of "
                    "13 September 2023 and innovation procurement in the EU."
                )
            case Reason.UNCLEAR:
                yield self._notice("Could you say a little more precisely what you would like to know?")
            case Reason.OUTDATED:
                yield self._notice("My documents say nothing about that day; what they hold applies at another time:")
            case Reason.NOT_IN_CORPUS if finding.gap:
                yield self._notice("The documents say what is not known about this:")
            case Reason.NOT_IN_CORPUS:
                yield self._notice("I found no answer to this in the documents I have.")
                if finding.quotes:
                    yield self._notice("The closest passages, which do not confirm an answer:")

    def after(self, finding: Finding, kinds: set[SentenceKind]) -> Iterator[Sentence]:
        if finding.disagree:
            yield self._notice("The sources do not agree on this; each is quoted.")
        yield from self._times(finding)
        if finding.reason in (Reason.NOT_IN_CORPUS, Reason.OUT_OF_SCOPE):
            yield self._notice("For more, ask here: {contact}", contact=self.contact)
        if "generated" in kinds:
            yield self._notice("Written by a language model; each sentence was checked against the places it names.")
        foreign = {quote.hit.document.language for quote in finding.quotes} - {self.language}
        if foreign and "quote" in kinds:
            yield self._notice(
                "The quotations are in English."
                if foreign == {"en"}
                else "The quotations are in the language of their source."
            )

    def _times(self, finding: Finding) -> Iterator[Sentence]:
        """For which period the quotes hold, when it is one, and the last deadline among them that has passed."""
        if finding.gap or finding.reason is Reason.UNCLEAR:
            return
        periods = {quote.hit.chunk.period for quote in finding.quotes if quote.hit.chunk.period.bounded}
        if len(periods) == 1:
            yield self._period(periods.pop())
        passed = [
            day
            for quote in finding.quotes
            if (day := deadline_passed(quote.text, quote.hit.document.language, self.today)) is not None
        ]
        if passed and not periods:
            yield self._notice("A date named here has passed: {date}.", date=long_date(max(passed), self.language))

    def _period(self, period: Period) -> Sentence:
        start, end = (day and long_date(day, self.language) for day in (period.start, period.until))
        over = period.until is not None and period.until < self.today
        if start and end and over:
            return self._notice("This held from {start} to {end}.", start=start, end=end)
        if start and end:
            return self._notice("This holds from {start} to {end}.", start=start, end=end)
        if start:
            return self._notice("This holds from {start}.", start=start)
        if over:
            return self._notice("This held until {end}.", end=end)
        return self._notice("This holds until {end}.", end=end)

    def _notice(self, message: str, **values: object) -> Sentence:
        return Sentence(say(message, self.language, **values), kind="notice")


def _language(text: str, history: Sequence[Turn]) -> str:
    """The language of a question: where two or three words do not tell, that of the questions before it."""
    language, before = "en", [turn.content for turn in history if turn.role == "user"]
    for asked in (*before[-MEMORY:], text):
        language = detect_language(asked, default=language)
    return language


def check(question: Question) -> str:
    """The question's text, tidied. Raises BadRequest or TooLarge with what to do."""
    text = " ".join(question.text.split())
    if not text:
        raise BadRequest("The question is empty.", "Write a question.")
    if len(text) > MAX_QUESTION:
        raise TooLarge(f"The question has {len(text):,} characters.", f"Shorten it to {MAX_QUESTION:,}.")
    if len(question.history) > MAX_HISTORY:
        raise TooLarge(f"The history has {len(question.history)} turns.", f"Send the last {MAX_HISTORY} at most.")
    narrowed = chain(question.filters.kind, question.filters.source, question.filters.language)
    if HALF.search("".join((text, *(turn.content for turn in question.history), *narrowed))):
        raise BadRequest("What was sent holds half a character.", "Send whole characters in UTF-8.")
    if question.language != "auto" and question.language not in EU_LANGUAGES:
        raise BadRequest(f"The language {question.language!r} is unknown.", 'Use "auto" or an EU language code.')
    return text


def retold(answer: Answer) -> Iterator[Event]:
    """The events of an answer that is known already, as they came when it was worked out."""
    yield from map(Status, STAGES)
    said: list[Sentence] = []
    for sentence in answer.sentences:
        yield Said(sentence, _new_citations(sentence, said, answer.citations))
        said.append(sentence)
    yield Done(answer)


def _new_citations(sentence: Sentence, said: list[Sentence], citations: tuple[Citation, ...]) -> tuple[Citation, ...]:
    known = {number for before in said for number in before.citations}
    return tuple(c for c in citations if c.number in sentence.citations and c.number not in known)
