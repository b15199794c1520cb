"""Templates → pages of the staff area: one frame, one template a section, nothing inline that the policy forbids."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from assistant import __version__
from assistant.keys import Key
from ui.staff import charts

HERE = Path(__file__).parent
LOGO = HERE.with_name("logo.svg")
SECTIONS = {  # name of route and template: what the navigation calls it
    "questions": "Questions",
    "feedback": "Feedback",
    "editions": "Editions",
    "quality": "Quality",
    "health": "Health",
}
SAID = {  # what a page says after something was done, by the word in its address
    "out": "You are logged out.",
    "question": "Marked as done. These questions are not shown any longer.",
    "feedback": "Marked as done.",
    "turned": "The question was added, and what it came from is marked as done.",
    "removed": "The question was removed. What it came from stays done.",
    "reopened": "The question was removed. What it came from is open again.",
    "served": "The edition is served from now on.",
}
REASONS = {  # why a question was refused, or what was wrong with an answer
    "not_in_corpus": "not in the documents",
    "out_of_scope": "outside the subject",
    "outdated": "outdated",
    "down": "not helpful",
    "wrong_source": "wrong source",
    "wrong": "wrong",
    "incomplete": "incomplete",
    "unclear": "unclear",
    "other": "other",
}
PACKAGES = ("fastapi", "gradio", "chromadb", "onnxruntime", "sqlalchemy")


def page(name: str, key: Key | None, *, status: int = 200, said: str = "", **values: Any) -> HTMLResponse:  # noqa: ANN401
    """The page of a template, in the frame that `key`, who is logged in, gets; `said`: a word of SAID."""
    frame = {"sections": SECTIONS, "key": key, "said": SAID.get(said, ""), "section": name, "logo": _logo()}
    return HTMLResponse(_templates().get_template(f"{name}.html.jinja").render({**frame, **values}), status)


def versions() -> Mapping[str, str]:
    """The versions of this program and of what it stands on."""
    return {"Cluster Talks Assistant": __version__, "Python": platform.python_version()} | {
        name: version(name) for name in PACKAGES
    }


def day(time: str) -> str:
    """An ISO time as "25 Nov 2026"."""
    return format_date(datetime.fromisoformat(time), "d MMM y", locale="en")


def moment(time: str) -> str:
    """An ISO time as "25 Nov 2026, 14:05 UTC"."""
    return f"{day(time)}, {datetime.fromisoformat(time):%H:%M} UTC"


def language(code: str) -> str:
    """The English name of a language."""
    return str(Locale("en").languages.get(code, code))


def size(count: float) -> str:
    """Bytes in words."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:  # noqa: PLR2004 - the step of the decimal units
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun: "1 person", "3 people"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def change(last: int) -> str:
    """How the last four weeks compare with the four before."""
    if last == 0:
        return "as many as in the four weeks before"
    return f"{abs(last):,} {'more' if last > 0 else 'fewer'} than in the four weeks before"


FILTERS = {
    "day": day,
    "moment": moment,
    "language": language,
    "size": size,
    "plural": plural,
    "change": change,
    "reason": lambda name: REASONS.get(name, name),
}


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters.update(FILTERS)
    templates.globals.update(columns=charts.columns, line=charts.line, sparkline=charts.sparkline, share=charts.share)
    return templates


@cache
def _logo() -> str:
    return LOGO.read_text(encoding="utf-8")
