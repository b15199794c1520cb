"""What a model of `local:` may say: golden questions asked of the real assistant, each sentence shown beside its source.

    .venv/bin/python -m tests.quality.measure_local MODEL.gguf OUT.jsonl [--data data] [--count 40] [--seconds 600]
    .venv/bin/python -m tests.quality.measure_local OLD.jsonl OUT.jsonl     checks anew what was written before

One JSON object a question goes to OUT, which holds what was done already when it is called again; whether a sentence
is false is for a person to say, with the printed list. The data folder needs an edition, and no running server.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from assistant.ask import Assistant
from assistant.engines.checked import UNCONFIRMED
from assistant.engines.lines import Lines
from assistant.engines.local import open_local
from assistant.engines.model import Model, ModelFailed, Prompt
from assistant.engines.written import TOKENS, open_written
from assistant.language import say
from assistant.records import Answer, Question, Turn
from assistant.settings import Settings
from assistant.wiring import open_assistant, open_stores

GOLDEN = Path(__file__).with_name("golden.jsonl")


@dataclass(frozen=True)
class Shown:
    """A sentence that the model wrote and the reader saw, and what its citations quote."""

    text: str
    kind: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """One question: the lines that the model wrote, those shown, and whether the evidence had to be quoted instead."""

    id: str
    language: str
    question: str
    asked: bool  # the model
    failed: str
    seconds: float
    written: tuple[str, ...]
    shown: tuple[Shown, ...]
    fallback: bool


class Heard:
    """The model; what it wrote last is kept."""

    def __init__(self, model: Model) -> None:
        self.name, self.close, self._model = model.name, model.close, model
        self.forget()

    def forget(self) -> None:
        self.text, self.failed, self.asked = "", "", False

    def begin(self, id_: str) -> None:
        self.forget()
        if isinstance(self._model, Again):
            self._model.id = id_

    def write(self, prompt: Prompt) -> Iterator[str]:
        self.forget()
        self.asked = True
        try:
            for piece in self._model.write(prompt):
                self.text += piece
                yield piece
        except ModelFailed as failure:
            self.failed = str(failure)
            raise


class Again:
    """What a model wrote before to the question `id`. It restates none."""

    name = "again"

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._written = {row["id"]: "\n".join(row["written"]) for row in rows}
        self.id = ""

    def write(self, prompt: Prompt) -> Iterator[str]:
        yield self._written.get(self.id, "") if prompt.tokens == TOKENS else ""

    def close(self) -> None:
        pass


def _opened(name: str) -> Model:
    if name.endswith(".jsonl"):
        return Again(_rows(Path(name)))
    model = open_local(name, "")
    model.wait(300)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a GGUF file, or the OUT of another run")
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=600, help="that an answer may take")
    given = parser.parse_args()
    settings = Settings(data=given.data, model_timeout=given.seconds)
    stores, model = open_stores(settings), _opened(given.model)
    heard = Heard(model)
    engine = open_written(heard, settings, stores.embedder)
    assistant = replace(open_assistant(settings, stores), engine=engine)
    given.out.touch()
    done = {row["id"] for row in _rows(given.out)}
    with given.out.open("a", encoding="utf-8") as out:
        for row in _chosen(given.count):
            if row["id"] not in done:
                out.write(json.dumps(asdict(_asked(assistant, heard, row)), ensure_ascii=False) + "\n")
                out.flush()
    model.close()
    _tell(_rows(given.out))


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _chosen(count: int) -> list[dict[str, Any]]:
    """Questions that the documents answer, mixed, always the same."""
    rows = [row for row in _rows(GOLDEN) if not row["abstain"]]
    return random.Random(9).sample(rows, len(rows))[:count]


def _asked(assistant: Assistant, heard: Heard, row: dict[str, Any]) -> Outcome:
    heard.begin(row["id"])
    began = time.perf_counter()
    history = tuple(Turn(turn["role"], turn["content"]) for turn in row["history"])
    answer = assistant.ask(Question(row["question"], history))
    seconds = round(time.perf_counter() - began, 1)
    lines = Lines(answer.language)
    written = tuple(line.text for line in (*lines.add(heard.text), *lines.end()))
    notice = say(UNCONFIRMED, answer.language)
    fallback = any(sentence.text == notice for sentence in answer.sentences)
    return Outcome(
        row["id"],
        answer.language,
        row["question"],
        heard.asked,
        heard.failed,
        seconds,
        written,
        tuple(_shown(answer, written)),
        fallback,
    )


def _shown(answer: Answer, written: tuple[str, ...]) -> Iterator[Shown]:
    quotes = {citation.number: citation.quote for citation in answer.citations}
    for sentence in answer.sentences:
        if sentence.kind == "generated" or (sentence.kind == "quote" and sentence.text in written):
            yield Shown(sentence.text, sentence.kind, tuple(quotes[number] for number in sentence.citations))


def _tell(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        shown, written = len(row["shown"]), len(row["written"])
        print(f"\n{row['id']} {row['language']} {row['seconds']} s: {row['question']}")
        print(f"   {written} written, {shown} shown{', FALLBACK' if row['fallback'] else ''} {row['failed']}")
        for one in row["shown"]:
            print(
                f"   {one['kind'].upper()}: {one['text']}",
                *(f"      < {source}" for source in one["sources"]),
                sep="\n",
            )
    asked = [row for row in rows if row["asked"]]
    kinds = [one["kind"] for row in asked for one in row["shown"]]
    written = sum(len(row["written"]) for row in asked)
    print(
        f"\n{len(rows)} questions, {len(asked)} asked of the model, {sum(bool(row['failed']) for row in asked)} failed"
    )
    print(f"{written} sentences written, {len(kinds)} shown ({kinds.count('quote')} word for word as in a document)")
    print(f"{written - len(kinds)} dropped; {sum(row['fallback'] for row in asked)} answers fell back to quotes")
    seconds = sorted(row["seconds"] for row in asked)
    print(f"seconds an answer: median {seconds[len(seconds) // 2]}, longest {seconds[-1]}" if seconds else "")


if __name__ == "__main__":
    main()
