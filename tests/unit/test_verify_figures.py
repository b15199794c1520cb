"""What counts as a figure, in many languages, and which figure bears out which."""

from __future__ import annotations

import pytest

from assistant.verify.figures import Figure, figures


def stated(text: str, language: str) -> list[tuple[str, str | float, str]]:
    return [(figure.kind, figure.value, figure.unit) for figure in figures(text, language)]


NUMBERS = [
    ("en", "EUR 1.9 trillion", 1.9e12, "EUR"),
    ("en", "five hundred firms", 500.0, ""),
    ("en", "62.50 euro", 62.5, "EUR"),
    ("en", "a three-year plan", 3.0, "year"),
    ("de", "750.000 Euro", 750_000.0, "EUR"),
    ("de", "2,5 Mio. EUR", 2_500_000.0, "EUR"),
    ("de", "fünfundzwanzig Tage", 25.0, "day"),
    ("de", "von einer Million Euro", 1_000_000.0, "EUR"),
    ("fr", "quatre-vingt-cinq entreprises", 85.0, ""),
    ("fr", "1 900 milliards d'euros", 1.9e12, "EUR"),
    ("es", "treinta y cinco días", 35.0, "day"),
    ("it", "trentacinque giorni", 35.0, "day"),
    ("it", "otto punti percentuali", 8.0, "percent"),
    ("pl", "dwadzieścia pięć dni", 25.0, "day"),
    ("pl", "12 tys. euro", 12_000.0, "EUR"),
    ("nl", "1,5 miljoen euro", 1_500_000.0, "EUR"),
    ("fi", "30 päivää", 30.0, "day"),
    ("el", "5 εκατομμύρια ευρώ", 5_000_000.0, "EUR"),
    ("hu", "30 nap", 30.0, "day"),
    ("cs", "třicet dnů", 30.0, "day"),
]


@pytest.mark.parametrize(("language", "text", "value", "unit"), NUMBERS)
def test_a_number_is_read_with_its_scale_and_unit(language: str, text: str, value: float, unit: str) -> None:
    assert stated(text, language) == [("number", value, unit)]


OTHERS = [
    ("en", "on 8-11 March 2022", [("day", "2022-03-08", ""), ("day", "2022-03-11", "")]),
    ("pl", "od 8 do 11 marca 2022 r.", [("day", "2022-03-08", ""), ("day", "2022-03-11", "")]),
    ("it", "dal 1º gennaio 2024", [("day", "2024-01-01", "")]),
    ("de", "am 13. September", [("day", "--09-13", "")]),
    ("el", "στις 13 Σεπτεµβρίου", [("day", "--09-13", "")]),  # with the sign for micro
    ("en", "the 2014 framework", [("year", "2014", "")]),
    ("en", "at 17:00 CEST", [("time", "17:00", "")]),
    ("en", "Article 84(2) of Directive 2014/24/EU", [("article", "84", ""), ("law", "2014/24", "")]),
    ("fr", "l'article 27 de la directive 2014/24/UE", [("article", "27", ""), ("law", "2014/24", "")]),
    ("es", "la novena reunión", [("ordinal", "9", "")]),
    ("en", "third parties", [("ordinal", "3", "")]),
]


@pytest.mark.parametrize(("language", "text", "found"), OTHERS)
def test_dates_times_articles_and_laws_are_figures_of_their_own(
    language: str, text: str, found: list[tuple[str, str, str]]
) -> None:
    assert stated(text, language) == found


def test_a_language_that_is_not_known_is_read_as_english() -> None:
    assert stated("30 days", "xx") == [("number", 30.0, "day")]


def one(text: str, language: str = "en") -> Figure:
    return figures(text, language)[0]


BORNE_OUT = [
    ("71.5%", "71 %"),
    ("71.5%", "72 %"),
    ("50%", "half"),
    ("EUR 7 000 000", "EUR 7 million"),
    ("35 days", "35"),
    ("31 December 2027", "2027"),
    ("13 September 2023", "13 September"),
    ("26 January 2023", "26"),
]
NOT_BORNE_OUT = [
    ("35 days", "35 weeks"),
    ("EUR 499 000", "EUR 499 million"),
    ("71%", "71.5 %"),
    ("60%", "EUR 60"),
    ("13 September 2023", "13 September 2024"),
    ("2023", "13 September 2023"),
    ("Article 46", "Article 64"),
    ("16 procedures", "15 procedures"),
]


@pytest.mark.parametrize(("source", "claim"), BORNE_OUT)
def test_a_figure_may_be_rounded_or_lack_its_unit_or_year(source: str, claim: str) -> None:
    assert one(source).supports(one(claim))


@pytest.mark.parametrize(("source", "claim"), NOT_BORNE_OUT)
def test_another_value_or_unit_or_a_more_exact_one_is_not_borne_out(source: str, claim: str) -> None:
    assert not one(source).supports(one(claim))
