"""How good the answers are: a file of questions asked of the served edition, scored per kind and language.

A question file has one JSON object a line: question, and what of it is known: id, lang, kind, history, must_include
(groups of accepted spellings), must_not_include, abstain, document (the uri that should be cited). An answer is right
when it is not a refusal, has at least one spelling of every group and no forbidden string; a refusal is right when
`abstain` says so and it has no forbidden string.
"""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from assistant.asking import Asker
from assistant.errors import BadRequest
from assistant.terminal import open_console

DEPTHS = (1, 3, 5)
ONE_A_LINE = 'Write one a line: {"question": "Who …?", "must_include": [["a word", "or another"], ["and this"]]}.'
LABEL = 12  # width of a column of names, also where slow answers widen others
DASHES = re.compile("[\u2010-\u2015\u2212]")
SPACES = re.compile("[\u00a0\u2009\u202f]")


@dataclass(frozen=True)
class Case:
    """One question of the file."""

    id: str = ""
    lang: str = "en"
    kind: str = "answerable"
    question: str = ""
    history: list[dict[str, str]] = field(default_factory=list)
    must_include: list[list[str]] = field(default_factory=list)
    must_not_include: list[str] = field(default_factory=list)
    abstain: bool = False
    reason: str | None = None
    document: str = ""


_CASE = TypeAdapter(Case)


@dataclass(frozen=True)
class Outcome:
    """What became of one question. `source_right` and `found_at` are None where the file does not say."""

    case: Case
    right: bool
    abstained: bool
    reason: str | None
    answer: str
    milliseconds: float
    source_right: bool | None
    found_at: int | None
    used: str = ""
    sources: tuple[str, ...] = ()
    margin: float = 0.0

    @property
    def wrong_refusal(self) -> bool:
        """Refused although the documents answer."""
        return self.abstained and not self.case.abstain

    @property
    def wrong_answer(self) -> bool:
        """Answered, and wrong or where it should have refused."""
        return not self.abstained and not self.right


@dataclass(frozen=True)
class Result:
    """All outcomes, and figures over any part of them."""

    outcomes: tuple[Outcome, ...]

    def part(self, **wanted: Any) -> Result:  # noqa: ANN401
        """The outcomes whose case has these values; "other" as language means any but English."""
        return Result(tuple(o for o in self.outcomes if all(_matches(o.case, k, v) for k, v in wanted.items())))

    def share(self, attribute: str) -> float:
        """Share of the outcomes, where it is known, that have this attribute."""
        known = [getattr(o, attribute) for o in self.outcomes if getattr(o, attribute) is not None]
        return sum(map(bool, known)) / len(known) if known else float("nan")

    def recall(self, depth: int) -> float:
        """Share of the answerable questions whose key facts stand in the first `depth` passages."""
        known = [o for o in self.outcomes if o.found_at is not None]
        return sum(0 < (o.found_at or 0) <= depth for o in known) / len(known) if known else float("nan")

    def near_misses(self) -> float:
        """How often a near miss comes nearer to a refusal than an answerable question does (AUROC)."""
        near = [outcome.margin for outcome in self.part(kind="unanswerable").outcomes]
        answerable = [outcome.margin for outcome in self.part(kind="answerable").outcomes]
        pairs = [(miss > other) + (miss == other) / 2 for miss in near for other in answerable]
        return sum(pairs) / len(pairs) if pairs else float("nan")

    def figures(self) -> dict[str, float]:
        """The headline figures."""
        answerable, refusable = self.part(abstain=False), self.part(abstain=True)
        refused = [o for o in self.outcomes if o.abstained]
        answered = [o for o in self.outcomes if not o.abstained]
        return {
            "right_english": answerable.part(kind="answerable", lang="en").share("right"),
            "right_other_languages": answerable.part(kind="answerable", lang="other").share("right"),
            "right_followup": answerable.part(kind="followup").share("right"),
            "right_dated": answerable.part(kind="dated").share("right"),
            "refusal_recall": refusable.share("abstained"),
            "refusal_precision": sum(o.case.abstain for o in refused) / len(refused) if refused else float("nan"),
            "wrong_refusals": answerable.share("wrong_refusal"),
            "wrong_among_answered": sum(o.wrong_answer for o in answered) / len(answered) if answered else float("nan"),
            "near_miss_auroc": self.near_misses(),
            "right_source": self.share("source_right"),
            **{f"recall_at_{depth}": self.recall(depth) for depth in DEPTHS},
            "median_ms": statistics.median(o.milliseconds for o in self.outcomes),
        }

    def as_dict(self) -> dict[str, Any]:
        """Figures and outcomes as JSON; None for a share of nothing."""
        figures = {name: None if math.isnan(value) else value for name, value in self.figures().items()}
        return {"figures": figures, "outcomes": [asdict(o) for o in self.outcomes]}


def _matches(case: Case, name: str, value: Any) -> bool:  # noqa: ANN401
    found = getattr(case, name)
    return found != "en" if (name, value) == ("lang", "other") else bool(found == value)


