"""What was asked and answered on one page, and how the next answer comes about. Knows nothing of markup or Gradio."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from queue import Empty, SimpleQueue
from typing import Literal

from assistant.ask import Assistant
from assistant.errors import ClusterTalksError
from assistant.language import detect_language
from assistant.library import Library
from assistant.records import Answer, Citation, Done, Filters, Question, Said, Sentence, Turn

CONTEXT = 300
REMEMBERED = 12
LOOK_FOR_STOP = 0.1
HEADING = re.compile(r"^#.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A quote with the text of its section around it."""

    before: str
    quote: str
    after: str


@dataclass(frozen=True, slots=True)
class Source:
    """A citation with what stands around its quote."""

    citation: Citation
    excerpt: Excerpt


@dataclass(frozen=True, slots=True)
class Focus:
    """What questions are restricted to: kinds of documents, one document (its id and title), the day whose rules count
    (None: today)."""

    kinds: tuple[str, ...] = ()
    source: tuple[str, str] | None = None
    as_of: date | None = None

    @property
    def filters(self) -> Filters:
        """The restriction as a search takes it."""
        return Filters(kind=self.kinds, source=self.source[:1] if self.source else ())


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question with as much of its answer as there is. `language` is the answer's, `id` and `edition` too;
    `rating` is what the visitor thinks of it."""

    question: str
    language: str
    state: Literal["running", "done", "stopped", "failed"] = "running"
    sentences: tuple[Sentence, ...] = ()
    sources: tuple[Source, ...] = ()
    suggestions: tuple[str, ...] = ()
    abstained: bool = False
    answer: str = ""
    problem: str = ""
    focus: Focus = Focus()
    id: str = ""
    edition: int = 0
    rating: Literal["", "up", "down"] = ""


Exchanges = tuple[Exchange, ...]
Note = Callable[[str, Answer], None]


def converse(
    assistant: Assistant,
    exchanges: Exchanges,
    question: str,
    language: str,
    stop: threading.Event,
    focus: Focus = Focus(),
    note: Note = lambda question, answer: None,
) -> Iterator[Exchanges]:
    """The conversation with `question` added, again after every sentence, until the answer is whole or `stop` is set.
    `language` is the page's: it decides where the question's own is not certain. An error is never raised: it ends the
    conversation with a failed exchange."""
    before = _kept(exchanges)
    current = asked = Exchange(question.strip(), detect_language(question, default=language), focus=focus)
    answers = _until(stop, _answer(assistant, asked, history(before), note))
    yield (*before, current)
    try:
        for current in answers:
            yield (*before, current)
        if current.state == "running":
            yield (*before, replace(current, state="stopped"))
    except ClusterTalksError as error:
        yield (*before, replace(current, state="failed", problem=str(error)))
    except Exception:
        logging.getLogger(__name__).exception("An answer broke")
        yield (*before, replace(current, state="failed"))


def _kept(exchanges: Exchanges) -> Exchanges:
    """What the next question follows: not what failed; an answer that was on its way ends with what it has."""
    ended = (replace(e, state="stopped") if e.state == "running" and e.sentences else e for e in exchanges)
    return tuple(exchange for exchange in ended if exchange.state in ("done", "stopped"))


def history(exchanges: Sequence[Exchange]) -> tuple[Turn, ...]:
    """The latest exchanges as turns, oldest first."""
    turns: list[Turn] = []
    for exchange in exchanges[-REMEMBERED:]:
        turns.append(Turn("user", exchange.question))
        if exchange.answer:
            turns.append(Turn("assistant", exchange.answer))
    return tuple(turns)


def _answer(assistant: Assistant, current: Exchange, turns: tuple[Turn, ...], note: Note) -> Iterator[Exchange]:
    focus = current.focus
    asked = Question(current.question, turns, current.language, focus.as_of, focus.filters)
    for event in assistant.stream(asked):
        if isinstance(event, Said):
            new = tuple(_source(assistant.library, citation) for citation in event.citations)
            current = replace(current, sentences=(*current.sentences, event.sentence), sources=(*current.sources, *new))
        elif isinstance(event, Done):
            answer = event.answer
            note(current.question, answer)
            current = replace(
                current,
                state="done",
                language=answer.language,
                abstained=answer.abstained,
                answer=answer.answer,
                suggestions=answer.suggestions,
                id=answer.id,
                edition=answer.edition,
            )
        yield current


def _until(stop: threading.Event, answers: Iterator[Exchange]) -> Iterator[Exchange]:
    """`answers`, which begin to come about at once, left when `stop` is set, even while the next one is waited for."""
    ready: SimpleQueue[Exchange | BaseException | None] = SimpleQueue()

    def read() -> None:
        before = None
        try:
            for answer in answers:
                if answer is not before:
                    ready.put(answer)
                before = answer
                if stop.is_set():
                    return
            ready.put(None)
        except BaseException as error:
            ready.put(error)

    threading.Thread(target=read, name="answer", daemon=True).start()
    return _taken(ready, stop)


def _taken(ready: SimpleQueue[Exchange | BaseException | None], stop: threading.Event) -> Iterator[Exchange]:
    while not stop.is_set():
        try:
            item = ready.get(timeout=LOOK_FOR_STOP)
        except Empty:
            continue
        if item is None:
            return
        if isinstance(item, BaseException):
            raise item
        yield item


def _source(library: Library, citation: Citation) -> Source:
    try:
        _, text = library.snapshot(citation.document, citation.edition)
    except ClusterTalksError:  # the edition went away while the answer was on its way
        return Source(citation, Excerpt("", citation.quote, ""))
    return Source(citation, excerpt(text, citation.span))


def excerpt(text: str, span: tuple[int, int], reach: int = CONTEXT) -> Excerpt:
    """`text[span]` with at most `reach` characters of its section on either side, cut at line ends where there are any,
    else between words."""
    start, end = span
    return Excerpt(_before(text, start, reach), text[start:end], _after(text, end, reach))


def _before(text: str, start: int, reach: int) -> str:
    near = text[max(0, start - reach) : start]
    headings = list(HEADING.finditer(near, 1 if start > reach else 0))
    if headings:
        return near[headings[-1].end() :].lstrip()
    if start <= reach:
        return near.lstrip()
    line = near.find("\n")
    return near[line:].lstrip() if line >= 0 else "… " + near.partition(" ")[2]


def _after(text: str, end: int, reach: int) -> str:
    near = text[end : end + reach]
    if heading := HEADING.search(near, 1):
        return near[: heading.start()].rstrip()
    if end + reach >= len(text):
        return near.rstrip()
    line = near.rfind("\n")
    return near[:line].rstrip() if line >= 0 else near.rpartition(" ")[0] + " …"
