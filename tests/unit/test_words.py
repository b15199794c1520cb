"""Days, follow-ups, names, terms and languages: what is read from the words of a question."""

from __future__ import annotations

from datetime import date

import pytest

from assistant.conversation import readings
from assistant.language import EU_LANGUAGES, _detected, detect_language, only_function_words, say
from assistant.names import collect_names
from assistant.periods import deadline_passed, long_date, periods_asked
from assistant.records import Anchor, Chunk, Period, Turn, Unit
from assistant.terms import collect_terms

TODAY = date(2026, 11, 23)


def day(year: int, month: int, of: int) -> Period:
    return Period(date(year, month, of), date(year, month, of))


def year(number: int) -> Period:
    return Period(date(number, 1, 1), date(number, 12, 31))


@pytest.mark.parametrize(
    ("question", "periods"),
    [
        ("What is the threshold for works?", [day(2026, 11, 23)]),
        ("What was the threshold in 2023?", [year(2023)]),
        ("threshold 2024-2025 for a city", [year(2024), year(2025)]),
        ("sent on 2025-12-20", [day(2025, 12, 20)]),
        ("am 20.12.2025 veröffentlicht", [day(2025, 12, 20)]),
        ("on 20 12 2025", [day(2025, 12, 20)]),
        ("15 December 2025, and January 15, 2027", [day(2025, 12, 15), day(2027, 1, 15)]),
        ("16. dubna 2026", [day(2026, 4, 16)]),
        ("2026. április 16-án", [day(2026, 4, 16)]),
        ("2026 m. balandžio 16 d.", [day(2026, 4, 16)]),
        ("στις 13 Σεπτεμβρίου 2023", [day(2023, 9, 13)]),
        ("tat-13 ta' Settembru 2023", [day(2023, 9, 13)]),
        ("10 de novembro de 2023", [day(2023, 11, 10)]),
        ("the 13th of September 2023", [day(2023, 9, 13)]),
        ("13 Σεπτεµβρίου 2023", [day(2023, 9, 13)]),  # with the sign for micro, as old PDFs have it
        ("13 ſeptember 2023", [day(2023, 9, 13)]),
        ("in oktober 2022", [Period(date(2022, 10, 1), date(2022, 10, 31))]),
        ("31 February 2024", [year(2024)]),
        ("Directive 2014/24/EU", [day(2026, 11, 23)]),
        ("Regulation (EU) 2025/2152", [day(2026, 11, 23)]),
        ("number 120251", [day(2026, 11, 23)]),
    ],
)
def test_the_time_a_question_is_about(question: str, periods: list[Period]) -> None:
    assert list(periods_asked(question, TODAY)) == periods


@pytest.mark.parametrize(
    ("sentence", "language", "passed"),
    [
        ("Applications are open until 17 April 2026.", "en", date(2026, 4, 17)),
        ("Die Frist endet am 17. April 2026.", "de", date(2026, 4, 17)),
        ("The deadline is 5 January 2027.", "en", None),
        ("The Talk took place on 13 September 2023.", "en", None),
        ("The deadline was in 2025.", "en", None),
    ],
)
def test_a_deadline_that_has_passed(sentence: str, language: str, passed: date | None) -> None:
    assert deadline_passed(sentence, language, TODAY) == passed


def test_dates_as_they_are_read() -> None:
    assert long_date(date(2026, 4, 17), "en") == "17 April 2026"
    assert long_date(date(2026, 4, 17), "de") == "17. April 2026"


NAMES = collect_names(
    [
        "The project InnoBuyer and the project BRINC met Carlos Larrañeta.",
        "Then Procure4Health and a PCP came, a thing of the EEN, with open tenders and a market in march.",
        "The budget of InnoBuyer is small.",
    ]
)


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ("who runs inobuyer?", "who runs InnoBuyer?"),
        ("InnoBuyeri eelarve", "InnoBuyer eelarve"),
        ("procure4Helth and Larraneta", "Procure4Health and Larrañeta"),
        ("le marché", "le marché"),
        ("een open tender", "een open tender"),
    ],
)
def test_slips_in_names_are_mended(written: str, mended: str) -> None:
    assert NAMES.mend(written) == mended


def test_the_names_of_a_text() -> None:
    assert NAMES.of("does brinc use a pcp?") == ["BRINC", "PCP"]
    assert NAMES.of("een open procedure") == []


def read(question: str, *before: str) -> tuple[str, ...]:
    turns = [Turn("assistant" if place % 2 else "user", text) for place, text in enumerate(before)]
    return readings(question, turns, NAMES)


