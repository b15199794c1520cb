"""What is taken out of a text that is kept, and what has to stay in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.language import EU_LANGUAGES
from assistant.scrub import GONE, IBAN_LENGTHS, PHRASES, scrub

GOES = {  # "⟨…⟩" stands around what has to go
    # addresses
    "Write to ⟨ana.kovac+tender@firma.hr⟩ please.": "e-mail",
    "Napište na ⟨jan.novák@příklad.cz⟩.": "e-mail with accents",
    "⟨info (at) example.eu⟩ is mine": "e-mail, written out",
    "⟨john[at]example[dot]com⟩": "e-mail, written out twice",
    "See ⟨https://example.org/doc?user=anna&token=1⟩ for it": "web, query",
    "⟨https://anna:secret@example.org/⟩": "web, user",
    "Mein Profil: ⟨https://www.linkedin.com/in/anna-mueller-123⟩": "web, profile",
    "⟨www.example.org/~smith⟩": "web, home",
    "Ask ⟨@anna_m⟩ about it": "handle",
    # telephone
    "Call ⟨+49 651 123456⟩ today": "de abroad",
    "⟨+385 (0)1 234-5678⟩": "hr abroad",
    "⟨0033 6 12 34 56 78⟩": "fr with 00",
    "Appelez le ⟨06 12 34 56 78⟩ svp": "fr",
    "Ruf mich an: ⟨0651/1234567⟩": "de",
    "⟨079.123.45.67⟩": "dots",
    "⟨Call me: (01) 234 5678⟩.": "ie",
    "Ring ⟨20 12 34 56⟩": "dk",
    "⟨tel. 612 345 678⟩": "es, like an amount",
    "⟨Telefon: 601 234 567⟩, proszę": "pl, like an amount",
    "My number is ⟨612 345 678⟩": "es, not said to be of a telephone",
    "Reach me on ⟨601 234 567⟩": "pl, the same",
    "Moje číslo je ⟨777 123 456⟩": "cs, the same",
    "Ligue-me ⟨912 345 678⟩": "pt, the same",
    "It is ⟨612.345.678⟩, or so": "es, dots",
    "It is ⟨601\u00a0234\u202f567⟩.": "pl, spaces that do not break",
    "It is ⟨48 601 234 567⟩.": "pl, country without a sign",
    "It is ⟨601 234 567-601 234 568⟩.": "pl, two",
    "EUR 143 000? Ask ⟨601 234 567⟩": "pl, after an amount",
    "⟨601 234 567⟩ and 143 000 EUR": "pl, before one",
    "⟨τηλέφωνο 6912345678⟩": "el",
    "⟨телефон 0888 123 456⟩": "bg",
    # accounts and cards
    "Konto ⟨DE89 3704 0044 0532 0130 00⟩ bitte": "iban de",
    "⟨NL91ABNA0417164300⟩": "iban nl",
    "Le compte ⟨FR14 2004 1010 0505 0001 3M02 606⟩.": "iban fr",
    "⟨hr1210010051863000160⟩": "iban in small letters",
    "⟨DE89 3704 0044 0532 0130 00⟩ IST MEIN KONTO": "iban before capitals",
    "card ⟨4111 1111 1111 1111⟩ was charged": "card",
    "card ⟨4111-1111-1111-1111⟩": "card, dashes",
    # numbers of people
    "My id is ⟨85073003328⟩": "be",
    "⟨85.07.30-033.28⟩": "be, written",
    "hetu ⟨131052-308T⟩": "fi",
    "DNI ⟨12345678Z⟩": "es",
    "NIE ⟨X1234567L⟩": "es, foreigner",
    "codice fiscale ⟨RSSMRA85M01H501U⟩": "it",
    "rodné číslo ⟨736028/5163⟩": "cs",
    "CPR ⟨070761-4285⟩": "da",
    "PESEL ⟨44051401359⟩": "pl",
    "numéro ⟨1 85 05 78 006 084 36⟩": "fr",
    "VAT ⟨DE123456789⟩": "vat",
    # names, one language each
    "My name is ⟨Anna van der Berg⟩ and I ask about PCP.": "en",
    "my name is ⟨anna⟩ and I ask": "en, small",
    "I'm ⟨Anna Kowalska⟩, what is PCP?": "en, two names",
    "Ich heiße ⟨Jürgen Groß⟩. Was ist PPI?": "de",
    "Je m'appelle ⟨Élodie Lefèvre⟩ et je cherche": "fr",
    "Me llamo ⟨José García López⟩ y busco ayuda": "es",
    "Mi chiamo ⟨Chiara Rossi⟩, cosa devo fare?": "it",
    "Ik heet ⟨Pieter de Vries⟩.": "nl",
    "Nazywam się ⟨Żaneta Wójcik⟩ i pytam": "pl",
    "Jmenuji se ⟨Jiří Dvořák⟩ a ptám se": "cs",
    "Volám sa ⟨Ľubica Kováčová⟩.": "sk",
    "Zovem se ⟨Ljubica Šarić⟩ i pitam": "hr",
    "Ime mi je ⟨Špela Novak⟩.": "sl",
    "Казвам се ⟨Иван Петров⟩ и питам": "bg",
    "Με λένε ⟨Γιώργος Παπαδόπουλος⟩ και ρωτώ": "el",
    "Mă numesc ⟨Ștefan Ionescu⟩.": "ro",
    "A nevem ⟨Nagy Ágnes⟩.": "hu",
    "Nimeni on ⟨Päivi Mäkinen⟩.": "fi",
    "Minu nimi on ⟨Jaan Tamm⟩.": "et",
    "Mani sauc ⟨Jānis Bērziņš⟩.": "lv",
    "Mano vardas ⟨Jonas Žukauskas⟩.": "lt",
    "Jag heter ⟨Åsa Öberg⟩.": "sv",
    "Jeg hedder ⟨Søren Ågaard⟩.": "da",
    "Chamo-me ⟨João Conceição⟩ e pergunto": "pt",
    "Jisimni ⟨Ġużeppi Borġ⟩.": "mt",
    "Is mise ⟨Seán Ó Briain⟩.": "ga",
    "My name is ⟨Sinéad O'Connor-Walsh⟩.": "en, apostrophe",
    "What is PCP? Kind regards, ⟨Anna Smith⟩": "en, closing",
    "Was ist PCP? Mit freundlichen Grüßen ⟨Anna Müller⟩": "de, closing",
    "Cordialement,\n⟨Marie Dupont⟩": "fr, closing",
    "Pozdrawiam ⟨Jan Kowalski⟩": "pl, closing",
    "Dear Ms ⟨Smith⟩, what is PCP?": "en, greeting",
    "Sehr geehrte Frau ⟨Müller⟩, was ist PCP?": "de, greeting",
    "Bonjour Madame ⟨Dupont⟩, qu'est-ce que": "fr, greeting",
    "Hello ⟨Peter⟩, what is PCP?": "en, first name",
    "Hej ⟨Åsa⟩! Vad är PCP?": "sv, first name",
}

STAYS = (
    "EUR 143 000",
    "Is it 5 538 000 euros or 221 000 €?",
    "€143,000 to €5,538,000",
    "Der Schwellenwert ist 5.538.000,00 EUR.",
    "143000000 euros in total",
    "between 100 000-200 000",
    "PLN 130 000 netto czyli 130 000 zł",
    "12 000 000 Kč bez DPH",
    "2 500 000 kr om året",
    "1 200 000 lei",
    "5 милиона лв, 5 000 000 лв",
    "143 000 000 Euro, 143 000 000 złotych, 612 345 678 €",
    "€ 612 345 678, euro 612 345 678 and EUR 612.345.678,90",
    "between 100 000 000 and 250 000 000 EUR",
    "EUR 100 000 000 bis 250 000 000",
    "100 000 000-250 000 000 or 100 000 000 – 250 000 000 Kč",
    "612 345 678 millones, 612 345 678 milionů korun",
    "50 000 000 to 60 000 000 people",
    "In 2021 2022 2023 and 2024",
    "2014-2020 and 2021–2027",
    "on 13 September 2023, 13/09/2023, 13.09.2023, 13. 9. 2023, 2023-09-13",
    "am 01.02.2024 von 08:30 bis 09:45 Uhr",
    "08.30-09.45 o'clock, 8:30–9:45",
    "Directive 2014/24/EU, 2014/25/EU and 2009/81/EC",
    "Richtlinie 2014/24/EU; Verordnung (EU) 2018/1523",
    "Директива 2014/24/ЕС",
    "Οδηγία 2014/24/ΕΕ",
    "Regulation (EU) No 305/2011 and (EU) 2021/1060",
    "CPV 72000000-5 and 03000000-1",
    "Which CPV is 73100000?",
    "Article 32(3)(b) and Articles 57(4)(a), 58",
    "§ 97 GWB Abs. 4",
    "HORIZON-EIE-2026-01-CONNECT-01",
    "DIGITAL-2024-AI-06 and I3-2023-INV1",
    "2023/S 123-456789",
    "00123456-2024",
    "COM(2021) 142 final",
    "ISO 56002:2019 and EN 16931",
    "TRL 5-8, 50 % of 12 lots, 3.4.1.2",
    "https://www.clustercollaboration.eu/content/talks",
    "See www.eafip.eu or europa.eu",
    "What did Ms Hollanders say about Barcelona?",
    "Who is Ljubica Šarić?",
    "Hello, What is PCP?",
    "Hello What is PCP?",
    "Guten Tag, Was ist PPI?",
    "Bonjour, Comment participer ?",
    "I am looking for SME funding.",
    "I am SME owner, ich bin Unternehmer, je suis entrepreneur",
    "What applies as regards Article 32?",
    "What is the name of the project?",
    "thank you for EU funding",
    "mobile apps for 143 000 EUR",
    "Danke für die Hilfe",
    "3 phases: 10 firms, 5 firms, 2 firms",
    "16 partners from 9 countries, 1 234 567 inhabitants",
    "ES12 is a region and DE89 another",
    "",
)


@pytest.mark.parametrize("marked", GOES)
def test_personal_data_goes(marked: str) -> None:
    before, _, rest = marked.partition("⟨")
    gone, _, after = rest.partition("⟩")
    assert scrub(before + gone + after) == before + GONE + after


@pytest.mark.parametrize("text", STAYS)
def test_what_is_about_procurement_stays(text: str) -> None:
    assert scrub(text) == text


def test_every_language_has_its_phrases() -> None:
    assert PHRASES.keys() == EU_LANGUAGES


def test_every_introduction_is_known() -> None:
    said = [phrase for phrases in PHRASES.values() for phrase in phrases[0].replace("['’]", "'").split("|")]
    assert [phrase for phrase in said if "Kowalska" in scrub(f"{phrase.capitalize()} Anna Kowalska.")] == []


def test_an_account_number_with_a_wrong_digit_goes_as_a_long_number() -> None:
    assert "3704" not in scrub("DE88 3704 0044 0532 0130 00")


def test_account_numbers_have_the_length_of_their_country() -> None:
    assert all(15 <= length <= 34 for length in IBAN_LENGTHS.values())


def test_several_in_one_text() -> None:
    text = "My name is Anna Kowalska, call +48 601 234 567 or write to anna@firma.pl: is EUR 143 000 the limit in 2024?"
    assert scrub(text) == f"My name is {GONE}, call {GONE} or write to {GONE}: is EUR 143 000 the limit in 2024?"


def test_what_is_scrubbed_is_not_scrubbed_again() -> None:
    for marked in GOES:
        once = scrub(marked.replace("⟨", "").replace("⟩", ""))
        assert scrub(once) == once


@given(st.text(alphabet="DEFRKİſ0123456789٣ -.@/+(,:AnaМарияme lis'\n\u212a", max_size=80) | st.text(max_size=80))
def test_any_text_can_be_scrubbed(text: str) -> None:
    assert isinstance(scrub(text), str)


def test_letters_that_only_look_like_those_of_an_account_are_not_counted() -> None:
    assert scrub("DE89 3704 0044 0532 013\u212a 00").startswith("DE89")
