"""A few kills at random moments of the work of a real server; CLUSTER_TALKS_TEST_KILLS says how many.

Two hundred of them: `python -m tests.faults.kills`.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.faults.kills import kills, moment
from tests.faults.ledger import Ledger, Refused

KILLS = int(os.environ.get("CLUSTER_TALKS_TEST_KILLS", "1"))  # read here: the tests themselves see no setting


def test_whatever_a_kill_falls_into_what_was_acknowledged_is_there_and_the_server_is_well(tmp_path: Path) -> None:
    done = list(kills(tmp_path, KILLS, seed=13))
    assert len(done) == KILLS
    assert not [what for kill in done for what in kill.wrong]
    assert all(kill.under_way for kill in done), "it fell into work"


def test_a_moment_is_the_same_for_the_same_numbers_and_falls_into_a_start_as_well() -> None:
    assert moment(1, 2) == moment(1, 2) != moment(1, 3)
    assert any(moment(1, number).start for number in range(20))


def test_a_value_that_nothing_acknowledged_has_replaced_may_stand() -> None:
    ledger = Ledger()
    ledger.note("served", 1)
    assert ledger.possible("served") == {1}
    under_way = ledger.doing("served", 2)
    under_way.__enter__()
    assert ledger.possible("served") == {1, 2}
    ledger.note("served", 3)
    assert ledger.possible("served") == {2, 3}, "what is under way may come later"
    with ledger.doing("served", 4):
        raise Refused
    assert ledger.possible("served") == {2, 3}
    under_way.__exit__(None, None, None)
    ledger.note("served", 5)
    assert ledger.possible("served") == {5}
    assert ledger.counts() == {"served": 4}