WHO = ("Who coordinates BRINC?", "The Danish cluster does.")
LISTED = ("Which projects took part?", "These: [1]\n\n- BRINC [1]\n- InnoBuyer [1]\n- Procure4Health [2]")


@pytest.mark.parametrize(
    ("question", "before", "meant"),
    [
        ("and since when?", WHO, "Who coordinates BRINC? and since when?"),
        ("und wie lange läuft das schon?", WHO, "Who coordinates BRINC? und wie lange läuft das schon?"),
        ("and InnoBuyer?", WHO, "Who coordinates InnoBuyer?"),
        ("and innobuyer?", ("who coordinates brinc, and does BRINCs chair?", "The cluster."), "who coordinates InnoBuyer, and does BRINCs chair?"),
        ("no, I meant Procure4Health", WHO, "Who coordinates Procure4Health?"),
        ("sorry, InnoBuyer not BRINC", WHO, "Who coordinates InnoBuyer?"),
        ("sorry my mistake, meant InnoBuyer", WHO, "Who coordinates InnoBuyer?"),
        ("what does the first one do?", LISTED, "what does the first one do? (BRINC)"),
        ("y el segundo, ¿qué hace?", LISTED, "y el segundo, ¿qué hace? (InnoBuyer)"),
        ("tell me about the last", LISTED, "tell me about the last (Procure4Health)"),
        ("the second?", ("Cases?", "Three: 1) nappies in Copenhagen, 2) chargers in Malmö."), "the second? (chargers in Malmö)"),
        ("the first?", ("Cases?", "They were: nappies in Copenhagen; chargers in Malmö. [1]"), "the first? (nappies in Copenhagen)"),
        ("the last?", ("Cases?", "They were: nappies in Copenhagen; chargers in Malmö. [1]"), "the last? (chargers in Malmö)"),
        ("the first?", ("Cases?", "Both (1) nappies in Copenhagen [1], and (2) chargers [2]."), "the first? (nappies in Copenhagen)"),
    ],
)  # fmt: skip
def test_a_follow_up_is_made_to_stand_alone(question: str, before: tuple[str, ...], meant: str) -> None:
    assert read(question, *before) == (meant,)


AMOUNT = ("Which threshold for a city in 2024-2025?", "EUR 221 000.")
YEAR_AFTER_AND_BEFORE = {
    "bg": ("а следващата година?", "а предишната година?"),
    "cs": ("a následující rok?", "a předchozí rok?"),
    "da": ("og det følgende år?", "og det foregående år?"),
    "de": ("und im folgenden Jahr?", "und im Jahr davor?"),
    "el": ("και το επόμενο έτος;", "και το προηγούμενο έτος;"),
    "en": ("and the year after?", "and the year before?"),
    "es": ("¿y el año siguiente?", "¿y el año anterior?"),
    "et": ("ja järgmisel aastal?", "ja eelmisel aastal?"),
    "fi": ("entä seuraavana vuonna?", "entä edellisenä vuonna?"),
    "fr": ("et l'année suivante ?", "et l'année précédente ?"),
    "ga": ("agus an bhliain ina dhiaidh sin?", "agus an bhliain roimhe sin?"),
    "hr": ("a sljedeće godine?", "a prethodne godine?"),
    "hu": ("és a következő évben?", "és az előző évben?"),
    "it": ("e l'anno successivo?", "e l'anno precedente?"),
    "lt": ("o kitais metais?", "o ankstesniais metais?"),
    "lv": ("un nākamajā gadā?", "un iepriekšējā gadā?"),
    "mt": ("u s-sena ta' wara?", "u s-sena ta' qabel?"),
    "nl": ("en het volgende jaar?", "en het vorige jaar?"),
    "pl": ("a w następnym roku?", "a w poprzednim roku?"),
    "pt": ("e no ano seguinte?", "e no ano anterior?"),
    "ro": ("și în anul următor?", "și în anul anterior?"),
    "sk": ("a nasledujúci rok?", "a predchádzajúci rok?"),
    "sl": ("in naslednje leto?", "in prejšnje leto?"),
    "sv": ("och året efter?", "och föregående år?"),
}


