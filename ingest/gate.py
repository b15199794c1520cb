"""The publish gate: questions with known answers, asked of the served edition and of the new one.

An edition whose share of right answers falls by more than the margin is held back: it stays beside the served one, and
a maintainer publishes it on purpose. Outcomes are kept in the data folder for the day.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from pydantic import TypeAdapter

from assistant import __version__
from assistant.ask import Assistant
from assistant.evaluate import Case, is_right
from assistant.records import Edition, Question, Turn
from ingest.progress import Stages
from ingest.report import AnswerChange, Checked

HISTORY = TypeAdapter(list[Turn])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an edition answers to a question."""

    answer: str
    right: bool


@dataclass(frozen=True)
class Gate:
    """Asks `cases` of editions through `assistant`, in the words of the documents whatever its engine; `folder` keeps
    the outcomes, `margin` is a share of the cases."""

    assistant: Assistant
    cases: Sequence[Case]
    folder: Path
    margin: float

    def check(self, served: Edition, new: Edition, stages: Stages) -> Checked:
        """The shares of right answers before and after, and each answer that changed."""
        with stages.timed("check"):
            before = self._outcomes(served, stages)
            after = self._outcomes(new, stages)
        pairs = [(case, before[case.id], after[case.id]) for case in self.cases]
        return Checked(
            questions=len(pairs),
            before=_share(old for _, old, _ in pairs),
            after=_share(now for _, _, now in pairs),
            changes=[
                AnswerChange(case.id, case.question, old.answer, now.answer, old.right, now.right)
                for case, old, now in pairs
                if old != now
            ],
        )

    @cached_property
    def _quoting(self) -> Assistant:
        return self.assistant.quoting()

    def _outcomes(self, edition: Edition, stages: Stages) -> dict[str, Outcome]:
        kept = self.folder / f"{edition.number}-{self._name(edition)}.json"
        if kept.exists():
            return {id_: Outcome(**value) for id_, value in json.loads(kept.read_text(encoding="utf-8")).items()}
        found = {}
        for done, case in enumerate(self.cases):
            stages.progress("check", done, len(self.cases))
            found[case.id] = self._outcome(case, edition)
        stages.progress("check", len(self.cases), len(self.cases))
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        part.write_text(json.dumps({id_: asdict(outcome) for id_, outcome in found.items()}), encoding="utf-8")
        part.replace(kept)
        return found

    def _outcome(self, case: Case, edition: Edition) -> Outcome:
        history = tuple(HISTORY.validate_python(case.history))
        answer = self._quoting.ask(Question(case.question, history), edition)
        return Outcome(answer.answer, is_right(case, answer.answer, answer.abstained))

    def _name(self, edition: Edition) -> str:
        """What decides the outcomes: the documents, the program and its models, the day, the questions."""
        reader = self._quoting.reader.name if self._quoting.reader else "none"
        digests = [document.digest for document in self._quoting.library.documents(edition.number)]
        decided_by = [__version__, reader, self._quoting.engine.name, edition.embedder, str(date.today()), digests]
        text = json.dumps([*decided_by, *(asdict(case) for case in self.cases)])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def _share(outcomes: Iterable[Outcome]) -> float:
    right = [outcome.right for outcome in outcomes]
    return sum(right) / len(right) if right else 1.0
