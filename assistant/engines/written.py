"""An answer in a model's words: only sentences that the passages bear out, each with the places that say it; where too
few are, the evidence in its own words."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cache, cached_property
from pathlib import Path

from babel import Locale

from assistant.embedders import Embedder
from assistant.engines import QUOTES, Task, Worded
from assistant.engines.checked import Checked
from assistant.engines.guarded import Guarded, limits_of
from assistant.engines.lines import Lines, plain
from assistant.engines.model import Model, ModelFailed, Prompt
from assistant.engines.passages import Passages, passages_for
from assistant.language import is_function_word
from assistant.names import WORD, fold
from assistant.records import Turn, Waiting
from assistant.settings import Settings
from assistant.verify import Verifier
from assistant.verify.text import WordVectors

PROMPTS = Path(__file__).parents[1] / "prompts"
TOKENS = 400  # of an answer
LINES = 8  # more answer no question
TURNS = 4  # of a conversation, that a follow-up is restated from
TOKENS_RESTATED, SECONDS_RESTATED = 80, 5.0

log = logging.getLogger(__name__)


class WrittenEngine:
    """Writes with `model`, and checks with the embedder and the first layers of the bundled one, kept in `models`."""

    repeats = False

    def __init__(self, model: Model, embedder: Embedder, models: Path) -> None:
        self.name = model.name
        self._model, self._embedder, self._models = model, embedder, models

    def compose(self, task: Task) -> Iterator[Worded | Waiting]:
        """What the model writes, as far as it is borne out; else the evidence, with a notice."""
        passages = passages_for(task)
        if not passages.places:
            yield from QUOTES.compose(task)
            return
        checked = Checked(task, passages, Verifier(self._embedder, names=task.names, words=self._words))
        try:
            yield from self._written(task, passages, checked)
        except ModelFailed as failure:
            log.warning("The model %s gave no whole answer: %s", self.name, failure)
        if not checked.good:
            yield from checked.quotes()

    def _written(self, task: Task, passages: Passages, checked: Checked) -> Iterator[Worded | Waiting]:
        lines, left = Lines(task.language), LINES
        with closing(self._model.write(_prompt(task, passages))) as pieces:  # type: ignore[type-var]
            for piece in pieces:
                yield Waiting()
                for line in lines.add(piece):
                    yield from checked.take(line)
                    left -= 1
                if left <= 0:
                    return
        for line in lines.end():
            yield from checked.take(line)

    def restated(self, question: str, history: Sequence[Turn]) -> str | None:
        """The follow-up as the model restates it, where that brings along nothing but function words."""
        if not any(turn.role == "user" for turn in history):
            return None
        talk = "\n".join(f"{turn.role}: {turn.content}" for turn in (*history[-TURNS:], Turn("user", question)))
        prompt = Prompt(_text("restate"), talk, TOKENS_RESTATED, SECONDS_RESTATED)
        try:
            restated = plain("".join(self._model.write(prompt)))
        except ModelFailed as failure:
            log.warning("The model %s restated no question: %s", self.name, failure)
            return None
        known = set(map(fold, WORD.findall(talk)))
        brought = any(fold(word) not in known and not is_function_word(word) for word in WORD.findall(restated))
        return None if not restated or brought or len(restated) > len(talk) else restated

    def tried(self) -> str:
        """As the model's."""
        return self._model.tried()

    def close(self) -> None:
        """Let go of the model."""
        self._model.close()

    @cached_property
    def _words(self) -> WordVectors:
        from assistant.verify.vectors import FirstLayers

        return FirstLayers(self._models)


def open_written(model: Model, settings: Settings, embedder: Embedder) -> WrittenEngine:
    """The engine over a model, which is kept within what is set."""
    return WrittenEngine(Guarded(model, limits_of(settings)), embedder, settings.data / "models")


def _prompt(task: Task, passages: Passages) -> Prompt:
    language = Locale(task.language).get_language_name("en")
    user = _text("passages").format(passages=passages.text(), question=task.question, language=language)
    return Prompt(_text("answer").format(language=language), user, TOKENS)


@cache
def _text(name: str) -> str:
    return (PROMPTS / f"{name}.txt").read_text(encoding="utf-8").strip()