@pytest.mark.parametrize("language", sorted(EU_LANGUAGES))
def test_the_year_after_or_before_is_that_of_the_question_before(language: str) -> None:
    after, before = YEAR_AFTER_AND_BEFORE[language]
    question = "Which topic had the awards of 2023?"
    assert read(after, question, "Energy.") == (f"Which topic had the awards of 2024? {after}",)
    assert read(before, question, "Energy.") == (f"Which topic had the awards of 2022? {before}",)


@pytest.mark.parametrize(
    ("question", "years"),
    [("and for the two years after that?", "2026-2027"), ("e nel biennio precedente?", "2022-2023"), ("E na edição a seguir?", "2026-2027")],
)  # fmt: skip
def test_years_move_by_as_many_as_were_named(question: str, years: str) -> None:
    assert read(question, *AMOUNT) == (f"Which threshold for a city in {years}? {question}",)
    again = "and the next period?"
    assert read(again, *AMOUNT, question, "Another.") == (
        f"Which threshold for a city in {moved(years)}? {question} {again}",
    )


def moved(years: str) -> str:
    return "-".join(str(int(year) + 2) for year in years.split("-"))


def test_days_and_a_question_with_years_of_its_own_are_not_moved() -> None:
    day, after = "Who spoke at the Talk of 13 September 2023?", "and the year after?"
    assert read(after, day, "Four.") == (f"{day} {after}",)
    assert read("and in the years after 2026?", *AMOUNT) == (f"{AMOUNT[0]} and in the years after 2026?",)
    alone = "When does BRINC hold a training in the following year?"
    assert read(alone, *AMOUNT) == (alone,)
    assert read("and who pays?", *AMOUNT) == (f"{AMOUNT[0]} and who pays?",)


def test_where_words_do_not_tell_both_readings_are_given() -> None:
    new = "Which firms can use the light regime for social services and how?"
    assert read(new, *WHO) == (f"Who coordinates BRINC? {new}", new)
    assert read(new) == (new,)


@pytest.mark.parametrize(
    "question", ["How can my company take part in InnoBuyer?", "Wie kann meine Firma bei InnoBuyer mitmachen?"]
)
def test_a_whole_question_that_names_something_stands_alone(question: str) -> None:
    assert read(question, *LISTED) == (question,)


def test_a_follow_up_of_a_follow_up_reaches_back_to_the_subject() -> None:
    before = ("Which threshold for a city?", "EUR 216 000.", "and for works?", "EUR 5 404 000.")
    assert read("and before that?", *before) == ("Which threshold for a city? and for works? and before that?",)


def test_a_term_in_another_language_leads_to_its_section() -> None:
    line = (
        "In other languages: de vorkommerzielle Auftragsvergabe; fi esikaupallinen hankinta, kokeilu; "
        "fr achat public avant commercialisation (APAC); nl precommerciële inkoop (in fasen) (our translation)."
    )
    chunk = Chunk(
        "c", "d", line, 0, len(line), Anchor(("Pre-commercial procurement",)), units=(Unit(0, len(line), "terms"),)
    )
    terms = collect_terms([chunk])
    assert terms.of("Was kostet eine vorkommerzielle Auftragsvergabe?") == ("Pre-commercial procurement",)
    assert terms.of("Mikä on esikaupallisen hankinnan budjetti?") == ("Pre-commercial procurement",)
    assert terms.of("Was kostet eine Auftragsvergabe?") == ()
    assert terms.of("C'est quoi, un APAC ?") == terms.of("qui paie un apac") == ("Pre-commercial procurement",)
    assert terms.of("our translation") == terms.of("in fasen") == ()


GLOSSARY = {
    "Lot": "In other languages: de Los, Lose; fr lot; ga luchtóg; it lotto; nl perceel; sl sklop.",
    "Launch customer": "In other languages: de Erstkunde; ga céad chustaiméir; mt l-ewwel klijent.",
    "Standstill period": "In other languages: cs odkladná lhůta; hu kivárási időszak; sl obdobje mirovanja.",
}


