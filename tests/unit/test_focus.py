"""What questions are restricted to, as a browser sends it and as it is told."""

from __future__ import annotations

from datetime import date

import pytest

from assistant.records import Document, Filters
from ui.conversation import Focus
from ui.focus import KINDS, chips, day_of, kind_name, kinds_of, options, restrictions

RULES = Document("d", "rules/d.md", "Rules", "0", kind="rules")


@pytest.mark.parametrize(("sent", "day"), [("2025-03-01", date(2025, 3, 1)), ("", None), (None, None), ("soon", None)])
def test_a_day_is_taken_or_none(sent: object, day: date | None) -> None:
    assert day_of(sent) == day


def test_kinds_are_taken_from_a_list_only() -> None:
    assert kinds_of(["rules", "sme"]) == ("rules", "sme")
    assert kinds_of("rules") == kinds_of(None) == ()


def test_a_focus_filters_the_search() -> None:
    focus = Focus(("rules",), ("d", "Rules"))
    assert focus.filters == Filters(kind=("rules",), source=("d",))
    assert focus.filters.admit(RULES)
    assert not Focus(("events",)).filters.admit(RULES)
    assert Focus().filters.admit(RULES)


def test_a_focus_is_told_in_the_language_of_the_page() -> None:
    focus = Focus(("rules",), None, date(2025, 3, 1))
    assert [what for what, _ in restrictions(focus, "de")] == ["kind:rules", "as_of"]
    assert "1. März 2025" in chips(focus, "de")
    assert chips(Focus(), "de") == ""


def test_a_kind_without_a_name_of_its_own_shows_and_cannot_be_markup() -> None:
    assert kind_name("minutes", "de") == "Minutes"
    shown = options(["minutes", "<b>", *KINDS], "en")
    assert "<b>" not in shown and "&lt;b&gt;" in shown
    assert shown.index('value="events"') < shown.index('value="document"') < shown.index('value="minutes"')
