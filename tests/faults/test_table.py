"""The table of faults names tests that exist, and docs/faults.md is that table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.faults import table
from tests.faults.faults import FAULTS, Fault
from tests.faults.table import PAGE, page, row
from tests.faults.tried import README, written


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_names_tests_that_exist(fault: Fault) -> None:
    assert fault.tests
    for test in fault.tests:
        file, _, name = test.partition("::")
        assert re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), test


def test_the_page_has_every_line_of_the_table() -> None:
    written = re.sub(r"\| \d+ times \|", "| in `make test` |", PAGE.read_text(encoding="utf-8"))
    assert page([]) in written, "python -m tests.faults.table"
    assert written.count("| in `make test` |") == len(FAULTS)


def test_the_readme_has_what_was_tried_with_its_counts() -> None:
    assert written() == README.read_text(encoding="utf-8"), "python -m tests.faults.table"


def test_a_line_tells_how_often_a_kill_was_tried() -> None:
    assert "| 200 times |" in row(FAULTS[0], 200)
    assert "| in `make test` |" in row(FAULTS[1], 200)


def test_the_page_keeps_its_kills_where_there_are_no_new_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "RESULTS", tmp_path / "none.jsonl")
    for name in ("PAGE", "README"):
        monkeypatch.setattr(table, name, tmp_path / name)
        (tmp_path / name).write_text("200 kills", encoding="utf-8")
    assert table.main() == 0
    assert (tmp_path / "PAGE").read_text(encoding="utf-8") == "200 kills"
    assert (tmp_path / "README").read_text(encoding="utf-8") == written()
