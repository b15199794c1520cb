"""The real page in front of an assistant that plays a script: slow, failing, refusing and hostile answers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from typing import Any

import uvicorn

from assistant.api.app import create_app
from assistant.api.state import State
from assistant.ask import Assistant
from assistant.errors import TooLarge
from assistant.records import (
    Anchor,
    Answer,
    Chunk,
    Citation,
    Document,
    Done,
    Edition,
    Event,
    Question,
    Reason,
    Related,
    Said,
    Sentence,
    Status,
    Unit,
)

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> ${1+1} {{value}}"
TEXT = (
    f"# Title\n\n## Heading\n\nBefore it. The quoted sentence stands here. After it. {HOSTILE}\n\n## Next\n\nElsewhere."
)
START = TEXT.index("The quoted")
SPAN = (START, TEXT.index(" After it"))
MEANING = f"It says what is explained. {HOSTILE}"
EXPLAINED = Chunk(
    "g",
    "g",
    f"{MEANING}\nIn other languages: de das Wort.",
    0,
    len(MEANING) + 32,
    Anchor(("Explained word",)),
    units=(Unit(0, len(MEANING)), Unit(len(MEANING) + 1, len(MEANING) + 32, "terms")),
)
NEWER = Related("two", "The new title", "two.md", None)


def citation(number: int = 1, **changes: Any) -> Citation:
    values: dict[str, Any] = {
        "number": number,
        "document": "one",
        "title": "A title",
        "uri": "one.md",
        "url": "https://example.eu/one",
        "anchor": Anchor(("Heading",), page=3),
        "link": f"/read/one?edition=1&start={SPAN[0]}&end={SPAN[1]}#quote",
        "quote": TEXT[slice(*SPAN)],
        "span": SPAN,
        "valid_from": date(2022, 1, 1),
        "valid_until": date(2023, 12, 31),
        "edition": 1,
        "digest": "0" * 64,
        "publisher": "A publisher",
    }
    return Citation(**{**values, **changes})


RECORDED = citation(
    anchor=Anchor(start=75.2, end=80.0, speaker="Ana"), url="https://example.eu/v?t=75", event_date=date(2023, 9, 13)
)


@dataclass
class ScriptedAssistant:
    """Stands in for Assistant: what it answers depends on the first word of the question."""

    asked: list[Question] = field(default_factory=list)

    @property
    def library(self) -> Any:
        return SimpleNamespace(
            snapshot=lambda document, edition: (Document("one", "one.md", "A title", "0"), TEXT),
            current=lambda: Edition(1, "x", 1, "ready", ""),
            all_chunks=lambda edition: ((EXPLAINED, Document("g", "glossary/g.md", "Glossary", "0", kind="glossary")),),
            missed=SimpleNamespace(add=lambda **row: None, today=lambda *asker: 0),
            feedback=SimpleNamespace(add=lambda **row: 1),
        )

    def stream(self, question: Question) -> Iterator[Event]:
        self.asked.append(question)
        yield Status("search")
        match question.text.split()[0].lower():
            case "break":
                raise RuntimeError("not for users")
            case "refuse":
                raise TooLarge("The question is too long.", "Shorten it.")
            case "unknown":
                yield from self._unknown(question)
            case "slow":
                yield from self._slow()
            case "hostile":
                yield from self._answer(question, citation(title=HOSTILE, url="javascript:alert(1)"), HOSTILE)
            case "explain":
                yield from self._answer(question, citation(), "An explained word, and the Explained word again.")
            case "recorded":
                yield from self._answer(question, RECORDED, "The quoted sentence stands here.")
            case "old":
                yield from self._answer(question, citation(superseded_by=NEWER), "The quoted sentence stands here.")
            case "words":
                yield from self._answer(question, citation(), "The quoted sentence stands here.", highlight=(4, 10))
            case _:
                yield from self._answer(question, citation(), "The quoted sentence stands here.")

    def _answer(self, question: Question, cited: Citation, text: str, **more: Any) -> Iterator[Event]:
        said = Sentence(text, (cited.number,), **more)
        yield Said(said, (cited,))
        yield Done(_answer(question, (said,), (cited,), suggestions=(HOSTILE, "And then?")))

    def _unknown(self, question: Question) -> Iterator[Event]:
        cited = citation()
        sentences = (
            Sentence("The documents say what is not known about this:", kind="notice"),
            Sentence("The quoted sentence stands here.", (1,)),
            Sentence("For more, ask here: https://example.eu/contact", kind="notice"),
        )
        for sentence in sentences:
            yield Said(sentence, (cited,) if sentence.citations else ())
        yield Done(_answer(question, sentences, (cited,), reason=Reason.NOT_IN_CORPUS))

    def _slow(self) -> Iterator[Event]:
        for number in range(200):
            yield Said(Sentence(f"Sentence {number}.", (1,)), (citation(),) if number == 0 else ())
            time.sleep(0.2)


def _answer(
    question: Question,
    sentences: tuple[Sentence, ...],
    citations: tuple[Citation, ...],
    reason: Reason | None = None,
    suggestions: tuple[str, ...] = (),
) -> Answer:
    text = " ".join(sentence.text for sentence in sentences)
    return Answer(
        "0" * 32,
        text,
        reason is not None,
        reason,
        question.language,
        question.text,
        sentences,
        citations,
        suggestions,
        1,
        "x",
    )


class ScriptedServer:
    """The application with the page, in a thread of this process, for the length of a `with` block."""

    def __init__(self) -> None:
        self.assistant = ScriptedAssistant()
        self.state = State()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            create_app(self.state, self._warm_up), port=self.port, log_level="warning", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def _warm_up(self, state: State, app: Any) -> None:
        from ui.page import mount

        assistant: Assistant = self.assistant  # type: ignore[assignment]
        mount(app, state, assistant)
        state.serve(assistant)

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        deadline = time.monotonic() + 90
        while not self.state.ready:
            assert self.state.failure is None, self.state.failure
            assert time.monotonic() < deadline, "the page was not mounted"
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)
