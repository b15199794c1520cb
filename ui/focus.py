"""What questions are restricted to: the choices, and how a choice is told. `page.js` makes them act.

To name a kind of document, add a line to KINDS; a kind without one shows under its own name.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from html import escape

from babel.dates import format_date

from assistant.language import message, say
from ui.conversation import Focus
from ui.languages import locale_of
from ui.markup import said

KINDS = {
    "events": message("Events"),
    "projects": message("Projects"),
    "procedures": message("Procedures"),
    "rules": message("Rules"),
    "funding": message("Funding"),
    "sme": message("For SMEs"),
    "buyers": message("For buyers"),
    "organisations": message("Organisations"),
    "glossary": message("Glossary"),
    "faq": message("Common questions"),
    "document": message("Other documents"),
}


_TURN = threading.Lock()  # Gradio copies what a session begins with, and a lock cannot be copied


class Held:
    """What the next questions of one visitor are restricted to, the same object in all events of a session: events
    overlap, and one that began earlier would put back what it began with. `now`: the number of the last choice,
    and what holds."""

    def __init__(self) -> None:
        self.now = (0.0, Focus())  # both at once: who reads them is not to see one of another moment

    @property
    def focus(self) -> Focus:
        """The restriction."""
        return self.now[1]

    def choose(self, choice: float, kinds: tuple[str, ...], as_of: date | None) -> None:
        """Other kinds or another day, unless a later choice came before."""
        with _TURN:
            last, focus = self.now
            if choice >= last:
                self.now = choice, replace(focus, kinds=kinds, as_of=as_of)

    def free(self, focus: Focus | None = None) -> None:
        """Nothing of what was chosen, or what was restored."""
        with _TURN:
            self.now = self.now[0], focus or Focus()

    def about(self, source: tuple[str, str] | None) -> None:
        """One source (its id and title), or every one."""
        with _TURN:
            self.now = self.now[0], replace(self.now[1], source=source)


def options(kinds: Iterable[str], language: str) -> str:
    """The choices that restrict the next questions."""
    boxes = "".join(
        f'<label><input type="checkbox" name="kind" value="{escape(kind)}"> {escape(kind_name(kind, language))}</label>'
        for kind in sorted(kinds, key=lambda kind: (*KINDS, kind).index(kind))
    )
    return (
        f'<details class="options"><summary>{said("Options", language)}</summary><form class="sheet">'
        f"<fieldset><legend>{said('Answer only from', language)}</legend>{boxes}</fieldset>"
        f"<label>{said('With the rules of this day', language)}"
        f'<input type="date" name="as_of" min="1990-01-01" max="2100-12-31"></label></form></details>'
    )


def kind_name(kind: str, language: str) -> str:
    """What a kind of document is called."""
    return say(KINDS[kind], language) if kind in KINDS else kind.capitalize()


def chips(held: Held, language: str) -> str:
    """What the next questions are restricted to, each with a button that lifts it, and the number of the choice."""
    drop, (choice, focus) = say("Remove", language), held.now
    made = "".join(
        f'<li><button type="button" data-drop="{escape(what)}" aria-label="{escape(f"{drop}: {text}")}">'
        f'{escape(text)}<span aria-hidden="true"> ×</span></button></li>'
        for what, text in restrictions(focus, language)
    )
    listed = f'<ul class="chips" aria-label="{said("Restricted to", language)}">{made}</ul>' if made else ""
    return f'<div data-choice="{choice}">{listed}</div>' if choice else listed


def restrictions(focus: Focus, language: str) -> Iterator[tuple[str, str]]:
    """(what it is, how it is told) of each restriction."""
    if focus.source:
        yield "source", say("Only from: {title}", language, title=focus.source[1])
    for kind in focus.kinds:
        yield f"kind:{kind}", kind_name(kind, language)
    if focus.as_of:
        yield (
            f"as_of:{focus.as_of}",
            say("As of {date}", language, date=format_date(focus.as_of, "long", locale=locale_of(language))),
        )


def restricted(focus: Focus, language: str) -> str:
    """Under a question: what it was restricted to."""
    told = " · ".join(text for _, text in restrictions(focus, language))
    return f'<p class="restricted">{escape(told)}</p>' if told else ""


def kinds_of(chosen: object) -> tuple[str, ...]:
    """The kinds that a browser sent."""
    return tuple(map(str, chosen)) if isinstance(chosen, list) else ()


def day_of(chosen: object) -> date | None:
    """The day that a browser sent, None for none or none that there is."""
    try:
        return date.fromisoformat(str(chosen))
    except ValueError:
        return None
