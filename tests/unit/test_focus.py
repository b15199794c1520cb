"""What questions are restricted to, as a browser sends it and as it is told."""

from __future__ import annotations

from datetime import date

import pytest

from assistant.records import Document, Filters
from ui.conversation import Focus
from ui.focus import KINDS, Held, chips, day_of, kind_name, kinds_of, options, restrictions

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
    assert [what for what, _ in restrictions(focus, "de")] == ["kind:rules", "as_of:2025-03-01"]
    (held := Held()).free(focus)
    assert "1. März 2025" in chips(held, "de")
    assert chips(Held(), "de") == ""


def test_the_last_choice_counts_whichever_comes_first() -> None:
    held = Held()
    held.about(("d", "Rules"))
    held.choose(2.5, ("rules",), date(2025, 3, 1))
    held.choose(1.5, ("rules",), None)
    assert held.focus == Focus(("rules",), ("d", "Rules"), date(2025, 3, 1))
    assert 'data-choice="2.5"' in chips(held, "en"), "the page learns which choice it is told"
    held.choose(3.5, (), None)
    held.about(None)
    assert held.focus == Focus()


def test_a_kind_without_a_name_of_its_own_shows_and_cannot_be_markup() -> None:
    assert kind_name("minutes", "de") == "Minutes"
    shown = options(["minutes", "<b>", *KINDS], "en")
    assert "<b>" not in shown and "&lt;b&gt;" in shown
    assert shown.index('value="events"') < shown.index('value="document"') < shown.index('value="minutes"')
