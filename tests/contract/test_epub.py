"""Books of several producers, read to whole texts and anchors; protected, damaged and hostile ones refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from assistant.errors import UnreadableDocument
from ingest.readers.epub import read_epub
from ingest.readers.reading import Reading

SAMPLES = Path(__file__).parent / "samples"
MANUAL = (SAMPLES / "manual.epub").read_bytes()
CHAPTER, PACKAGE = "EPUB/text/one.xhtml", "EPUB/package.opf"


def sections(reading: Reading) -> list[tuple[tuple[str, ...], str | None, str]]:
    return [(section.anchor.heading, section.anchor.fragment, section.text) for section in reading.sections]


def changed(entry: str, content: bytes | None = None, old: bytes = b"", new: bytes = b"") -> bytes:
    """The manual with one entry replaced, left out (no content) or with one place of it changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(MANUAL)) as book, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name in book.namelist():
            whole = book.read(name) if name != entry else book.read(name).replace(old, new) if old else content
            if whole is not None:
                made.writestr(name, whole)
    return file.getvalue()


def test_a_book_is_read_in_the_order_of_its_spine() -> None:
    reading = read_epub(MANUAL)
    assert sections(reading) == [
        ((), "part-1", "Dla zamawiających publicznych."),
        (("Etapy",), "etapy", "Są trzy etapy:\n\n- projekt\n- prototyp"),
        (("Etapy", "Koszt"), "koszt", "Około 2 mln zł.\n\nCiąg dalszy kosztów."),
        (
            ("Umowa",),
            None,
            "- PCP: zamówienie przedkomercyjne\n\n| projekt; Miesiące: 6\n\nPrawa zostają u wykonawcy.",
        ),
    ]
    assert (reading.meta.title, reading.meta.language) == ("Podręcznik zamówień na innowacje", "pl")


def test_chapters_without_headings_have_the_names_of_the_table_of_contents() -> None:
    reading = read_epub((SAMPLES / "achat-innovant.epub").read_bytes())
    assert sections(reading) == [
        (
            ("Préparer l’achat",),
            None,
            "Ce guide s’adresse aux acheteurs publics de l’Union européenne.\n\ndéfinir le besoin",
        ),
        (
            ("Choisir la procédure",),
            None,
            "Deux voies sont ouvertes.\n\n| Partenariat d’innovation; Durée: 36 mois",
        ),
    ]
    assert (reading.meta.title, reading.meta.language) == ("Guide de l’achat innovant", "en")


ENCRYPTED_CHAPTER = changed(
    "META-INF/encryption.xml", old=b"a.otf", new=b'a.otf"/><enc:CipherReference URI="EPUB/text/one.xhtml'
)
BOMB = b"""<!DOCTYPE package [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<package xmlns="http://www.idpf.org/2007/opf"><metadata><title>&b;</title></metadata></package>"""


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (ENCRYPTED_CHAPTER, "protected by DRM"),
        (MANUAL[: len(MANUAL) // 2], "no whole zip archive"),
        (changed(CHAPTER, bytes(2_000_000)), "cannot be opened safely"),
        (changed(PACKAGE, BOMB), "declares entities"),
        (changed(PACKAGE), "it has no 'EPUB/package.opf'"),
        (changed("META-INF/container.xml"), "it has no 'META-INF/container.xml'"),
        (changed("META-INF/container.xml", b"<container/>"), "it has no ''"),
        (changed(CHAPTER), "it has no 'EPUB/text/one.xhtml'"),
    ],
    ids=["protected", "truncated", "zip bomb", "entities", "no package", "no container", "no rootfile", "no chapter"],
)
def test_bad_books_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableDocument, match=says) as caught:
        read_epub(data)
    assert caught.value.remedy


def test_a_book_without_text_has_no_sections() -> None:
    data = changed(PACKAGE, old=b'<itemref idref="c1"/>', new=b"")
    assert [heading for heading, _, _ in sections(read_epub(data))] == [(), ("Umowa",)]
    assert read_epub(changed(PACKAGE, b"<package/>")).sections == ()
