"""Other systems of this kind beside this one: the same documents, the same questions, the same judge, one run.

Each system gets an environment of its own below build/compare/ (from PyPI, pinned in requirements/), the documents of
corpus/ as plain Markdown, and the questions of tests/quality. What each answered is kept there; the tables are made of
all that is kept, and written to build/compare/table.md and results.json. `systems.py` tells how to add a system.

    python -m tests.benchmarks.compare                   install what lacks, ask all systems, print the tables
    python -m tests.benchmarks.compare --only haystack   ask one again
    python -m tests.benchmarks.compare --speed-only      measure speed again, on a quiet machine; answers are kept
    python -m tests.benchmarks.compare --judge-only --docs    judge again what is kept, and renew docs/comparison.md
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from subprocess import CalledProcessError

from tests.benchmarks.compare.documents import SETS, asked, read_cases, read_texts, write_texts
from tests.benchmarks.compare.judge import Reply, as_reply, figures, shown
from tests.benchmarks.compare.running import read_lines, run
from tests.benchmarks.compare.systems import OURS, SYSTEMS, TEXTS, WORK
from tests.benchmarks.compare.table import ANSWERS, OTHER_SETS, REFUSALS, SPEED, Figures, markdown

DOCS = Path("docs/comparison.md")
MARK = "<!-- What follows is written by `python -m tests.benchmarks.compare --docs`. -->\n"
Answers = Mapping[str, Mapping[str, Reply]]  # by system, by id of the question


def main() -> int:
    """Command line; 1 when a system broke."""
    options = _options()
    broken = [] if options.judge_only else _ask(options.only or list(SYSTEMS), speed_only=options.speed_only)
    answers = _kept()
    if OURS not in answers:
        print(f"Nothing of {OURS!r} is kept, to whose length the others are cut: ask it first.", file=sys.stderr)
        return 1
    judged = {name: _judged(name, answers) for name in answers}
    text = _tables(judged)
    print(text)
    (WORK / "table.md").write_text(text, encoding="utf-8")
    if options.docs:
        DOCS.write_text(renewed(DOCS.read_text(encoding="utf-8"), text), encoding="utf-8")
    (WORK / "results.json").write_text(json.dumps(judged, indent=1), encoding="utf-8")
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", metavar="NAME", action="append", choices=list(SYSTEMS), help=", ".join(SYSTEMS))
    parser.add_argument("--speed-only", action="store_true", help=f"ask only {SETS[0]}.jsonl and keep the answers")
    parser.add_argument("--judge-only", action="store_true", help="ask nothing")
    parser.add_argument("--docs", action="store_true", help=f"put the tables into {DOCS}")
    return parser.parse_args()


def _ask(names: list[str], *, speed_only: bool) -> list[str]:
    """Ask these systems; the names of those that broke."""
    texts = read_texts()
    write_texts(texts, TEXTS)
    sets = SETS[:1] if speed_only else SETS
    questions = [asked(name, case) for name in sets for case in read_cases(name)]
    broken = []
    for number, name in enumerate(names, 1):
        began = time.monotonic()
        print(f"{number}/{len(names)} {name}: {len(texts)} documents, {len(questions)} questions …", file=sys.stderr)
        try:
            run(name, SYSTEMS[name], [asdict(text) for text in texts], questions, keep=not speed_only)
        except CalledProcessError as error:
            print(f"{name} broke: {error}. Its own words are above.", file=sys.stderr)
            broken.append(name)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return broken


def _kept() -> Answers:
    files = {name: WORK / name / "answers.jsonl" for name in SYSTEMS}
    return {
        name: {line.pop("id"): as_reply(line) for line in read_lines(file)[:-1]}
        for name, file in files.items()
        if file.exists()
    }


def _judged(name: str, answers: Answers) -> dict[str, Figures]:
    """Figures by set, and those of its speed."""
    speed = WORK / name / "speed.json"
    judged: dict[str, Figures] = {"speed": json.loads(speed.read_text(encoding="utf-8")) if speed.exists() else {}}
    for set_ in SETS:
        cases = read_cases(set_)
        ids = [f"{set_}/{case.id}" for case in cases]
        length = round(shown(answers[OURS][id_] for id_ in ids))
        judged[set_] = figures(cases, [answers[name][id_] for id_ in ids], SYSTEMS[name].judges, length)
    return judged


def _tables(judged: Mapping[str, Mapping[str, Figures]]) -> str:
    """All tables, and what each system is not made for."""
    first, *others = SETS
    parts = {
        f"Answers: {first}.jsonl": markdown(ANSWERS, _rows(judged, first)),
        f"Refusals: {first}.jsonl": markdown(REFUSALS, _rows(judged, first)),
        **{f"{set_}.jsonl": markdown(OTHER_SETS, _rows(judged, set_)) for set_ in others},
        "Speed and size": markdown(SPEED, _rows(judged, "speed")),
        "What each is, and is not made for": "\n".join(
            f"- {SYSTEMS[name].title}: {SYSTEMS[name].note}" for name in judged
        ),
    }
    return "\n\n".join(f"## {heading}\n\n{text}" for heading, text in parts.items()) + "\n"


def renewed(page: str, tables: str) -> str:
    """The page with these tables behind its mark. Raises ValueError when it has none."""
    before, mark, _ = page.partition(MARK)
    if not mark:
        raise ValueError(f"{DOCS} lacks the line {MARK.strip()}")
    return f"{before}{MARK}\n{tables}"


def _rows(judged: Mapping[str, Mapping[str, Figures]], set_: str) -> dict[str, Figures]:
    return {SYSTEMS[name].title: by_set[set_] for name, by_set in judged.items()}


if __name__ == "__main__":
    sys.exit(main())
