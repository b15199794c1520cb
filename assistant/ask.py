"""THE ASK FLOW: question → stand-alone question → hits → read → evidence or refusal → sentences → citations → Answer.

One generator serves everyone: the page and the event stream consume it as it runs, `ask` waits for its last event.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from assistant.citations import cite, markdown
from assistant.conversation import readings
from assistant.engines import Engine, Task
from assistant.errors import BadRequest, TooLarge
from assistant.evidence import Finding, find_evidence, read_passages, text_of
from assistant.language import EU_LANGUAGES, detect_language, say
from assistant.library import Library
from assistant.periods import deadline_passed, long_date, periods_asked
from assistant.reader import Reader
from assistant.records import Answer, Citation, Done, Edition, Event, Period, Question, Reason, Said, Sentence, Status
from assistant.retrieve import Query, Retriever

MAX_QUESTION = 4_000
MAX_HISTORY = 100
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

    def prepare(self) -> None:
        """Let the reader do beforehand what does not depend on a question."""
        if self.reader:
            for chunk, document in self.library.all_chunks(self.library.current().number):
                if not self.reader.prepare(text_of(chunk, document)):
                    return

    def stream(self, question: Question, edition: Edition | None = None) -> Iterator[Event]:
        """The answer as it comes about: status, sentences, and at the end the whole; `edition`: not the one served."""
        clock, text = _Clock(), check(question)
        language = detect_language(text) if question.language == "auto" else question.language
        today = question.as_of or date.today()
        edition = edition or self.library.current()
        index = self.retriever.index(edition)
        used = index.names.mend(self.retriever.nearest(readings(text, question.history, index.names), edition))
        clock.lap("understand")

        yield Status(STAGES[0])
        wordings = tuple(dict.fromkeys((used, text)))
        found = self.retriever.search(Query(wordings, periods_asked(used, today), question.filters), edition)
        clock.lap("search")

        yield Status(STAGES[1])
        found = read_passages(found, wordings, self.reader)
        clock.lap("read")

        finding = find_evidence(found, index.lexical, language)
        clock.lap("evidence")

        numbers, citations = cite([(q.hit, q.unit) for q in finding.quotes], edition, index.neighbours)
        said: list[Sentence] = []
        for sentence in self._sentences(finding, Task(used, language, finding.quotes, numbers), today):
            yield Said(sentence, _new_citations(sentence, said, citations))
            said.append(sentence)
        clock.lap("compose")
        yield Done(self._answer(finding, said, citations, language, used, edition, clock))

    def _sentences(self, finding: Finding, task: Task, today: date) -> Iterator[Sentence]:
        """The worded evidence between the notices that a refusal, a period or another language needs."""
        frame = _Frame(task.language, self.contact, today)
        yield from frame.before(finding)
        yield from self.engine.compose(task)
        yield from frame.after(finding)

    def _answer(
        self,
        finding: Finding,
        said: list[Sentence],
        citations: tuple[Citation, ...],
        language: str,
        used: str,
        edition: Edition,
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
        )


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

    def after(self, finding: Finding) -> Iterator[Sentence]:
        if finding.disagree:
            yield self._notice("The sources do not agree on this; each is quoted.")
        yield from self._times(finding)
        if finding.reason in (Reason.NOT_IN_CORPUS, Reason.OUT_OF_SCOPE):
            yield self._notice("For more, ask here: {contact}", contact=self.contact)
        if foreign := {quote.hit.document.language for quote in finding.quotes} - {self.language}:
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


def check(question: Question) -> str:
    """The question's text, tidied. Raises BadRequest or TooLarge with what to do."""
    text = " ".join(question.text.split())
    if not text:
        raise BadRequest("The question is empty.", "Write a question.")
    if len(text) > MAX_QUESTION:
        raise TooLarge(f"The question has {len(text):,} characters.", f"Shorten it to {MAX_QUESTION:,}.")
    if len(question.history) > MAX_HISTORY:
        raise TooLarge(f"The history has {len(question.history)} turns.", f"Send the last {MAX_HISTORY} at most.")
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