@pytest.mark.parametrize(
    ("question", "heading"),
    [
        ("Was ist ein Los?", "Lot"),
        ("was sind lose", "Lot"),
        ("Qu'est-ce qu'un lot ?", "Lot"),
        ("Che cos'è un lotto?", "Lot"),
        ("Wat is een perceel?", "Lot"),
        ("perceel?", "Lot"),
        ("Cad é an luchtóg?", "Lot"),
        ("Cad é céad chustaiméir?", "Launch customer"),
        ("X'inhu l-ewwel klijent?", "Launch customer"),
        ("Co je to odkladná lhůta?", "Standstill period"),
        ("Mi az a kivárási időszak?", "Standstill period"),
        ("Kaj pomeni obdobje mirovanja?", "Standstill period"),
        ("What is a launching customer?", None),
        ("What is a lighthouse client?", "Launch customer"),
        ("what are first customers", "Launch customer"),
        ("What's the FCP?", "Launch customer"),
        ("What is a launch customer?", "Launch customer"),
        ("What is a customership?", None),
        ("Wie lange ist die Stillhaltefrist?", None),
        ("Was ist bei einem Los zu beachten?", None),
        ("Was ist das?", None),
        ("Kdy začíná odkladná lhůta?", None),
        ("?", None),
    ],
)
def test_who_asks_what_a_term_means_asks_for_its_section(question: str, heading: str | None) -> None:
    listed = [*GLOSSARY.items(), ("Launch customer", "Also called: first customer, lighthouse client (FCP).")]
    terms = collect_terms(
        Chunk(name, "d", line, 0, len(line), Anchor((name,)), units=(Unit(0, len(line), "terms"),))
        for name, line in listed
    )
    assert terms.of("What is a first customer?") == (), "only translations widen a question"
    assert terms.defined(question) == ((heading,) if heading else ())


@pytest.mark.parametrize(("text", "language"), [("what about it?", "en"), ("et combien ?", "fr"), ("und wie?", "de")])
def test_nothing_but_function_words(text: str, language: str) -> None:
    assert only_function_words(text, language)
    assert not only_function_words(f"{text} PCP", language)


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


# So short that the detector alone takes most of them for another language.
SHORT = {
    "bg": "Какво е PPI?",
    "cs": "Kde najdu zakázky?",
    "da": "Hvor finder jeg udbud?",
    "de": "Wer leitet BRINC?",
    "el": "Τι είναι το PCP;",
    "en": "who pays for eafip",
    "es": "¿Qué es PCP?",
    "et": "Kust leian hanked?",
    "fi": "Mikä on PPI?",
    "fr": "C'est quoi BRINC ?",
    "ga": "Cé a íocann as?",
    "hr": "Što je PCP?",
    "hu": "Mi az a PCP?",
    "it": "Dove sono le gare d'appalto?",
    "lt": "Kur rasti konkursus?",
    "lv": "Kā pieteikties?",
    "mt": "Fejn insib is-sejħiet?",
    "nl": "Wat is PCP?",
    "pl": "Co to jest PCP?",
    "pt": "Quem dirige o InnoBuyer?",
    "ro": "Cine conduce BRINC?",
    "sk": "Čo je PCP?",
    "sl": "Kje najdem razpise?",
    "sv": "Vem leder BRINC?",
}


@pytest.mark.parametrize("language", SHORT)
def test_the_language_of_three_words(language: str) -> None:
    assert detect_language(SHORT[language]) == language


@pytest.mark.parametrize(
    "text", ["İhale nedir ve nasıl katılabilirim?", "Кто может участвовать в закупке и где найти тендеры?", "何ですか"]
)
def test_a_language_that_is_no_official_one_is_the_default(text: str) -> None:
    assert [detect_language(text, default) for default in ("en", "de")] == ["en", "de"]


def test_a_question_in_capitals_and_one_of_names_alone() -> None:
    assert detect_language("WO FINDE ICH AUSSCHREIBUNGEN?") == "de"
    assert detect_language("BRINC? Procure4Health?", default="pl") == "pl"
    assert detect_language("X'inhi d-differenza bejn il-PCP u l-PPI?") == "mt", (
        "a name is left out, not what it leans on"
    )


def test_the_beginning_of_a_long_text_tells_and_no_more_of_it_is_remembered() -> None:
    begun = "Wer zahlt die Entwicklung der Lösung? " * 60
    _detected.cache_clear()
    assert detect_language(begun + "Who pays for this? " * 1000) == detect_language(begun) == "de"
    assert _detected.cache_info().currsize == 1


@pytest.mark.parametrize("text", ["", "?", "123", "BRINC"])
def test_no_language_is_english(text: str) -> None:
    assert detect_language(text) == "en"


def test_what_we_say_ourselves() -> None:
    assert say("For more, ask here: {contact}", "en", contact="x") == "For more, ask here: x"
    assert say("For more, ask here: {contact}", "de", contact="x").endswith(": x")
    assert say("For more, ask here: {contact}", "de", contact="x") != "For more, ask here: x"
    assert say("never translated", "de") == "never translated"
    assert say("Ask", "../../etc") == "Ask"
