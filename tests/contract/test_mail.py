"""Mails as several programs write them, read to whole texts; encrypted ones and what is no mail refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from assistant.errors import UnreadableDocument
from assistant.records import Section
from ingest.readers.mail import read_eml

SAMPLES = Path(__file__).parent / "samples"
HEADERS = "From: Zofia <z@urzad.example>\nSubject: Umowa\nDate: Mon, 2 Feb 2026 08:00:00 +0000\nMIME-Version: 1.0\n"


def mail(body: str, kind: str = "text/plain; charset=utf-8", charset: str = "utf-8") -> bytes:
    return f"{HEADERS}Content-Type: {kind}\n\n{body}".encode(charset)


def text(data: bytes) -> str:
    return "\n\n".join(section.text for section in read_eml(data).sections)


def test_thunderbird_plain_text_with_flowed_lines_a_quotation_and_a_signature() -> None:
    reading = read_eml((SAMPLES / "thunderbird.eml").read_bytes())
    assert reading.sections == (
        Section(
            "Guten Tag,\n\ndie Konsultation dauert acht Wochen. Wir nehmen Antworten bis zum 30. April 2026 an, auch "
            "solche von Firmen, die später nicht bieten.\n\nZwei Dinge sind noch offen:\n\n- das Budget der zweiten "
            "Phase, das der Gemeinderat erst im Mai beschließt\n- die Rechte an den Messdaten\n\n"
            ">50 Firmen sind eingeladen."
        ),
    )
    assert reading.meta.title == 'Re: Rückfragen zur Marktkonsultation "Kläranlage der Zukunft"'
    assert (reading.meta.publisher, reading.meta.retrieved) == ("Jörg Müller", date(2026, 3, 5))
    assert reading.notes == (
        "Attachment Fragenkatalog Kläranlage.pdf was not read: ingest it as a file of its own.",
    )  # fmt: skip


def test_outlook_quoted_printable_alternatives_and_the_older_mail_below() -> None:
    reading = read_eml((SAMPLES / "outlook.eml").read_bytes())
    assert reading.sections == (
        Section(
            "Estimado señor Ruiz:\n\nLa jornada informativa sobre compra pública de innovación será el 14 de abril de "
            "2026 en Zaragoza. La entrada es libre.\n\n- Presentación del proyecto\n- Preguntas de las empresas\n\n"
            "Un saludo, María Núñez"
        ),
    )
    assert reading.meta.title == "Jornada sobre compra pública de innovación (14 de abril)"
    assert (reading.meta.publisher, reading.meta.retrieved) == ("Núñez Pérez, María", date(2026, 3, 3))
    assert reading.notes == ("Attachment programa.docx was not read: ingest it as a file of its own.",)


def test_outlook_on_the_web_has_a_page_only() -> None:
    reading = read_eml((SAMPLES / "outlook-web.eml").read_bytes())
    assert reading.sections == (
        Section("Dzień dobry, umowa ramowa obejmuje trzy części:\n\n- projekt\n- prototyp\n\nŁącznie 2 mln zł."),
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (mail("Długa linia \nidzie dalej.\n", "text/plain; charset=utf-8; format=flowed"), "Długa linia idzie dalej."),
        (mail("Wieloczęścio \n wy.\n", "text/plain; charset=utf-8; format=flowed; delsp=yes"), "Wieloczęściowy."),
        (mail("Trzy: \n- nie punkt", "text/plain; charset=utf-8; format=flowed"), "Trzy: - nie punkt"),
        (mail("Trzy:\n- punkt"), "Trzy:\n- punkt"),
        (mail("Tak.\n\nOn Mon, 2 Feb 2026 at 08:00, Jan\n<j@x.example> wrote:\n\n> Czy?\n\nI to."), "Tak.\n\nI to."),
        (mail("Tak.\n\n-----Original Message-----\nFrom: Jan\n\nCzy?"), "Tak."),
        (mail("-----Original Message-----\nFrom: Jan\n\nCzy?"), "-----Original Message----- From: Jan\n\nCzy?"),
        (mail("Umowa ramowa obejmuje trzy części, a jej łączna wartość przekracza próg określony w ustawie o zamówieniach.", "text/plain", "cp1250"), "Umowa ramowa obejmuje trzy części, a jej łączna wartość przekracza próg określony w ustawie o zamówieniach."),
        (mail("Größe", "text/plain; charset=x-unknown"), "Größe"),
        (mail("<p>Größe <b>drei</b></p>", "text/html; charset=iso-8859-1", "latin-1"), "Größe drei"),
        (mail("--x\nContent-Type: text/plain\n\n\n--x\nContent-Type: text/html\n\n<p>Strona</p>\n--x--", "multipart/alternative; boundary=x"), "Strona"),
        (mail("--x\nContent-Type: text/plain\n\nUcięta", "multipart/mixed; boundary=x"), "Ucięta"),
        (mail("--x\nContent-Type: multipart/related\n\n--x\nContent-Type: text/plain\n\nTekst", "multipart/mixed; boundary=x"), "Tekst"),
        (mail("<meta charset=iso-8859-1><p>Größe drei</p>", "text/html; charset=utf-8"), "Größe drei"),
        (mail(""), ""),
    ],
    ids=["flowed", "delsp", "a broken line is no item", "an item", "reply", "older", "forwarded", "charset guessed", "charset unknown", "page", "empty plain text", "truncated", "a part without parts", "page that names another charset", "empty"],
)  # fmt: skip
def test_bodies(data: bytes, expected: str) -> None:
    assert text(data) == expected


def test_headings_of_a_page_without_the_subject() -> None:
    data = mail("<h1>Umowa</h1><p>Wstęp.</p><h2 id=k>Koszt</h2><p>Dwa miliony.</p>", "text/html; charset=utf-8")
    assert [(s.anchor.heading, s.anchor.fragment, s.text) for s in read_eml(data).sections] == [
        ((), None, "Wstęp."),
        (("Koszt",), "k", "Dwa miliony."),
    ]


@pytest.mark.parametrize(
    ("headers", "publisher", "day"),
    [
        ("From: biuro@urzad.example\nDate: 2 Feb 2026 23:30 -0500", "biuro@urzad.example", date(2026, 2, 2)),
        ("From: <<>>\nDate: jutro", None, None),
        ("Subject:", None, None),
    ],
)
def test_senders_and_dates(headers: str, publisher: str | None, day: date | None) -> None:
    meta = read_eml(f"{headers}\n\nTak.".encode()).meta
    assert (meta.title, meta.publisher, meta.retrieved) == (None, publisher, day)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (mail("", "multipart/encrypted; boundary=x"), "the mail is encrypted"),
        (mail("MIAG", "application/pkcs7-mime; smime-type=enveloped-data"), "the mail is encrypted"),
        (mail("-----BEGIN PGP MESSAGE-----\n\nhQEM"), "the mail is encrypted"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "in Outlook's own format"),
        (b"Tylko tekst, nic wiecej.", "it is no mail"),
        (bytes(range(256)) * 4, "it is no mail"),
    ],
    ids=["PGP/MIME", "S/MIME", "PGP", "msg", "text", "binary"],
)
def test_what_cannot_be_read_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableDocument, match=says) as caught:
        read_eml(data)
    assert caught.value.remedy
