"""Office files and books made to break out, to look elsewhere or to unpack without end: refused, each format alike."""

from __future__ import annotations

import io
import socket
import zipfile
from pathlib import Path

import pytest

from assistant.errors import UnreadableDocument
from ingest.readers import read
from ingest.readers.reading import Reading

SAMPLES = Path(__file__).parents[1] / "contract" / "samples"
MAIN = {  # a sample of each format that is a zip file, and the entry that holds its text
    "leitfaden.docx": "word/document.xml",
    "spotkanie.pptx": "ppt/slides/slide1.xml",
    "auftraege.xlsx": "xl/worksheets/sheet1.xml",
    "leitfaden.odt": "content.xml",
    "manual.epub": "",
}
SECRET = "the secret of the machine"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def rebuilt(sample: str, change: dict[str, bytes], more: dict[str, bytes] | None = None) -> bytes:
    """A sample with other entries in the place of some, and with more."""
    file = io.BytesIO()
    with zipfile.ZipFile(SAMPLES / sample) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change.get(name) or old.read(name))
        for name, data in (more or {}).items():
            new.writestr(name, data)
    return file.getvalue()


def main_of(sample: str) -> str:
    """The entry that holds the text, of a book its package document, which is XML as well."""
    if MAIN[sample]:
        return MAIN[sample]
    with zipfile.ZipFile(SAMPLES / sample) as book:
        return next(name for name in book.namelist() if name.endswith(".opf"))


def declaring(sample: str, entities: str, use: str) -> bytes:
    """A sample whose text declares entities and uses one at the end of each of its elements with text."""
    with zipfile.ZipFile(SAMPLES / sample) as old:
        text = old.read(main_of(sample)).decode()
    head, _, rest = text.partition("?>")
    root = rest.strip()[1:].split(">")[0].split()[0]
    for closing in ("</w:t>", "</a:t>", "</v>", "</text:p>", "</dc:title>"):
        rest = rest.replace(closing, f"{use}{closing}")
    assert use in rest
    return rebuilt(sample, {main_of(sample): f"{head}?><!DOCTYPE {root} [{entities}]>{rest}".encode()})


def text_of(reading: Reading) -> str:
    return " ".join([*(section.text for section in reading.sections), str(reading.meta)])


@pytest.mark.parametrize("sample", MAIN)
def test_the_sample_itself_is_read(sample: str) -> None:
    assert read(rebuilt(sample, {}), sample).sections


@pytest.mark.parametrize("sample", MAIN)
def test_a_file_of_the_machine_is_not_read_into_a_document(sample: str, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text(SECRET)
    entity = f'<!ENTITY x SYSTEM "file://{tmp_path}/secret.txt">'
    refused_or_without(declaring(sample, entity, "&x;"), sample, SECRET)


@pytest.mark.parametrize("sample", MAIN)
@pytest.mark.parametrize("declared", ['<!ENTITY x SYSTEM "{}">', '<!ENTITY % p SYSTEM "{}"> %p; <!ENTITY x "y">'])
def test_no_address_is_looked_up_for_a_document(sample: str, declared: str) -> None:
    with socket.socket() as ear:
        ear.bind(("127.0.0.1", 0))
        ear.listen()
        ear.setblocking(False)
        address = f"http://127.0.0.1:{ear.getsockname()[1]}/x"
        refused_or_without(declaring(sample, declared.format(address), "&x;"), sample, SECRET)
        with pytest.raises(BlockingIOError):
            ear.accept()


@pytest.mark.parametrize("sample", MAIN)
def test_entities_of_entities_do_not_grow(sample: str) -> None:
    bomb = declaring(sample, f'<!ENTITY l0 "laughs">{LAUGHS}', "&l9;")
    refused_or_without(bomb, sample, "laughslaughs")


def refused_or_without(data: bytes, sample: str, words: str) -> None:
    """A document that declares entities is refused, or read without them."""
    try:
        reading = read(data, sample)
    except UnreadableDocument as error:
        assert words not in str(error)
    else:
        assert words not in text_of(reading)


@pytest.mark.parametrize("sample", MAIN)
def test_an_entry_that_unpacks_without_end_is_refused_before(sample: str) -> None:
    with pytest.raises(UnreadableDocument, match=r"times its size|would unpack to"):
        read(rebuilt(sample, {main_of(sample): b"<a>" + b" " * 5_000_000 + b"</a>"}), sample)


@pytest.mark.parametrize("sample", MAIN)
def test_too_many_entries_are_refused(sample: str) -> None:
    with pytest.raises(UnreadableDocument, match="entries, over 5,000"):
        read(rebuilt(sample, {}, {f"x/{n}": b"" for n in range(5_001)}), sample)


@pytest.mark.parametrize("sample", MAIN)
@pytest.mark.parametrize("name", ["../../slipped.txt", "/{}/slipped.txt", "..\\..\\slipped.txt", "a/../../slipped.txt"])
def test_an_entry_with_a_way_out_writes_no_file(
    sample: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is unpacked to disk, whatever an entry is called."""
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    read(rebuilt(sample, {}, {name.format(tmp_path): b"out"}), sample)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
