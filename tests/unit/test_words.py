"""Days, follow-ups and languages: what is read from the words of a question."""

from __future__ import annotations

from datetime import date

import pytest

from assistant.conversation import leans, stand_alone
from assistant.language import detect_language, say
from assistant.periods import day_asked
from assistant.records import Turn

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("question", "day"),
    [
        ("What is the threshold for works?", TODAY),
        ("What was the threshold in 2023?", date(2023, 11, 23)),
        ("threshold 2024-2025 for a city", date(2025, 11, 23)),
        ("notice sent on 2025-12-20", date(2025, 12, 20)),
        ("am 20.12.2025 veröffentlicht", date(2025, 12, 20)),
        ("on 20 12 2025", date(2025, 12, 20)),
        ("on 45.13.2025", TODAY),
        ("Directive 2014/24/EU", date(2014, 11, 23)),
        ("number 120251", TODAY),
    ],
)
def test_the_day_a_question_is_about(question: str, day: date) -> None:
    assert day_asked(question, TODAY) == day


@pytest.mark.parametrize(
    "question",
    ["and for works?", "und für Bauaufträge?", "¿y cuántos miembros tiene?", "Il a commencé quand ?", "who pays?"],
)
def test_these_lean_on_the_question_before(question: str) -> None:
    assert leans(question)


@pytest.mark.parametrize(
    "question",
    [
        "Who owns the intellectual property after a pre-commercial procurement?",
        "Welcher Schwellenwert gilt 2026 für eine Kommune?",
    ],
)
def test_these_stand_alone(question: str) -> None:
    assert not leans(question)
    assert stand_alone(question, [Turn("user", "What is a PCP?")]) == question


def test_a_follow_up_of_a_follow_up_reaches_back_to_the_subject() -> None:
    history = [
        Turn("user", "Which threshold applies to a city buying supplies?"),
        Turn("assistant", "EUR 216 000."),
        Turn("user", "and for works?"),
        Turn("assistant", "EUR 5 404 000."),
    ]
    assert stand_alone("and before that?", history) == (
        "Which threshold applies to a city buying supplies? and for works? and before that?"
    )
    assert stand_alone("and before that?", []) == "and before that?"


QUESTIONS = {
    "bg": "Кой организира срещата за обществените поръчки?",
    "cs": "Kdo pořádal setkání o veřejných zakázkách?",
    "da": "Hvem betaler for udviklingen af løsningen?",
    "de": "Wer bleibt Eigentümer der Schutzrechte?",
    "el": "Ποιος διοργάνωσε την εκδήλωση;",
    "en": "Who owns the rights?",
    "es": "¿Quién organiza el evento sobre contratación?",
    "et": "Kes korraldas selle ürituse riigihangete kohta?",
    "fi": "Kuka järjesti tilaisuuden innovatiivisista hankinnoista?",
    "fr": "Qui a organisé la réunion sur les marchés publics ?",
    "hu": "Ki szervezte az eseményt a közbeszerzésről?",
    "it": "Chi ha organizzato l'evento sugli appalti?",
    "lt": "Kas organizavo renginį apie viešuosius pirkimus?",
    "lv": "Kas rīkoja pasākumu par publisko iepirkumu?",
    "nl": "Wie organiseerde het evenement over aanbestedingen?",
    "pl": "Kto zorganizował spotkanie o zamówieniach publicznych?",
    "pt": "Quem organizou o evento sobre compras públicas?",
    "ro": "Cine a organizat evenimentul despre achiziții publice?",
    "sk": "Kto organizoval podujatie o verejnom obstarávaní?",
    "sl": "Kdo je organiziral dogodek o javnih naročilih?",
    "sv": "Vem ordnade mötet om offentlig upphandling?",
}


@pytest.mark.parametrize("language", QUESTIONS)
def test_the_language_of_a_question(language: str) -> None:
    assert detect_language(QUESTIONS[language]) == language


@pytest.mark.parametrize("text", ["", "?", "123", "BRINC"])
def test_no_language_is_english(text: str) -> None:
    assert detect_language(text) == "en"


def test_what_we_say_ourselves() -> None:
    assert say("For more, ask here: {contact}", "en", contact="x") == "For more, ask here: x"
    assert say("For more, ask here: {contact}", "de", contact="x").endswith(": x")
    assert say("For more, ask here: {contact}", "de", contact="x") != "For more, ask here: x"
    assert say("never translated", "de") == "never translated"
    assert say("Ask", "../../etc") == "Ask"
