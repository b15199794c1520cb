"""What was tried against the assistant, as a table in the README: the counts are those of the tests' own tables, and of
what the kills left in docs/faults.md.

To add a line, add a Tried to LINES; `python -m tests.faults.table` writes the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ingest.readers import READERS
from tests.conftest import ROOT
from tests.e2e.test_hostile import DEEP_ONES, HOSTILE, LINKS
from tests.faults.faults import FAULTS
from tests.lies import EDITS
from tests.replies import FAULTS as BROKEN
from tests.sayings import SAYINGS
from tests.security.test_fuzz import ALIKE, EXAMPLES
from tests.security.test_requests import BODIES, WAYS_OUT
from tests.security.test_slow_clients import DRIBBLED, ENDLESS

README = ROOT / "README.md"
BEGIN, END = "<!-- tried -->\n", "<!-- /tried -->"


@dataclass(frozen=True, slots=True)
class Tried:
    """A line: what was tried, how often or in how many kinds, and what came of it."""

    what: str
    times: Callable[[], str]
    result: Callable[[], str]


def page(name: str) -> str:
    """A document of docs/."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def acknowledged() -> str:
    """Works that were acknowledged before a kill, together."""
    line = re.search(r"^- Acknowledged before and looked for after: (.*)$", page("faults.md"), re.MULTILINE)
    assert line
    return f"{sum(int(number) for number in re.findall('[0-9]+', line[1])):,}"


def _kills() -> str:
    found = re.search(r"^(\d+) kills -9", page("faults.md"), re.MULTILINE)
    assert found
    return found[1]


def _wrong() -> str:
    found = re.search(r"^- Wrong: (\d+)\.$", page("faults.md"), re.MULTILINE)
    assert found
    return "none lost" if found[1] == "0" else f"{found[1]} wrong: [what](docs/faults.md)"


def _abuses() -> str:
    rows = page("security.md").partition("## What could be tried")[2].partition("\n## ")[0]
    return f"{sum(line.startswith('| ') for line in rows.splitlines()) - 1} kinds"


def _injections() -> str:
    return str(len((ROOT / "tests" / "quality" / "attacks.jsonl").read_text(encoding="utf-8").splitlines()))


def soaked(name: str) -> str:
    """A figure of the soak, by the beginning of what its line says."""
    found = re.search(rf"^\| {re.escape(name)}[^|]*\| ([^|]*) \|$", page("soak.md"), re.MULTILINE)
    assert found, name
    return found[1]


LINES = (
    Tried(
        "kill -9 of the server at a random moment, while people ask and rate, documents are ingested, editions published "
        "and retired, backups and keys made (`python -m tests.faults.kills`)",
        _kills,
        lambda: f"{acknowledged()} acknowledged works, {_wrong()}; ready again by itself",
    ),
    Tried(
        "other faults: full disk, read-only folder, damaged and deleted files, clock, ports, models and engines away",
        lambda: f"{len(FAULTS) - 1} kinds",
        lambda: "each with what people see and what heals it: [docs/faults.md](docs/faults.md)",
    ),
    Tried(
        "abuse: slow clients, bombs, paths, scripts in documents, forged log lines, patterns that take for ever, secrets in logs …",
        _abuses,
        lambda: (
            "each with the test that shows what is done, and what is left to the operator: [docs/security.md](docs/security.md)"
        ),
    ),
    Tried("prompt injections, with a model that falls for each", _injections, lambda: "0 succeed"),
    Tried(
        "a model's server that lies, misbehaves or breaks (`tests.quality.measure_lies`)",
        lambda: f"{len(EDITS) + len(SAYINGS)} ways, {len(BROKEN)} of breaking",
        lambda: "0 of 1,116 planted lies shown",
    ),
    Tried(
        "documents that break readers: bombs, loops, depth, wrong endings, locks, links out",
        lambda: str(len(HOSTILE) + len(LINKS) + len(DEEP_ONES) + 1),  # and one of 300 MB
        lambda: "each refused in words, or read; the others are served",
    ),
    Tried(
        "damaged documents of every format, in `make test`; the long run has any number",
        lambda: str(len(set(READERS) - set(ALIKE)) * EXAMPLES),
        lambda: "no crash",
    ),
    Tried(
        "requests without sense, ways out of a folder, clients that send slowly or without end",
        lambda: str(len(BODIES) + len(WAYS_OUT) + len(DRIBBLED) + len(ENDLESS)),
        lambda: "each refused; nobody else waits",
    ),
    Tried(
        "connections to anybody else: page, API and ingest in a network without a way out",
        lambda: "",
        lambda: "0",
    ),
    Tried(
        "70 minutes at 70 % of what the machine serves, with an edition a minute, then ten times as much for a minute "
        "(`python -m tests.benchmarks.soak --minutes 70`)",
        lambda: f"{soaked('asked for')}, {soaked('then')}",
        lambda: (
            f"{soaked('failed')} of the first failed; of the others {soaked('anything else')} met anything but an answer "
            "or a word when to come back; memory, files and threads: [docs/soak.md](docs/soak.md)"
        ),
    ),
)


def table() -> str:
    """The table, as the README has it."""
    rows = "".join(f"| {one.what} | {one.times()} | {one.result()} |\n" for one in LINES)
    return f"| tried | how often | result |\n|---|---|---|\n{rows}"


def written() -> str:
    """The README with the table as it is now."""
    before, begin, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin and end, f"README.md has no {BEGIN.strip()} … {END}"
    return f"{before}{begin}\n{table()}\n{end}{after}"
