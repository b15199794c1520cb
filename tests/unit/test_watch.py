"""`ingest --watch` misses nothing that is saved while a run is going on."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from ingest.commands import _watch


def test_a_file_saved_during_a_run_starts_the_next_one(tmp_path: Path) -> None:
    runs: list[int] = []

    def once() -> None:
        runs.append(len(runs))
        if len(runs) > 1:
            raise KeyboardInterrupt
        (tmp_path / "saved-meanwhile.md").write_text("The okapi is new.")

    with pytest.raises(KeyboardInterrupt):
        _watch([str(tmp_path)], once, Console(quiet=True))
    assert runs == [0, 1]
