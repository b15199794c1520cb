"""docs/faults.md, made of the table of faults and of the results of the kills; and the README's table of what was tried.

python -m tests.faults.kills && python -m tests.faults.table
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.faults.faults import FAULTS, KILLS, Fault
from tests.faults.kills import RESULTS
from tests.faults.tried import README, written

PAGE = ROOT / "docs" / "faults.md"
HEAD = """# What happens when things break

Made by `python -m tests.faults.table` from `tests/faults/faults.py` and the results of `python -m tests.faults.kills`: edit those.
Each line is a test of `make test`; "by itself" means that nobody has to do anything.

| fault | tried | what people see | what heals it | lost | test |
|---|---|---|---|---|---|
"""
SHORT = 240
PLACE = re.compile(r'File "[^"]*", line \d+, in \S+|\^+')
MEANING = {
    "answer": "answers with an Idempotency-Key",
    "backup": "backups",
    "key": "keys",
    "page": "uploads",
    "rating": "ratings",
    "run": "runs asked for",
    "served": "publications, roll-backs and ingests",
}


def page(kills: Sequence[dict[str, Any]]) -> str:
    """The page, with these kills as kills.jsonl has them."""
    return HEAD + "".join(row(fault, len(kills)) for fault in FAULTS) + _killed(kills)


def row(fault: Fault, kills: int = 0) -> str:
    """A line of the table."""
    tried = f"{kills} times" if kills and fault.tests[0] == KILLS else "in `make test`"
    shown = ", ".join(dict.fromkeys(map(_link, fault.tests)))
    cells = (fault.name, tried, fault.seen, fault.heals, fault.lost, shown)
    return f"| {' | '.join(cells)} |\n"


def _link(test: str) -> str:
    file = test.partition("::")[0]
    return f"[{Path(file).stem}](../{file})"


def _short(text: str) -> str:
    """The beginning of what is wrong; of a log from its traceback on, without the places of files."""
    line = " ".join(PLACE.sub("", text).split())
    return line[max(0, line.find("Traceback")) :][:SHORT]


def _killed(kills: Sequence[dict[str, Any]]) -> str:
    """What the kills were like, as a section."""
    if not kills:
        return ""
    took = sorted(kill["ready_after"] for kill in kills)
    during = Counter(kind for kill in kills for kind in kill["under_way"])
    acknowledged = sum((Counter(kill["acknowledged"]) for kill in kills), Counter[str]())
    lines = [
        f"{len(kills)} kills -9 of a real server with a quick embedder, at random moments of its work; half took all that",
        "it had started with it, a quarter were followed by one during the next start. After each:",
        "the server is ready by itself, serves the old edition or the new one whole, answers right, and `doctor` finds nothing.",
        "",
        f"- Under way when the kill fell: {_listed(during)}.",
        f"- Acknowledged before and looked for after: {_listed(acknowledged)}.",
        f"- Ready again after {took[len(took) // 2]:.1f} s (median) and {took[-1]:.1f} s (worst).",
        f"- Wrong: {sum(len(kill['wrong']) for kill in kills)}.",
        *(f"  - kill {kill['number']}: `{_short(what)}`" for kill in kills for what in kill["wrong"]),
    ]
    return "\n## The kills\n\n" + "\n".join(lines) + "\n"


def _listed(counted: Counter[str]) -> str:
    return ", ".join(f"{MEANING.get(kind, kind)} {count}" for kind, count in sorted(counted.items()))


def read_kills(file: Path) -> Sequence[dict[str, Any]]:
    """The kills of a file; none where there is none."""
    return [json.loads(line) for line in _lines(file)]


def _lines(file: Path) -> Iterable[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else ()


def main() -> int:
    """Write the README's table, and the page where there are kills to tell of: a page without them would lose them."""
    if kills := read_kills(RESULTS):
        PAGE.write_text(page(kills), encoding="utf-8")
        print(f"{PAGE}: {len(FAULTS)} faults, {len(kills)} kills.")
    else:
        print(f"{PAGE} stays as it is: {RESULTS} is not there. `python -m tests.faults.kills` makes it.")
    README.write_text(written(), encoding="utf-8")
    print(f"{README}: the table.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
