"""An evaluation as one HTML page that a maintainer reads, compared with the last one written under the same name.

The page needs nothing from outside. Its figures are kept beside it as JSON, for the next comparison.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from assistant.evaluate import Outcome, Result

TEMPLATE = "report.html.jinja"
BETTER_WHEN_LOWER = ("wrong_refusals", "wrong_among_answered", "median_ms")
REASONS = ("answered", "not_in_corpus", "out_of_scope", "unclear", "outdated")


def write_report(result: Result, name: str, file: Path) -> None:
    """Write the page to `file`, and its figures and outcomes beside it with the ending .json."""
    kept = file.with_suffix(".json")
    before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    now = {"created": f"{datetime.now():%Y-%m-%d %H:%M}", **result.as_dict()}
    file.write_text(_page(result, name, now, before), encoding="utf-8")
    kept.write_text(json.dumps(now, ensure_ascii=False, default=str), encoding="utf-8")


def _page(result: Result, name: str, now: dict[str, Any], before: dict[str, Any]) -> str:
    was = {o["case"]["id"]: o["right"] for o in before.get("outcomes", ())}
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    decided = [o for o in result.outcomes if o.abstained]
    return templates.get_template(TEMPLATE).render(
        name=name,
        created=now["created"],
        before=before.get("created"),
        figures=_figures(result.figures(), before.get("figures", {})),
        curve=refusal_curve(result.outcomes),
        here=_refusing(result.outcomes, decided) if decided else None,
        languages=_by_language(result),
        reasons=REASONS,
        confusion=confusion(result.outcomes),
        outcomes=[_shown(o, was) for o in sorted(result.outcomes, key=lambda o: (o.right, o.case.id))],
    )


def _figures(now: dict[str, float], before: dict[str, float | None]) -> list[dict[str, str]]:
    rows = []
    for name, value in now.items():
        old = math.nan if (told := before.get(name)) is None else told
        change = value - old
        good = change < 0 if name in BETTER_WHEN_LOWER else change > 0
        rows.append(
            {
                "name": name.replace("_", " "),
                "now": _number(value),
                "before": _number(old),
                "difference": "" if math.isnan(change) or not change else f"{change:+.3f}",
                "verdict": "" if math.isnan(change) or not change else "better" if good else "worse",
            }
        )
    return rows


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def refusal_curve(outcomes: Sequence[Outcome]) -> list[dict[str, float]]:
    """Precision and recall of refusing the questions whose margin is the highest, for every number of them."""
    ranked = sorted(outcomes, key=lambda o: -o.margin)
    if not any(o.case.abstain for o in ranked):
        return []
    return [_refusing(outcomes, ranked[:count]) for count in range(1, len(ranked) + 1)]


def _refusing(outcomes: Sequence[Outcome], refused: Sequence[Outcome]) -> dict[str, float]:
    right, all_ = sum(o.case.abstain for o in refused), sum(o.case.abstain for o in outcomes)
    return {"precision": right / len(refused), "recall": right / all_ if all_ else 0.0}


def confusion(outcomes: Sequence[Outcome]) -> Counter[tuple[str, str]]:
    """How many questions of each expected reason got which one."""
    return Counter((_expected(o), o.reason or "answered") for o in outcomes)


def _expected(outcome: Outcome) -> str:
    case = outcome.case
    if not case.abstain:
        return "answered"
    return case.reason or ("out_of_scope" if case.kind == "out_of_scope" else "not_in_corpus")


def _by_language(result: Result) -> list[dict[str, str | int]]:
    rows: list[dict[str, str | int]] = []
    for language in sorted({o.case.lang for o in result.outcomes}):
        part = result.part(lang=language)
        shares = {name: f"{part.share(name):.0%}" for name in ("right", "wrong_refusal", "wrong_answer")}
        rows.append({"language": language, "count": len(part.outcomes), **shares})
    return rows


def _shown(outcome: Outcome, was: dict[str, bool]) -> dict[str, Any]:
    before = was.get(outcome.case.id, outcome.right)
    change = "" if before == outcome.right else " · now right" if outcome.right else " · was right before"
    return {name: getattr(outcome, name) for name in Outcome.__dataclass_fields__} | {"change": change}