def read_questions(file: Path) -> list[Case]:
    """The cases of a question file. Raises BadRequest that names the line."""
    cases = []
    for number, line in enumerate(_text(file).splitlines(), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
            known = {key: values[key] for key in values.keys() & Case.__dataclass_fields__.keys()}
            if not str(known.get("question", "")).strip():
                raise ValueError("there is no question")
            case = _CASE.validate_python({**known, "id": str(known.get("id") or number)})
            if not all(normal(spelling).strip() for spelling in chain(*case.must_include, case.must_not_include)):
                raise ValueError("a spelling is empty")
            cases.append(case)
        except (ValueError, TypeError, AttributeError) as error:
            raise BadRequest(f"{file.name}, line {number}: {_told(error)}.", ONE_A_LINE) from error
    if not cases:
        raise BadRequest(f"{file.name} holds no questions.", "Write one JSON object a line.")
    return cases


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(f"{file.name} is not in UTF-8.", "Save it in UTF-8.") from error


def _told(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def evaluate(cases: Sequence[Case], asker: Asker) -> Result:
    """Ask every question and score what comes back."""
    return Result(tuple(_outcome(case, asker) for case in track(cases, "Asking", console=open_console(stderr=True))))


def _outcome(case: Case, asker: Asker) -> Outcome:
    answer = asker.ask({"question": case.question, "history": case.history})
    passages = [] if case.abstain else asker.search(answer["question_used"], max(DEPTHS))["passages"]
    cited = {citation["uri"] for citation in answer["citations"]}
    return Outcome(
        case=case,
        right=is_right(case, answer["answer"], answer["abstained"]),
        abstained=answer["abstained"],
        reason=answer["reason"],
        answer=answer["answer"],
        milliseconds=answer["timings_ms"]["total"],
        used=answer["question_used"],
        sources=tuple(f"{c['title']}: {' › '.join(c['anchor']['heading'])}" for c in answer["citations"]),
        margin=answer["margin"],
        source_right=case.document in cited if case.document and not answer["abstained"] else None,
        found_at=None if case.abstain else _found_at(passages, case.must_include),
    )


def is_right(case: Case, answer: str, abstained: bool) -> bool:
    """Whether an answer is what its case asks for."""
    text = normal(answer)
    if any(normal(bad) in text for bad in case.must_not_include):
        return False
    return abstained if case.abstain else not abstained and has_all(text, case.must_include)


def _found_at(passages: Sequence[dict[str, Any]], groups: list[list[str]]) -> int:
    """The depth at which the passages together hold every key fact, 0 when they do not."""
    text = ""
    for depth, passage in enumerate(passages, 1):
        text += " " + normal(passage["text"])
        if has_all(text, groups):
            return depth
    return 0


def normal(text: str) -> str:
    """Lower case, plain hyphens and spaces, without the [n] marks."""
    return SPACES.sub(" ", DASHES.sub("-", re.sub(r" \[\d+\]", "", text))).lower()


def has_all(text: str, groups: Iterable[Sequence[str]]) -> bool:
    """Whether a normalised text has at least one spelling of every group."""
    return all(any(_has(text, normal(spelling)) for spelling in group) for group in groups)


def _has(text: str, spelling: str) -> bool:
    before = r"(?<!\d)" if spelling[0].isdigit() else ""
    after = r"(?!\d)" if spelling[-1].isdigit() else ""
    return re.search(before + re.escape(spelling) + after, text) is not None


def print_result(result: Result, console: Console, *, failures: bool) -> None:
    """The tables; with `failures` also every question that went wrong."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("kind", "language", "n", "right", "refused\nwrongly", "wrong", "source", "R@1", "R@3", "R@5", "ms"):
        label = name in ("kind", "language")
        table.add_column(name, no_wrap=True, justify="left" if label else "right", min_width=LABEL if label else 3)
    kinds = list(dict.fromkeys(o.case.kind for o in result.outcomes))
    for kind in kinds:
        for language in ("en", "other"):
            _add_row(table, kind, language, result.part(kind=kind, lang=language))
    _add_row(table, "all", "all", result)
    console.print(table)
    console.print({name: round(value, 3) for name, value in result.figures().items()})
    if failures:
        for o in result.outcomes:
            if not o.right:
                verdict = f"refused: {o.reason}" if o.abstained else "answered"
                console.print(f"{o.case.id} [{o.case.lang}] {o.case.question}", style="bold", markup=False)
                console.print(f"  {verdict}; wanted {o.case.must_include or 'a refusal'}\n  {o.answer}\n", markup=False)


def _add_row(table: Table, kind: str, language: str, part: Result) -> None:
    if not part.outcomes:
        return
    shares = [part.share(name) for name in ("right", "wrong_refusal", "wrong_answer", "source_right")]
    recalls = [part.recall(depth) for depth in DEPTHS]
    cells = ["–" if value != value else f"{value:.0%}" for value in (*shares, *recalls)]  # noqa: PLR0124 - NaN
    milliseconds = statistics.median(o.milliseconds for o in part.outcomes)
    table.add_row(kind, language, str(len(part.outcomes)), *cells, f"{milliseconds:.0f}")
