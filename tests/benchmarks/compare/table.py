"""The figures as Markdown tables. A column is a heading, the name of a figure, and how it is written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

Figures = Mapping[str, float]
Column = tuple[str, str, Callable[[float], str]]


def _known(write: Callable[[float], str]) -> Callable[[float], str]:
    return lambda value: "–" if math.isnan(value) else write(value)


PERCENT = _known(lambda value: f"{value:.0%}".replace("%", " %"))
WHOLE = _known(lambda value: f"{value:,.0f}")
TENTHS = _known(lambda value: f"{value:,.1f}")
HUNDREDTHS = _known(lambda value: f"{value:.2f}".removeprefix("0"))

ANSWERS: Sequence[Column] = (
    ("right, English", "right_english", PERCENT),
    ("right, other languages", "right_other_languages", PERCENT),
    ("right, follow-ups", "right_followup", PERCENT),
    ("all to be answered", "answers_right", PERCENT),
    ("the same, cut to our length", "answers_right_cut", PERCENT),
    ("key facts in its first 4 passages", "found_in_4", PERCENT),
    ("characters shown", "characters", WHOLE),
    ("wrong among answered", "wrong_among_answered", PERCENT),
)
REFUSALS: Sequence[Column] = (
    ("refused when it should", "fitted_refusal_recall", PERCENT),
    ("refusals that were due", "fitted_refusal_precision", PERCENT),
    ("answerable but refused", "fitted_wrong_refusals", PERCENT),
    ("wrong among answered", "fitted_wrong_among_answered", PERCENT),
    ("right of all questions", "fitted_right", PERCENT),
    ("the same, never refusing", "right_unrefused", PERCENT),
    ("AUROC of the score", "separation", HUNDREDTHS),
)
OTHER_SETS: Sequence[Column] = (
    ("right, English", "right_english", PERCENT),
    ("right, other languages", "right_other_languages", PERCENT),
    ("all to be answered", "answers_right", PERCENT),
    ("the same, cut to our length", "answers_right_cut", PERCENT),
    ("key facts in its first 4 passages", "found_in_4", PERCENT),
    ("right source first", "right_source", PERCENT),
    ("right of all questions, threshold fitted", "fitted_right", PERCENT),
)
SPEED: Sequence[Column] = (
    ("until it can be asked, s", "index_seconds", TENTHS),
    ("p50 ms", "p50_ms", TENTHS),
    ("p95 ms", "p95_ms", TENTHS),
    ("resident MB", "resident_mb", WHOLE),
    ("installed MB", "install_mb", WHOLE),
)


def markdown(columns: Sequence[Column], rows: Mapping[str, Figures]) -> str:
    """A table with a row for each title; a figure that a row lacks is a dash, one that all lack has no column."""
    columns = [column for column in columns if any(_is_known(values, column[1]) for values in rows.values())]
    lines = [["", *(heading for heading, _, _ in columns)], ["---"] * (len(columns) + 1)]
    for title, values in rows.items():
        lines.append([title, *(write(values[name]) if name in values else "–" for _, name, write in columns)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _is_known(values: Figures, name: str) -> bool:
    return name in values and not math.isnan(values[name])
