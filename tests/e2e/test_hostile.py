"""Files that are broken or made to break things: each costs one line of the report, within its limits, and no more."""

from __future__ import annotations

import io
import os
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.errors import UnreadableDocument
from assistant.wiring import Stores
from ingest.isolate import Limits, Nursery
from ingest.run import Run
from ingest.web.client import Web

SAMPLES = Path(__file__).parents[1] / "contract" / "samples"
ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e0 "bomb">{ENTITIES}]><d>&e9;</d>'
DEEP = 100_000


def packed(**members: str | bytes) -> bytes:
    """A zip file; `_` in a name stands for a slash."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return file.getvalue()


def rezipped(sample: str, change: Callable[[str, bytes], bytes]) -> bytes:
    """A sample with its members changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(SAMPLES / sample) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return file.getvalue()


def in_document(text: bytes) -> bytes:
    return rezipped("leitfaden.docx", lambda name, data: text if name == "word/document.xml" else data)


def with_traversal() -> bytes:
    return rezipped("manual.epub", lambda name, data: data.replace(b'href="', b'href="../../../../../../etc/passwd?'))


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "corrupt.docx": (lambda: (SAMPLES / "leitfaden.docx").read_bytes()[:-200], ""),
    "corrupt.pdf": (lambda: (SAMPLES / "handbook.pdf").read_bytes()[:900], ""),
    "noise.xlsx": (lambda: os.urandom(20_000), ""),
    "encrypted.pdf": ((SAMPLES / "locked.pdf").read_bytes, "encrypted"),
    "encrypted.docx": (lambda: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(4000), "encrypted or in an old binary"),
    "empty.md": (lambda: b"", "empty"),
    "blank.html": (lambda: b"<html><body><script>1</script></body></html>", "no text"),
    "scanned.pdf": ((SAMPLES / "scanned.pdf").read_bytes, "OCR"),
    "zip-bomb.docx": (lambda: packed(word__document=b"0" * 400_000_000), ""),
    "zip-bomb.xlsx": (lambda: packed(xl__workbook=b"0" * 400_000_000), ""),
    "entity-bomb.docx": (lambda: in_document(BOMB.encode()), ""),
    "entity-bomb.odt": (lambda: packed(mimetype="application/vnd.oasis.opendocument.text", content=BOMB), ""),
    "deep.docx": (lambda: in_document(b"<a>" * DEEP + b"</a>" * DEEP), ""),
    "traversal.epub": (with_traversal, ""),
    "picture.md": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, ""),
    "wrong-ending.pdf": (lambda: b"This is plain text and no PDF at all.", ""),
    "wrong-ending.docx": ((SAMPLES / "handbook.pdf").read_bytes, ""),
    "program.exe": (lambda: b"MZ" + bytes(200), "no reader for .exe"),
}
DEEP_ONES = (
    ("a.html", b"<div>" * DEEP + b"deep text" + b"</div>" * DEEP),
    ("a.md", b">" * DEEP + b" deep text"),
    ("b.md", b"[" * DEEP),
    ("c.md", b"* " * DEEP),
    ("a.csv", b"a;" * DEEP),
    ("a.eml", b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n" * DEEP),
    ("a.vtt", b"WEBVTT\n\n" + b"00:00:01.000 --> 00:00:02.000\nword\n\n" * 20_000),
)
LINKS = ("loop-a", "loop-b", "up", "outside.md")


def test_each_hostile_file_is_one_line_and_the_rest_is_served(stores: Stores, tmp_path: Path) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    for name, (make, _) in HOSTILE.items():
        (folder / name).write_bytes(make())
    with (folder / "huge.csv").open("wb") as huge:
        huge.truncate(300_000_000)
    (folder / "loop-a").symlink_to(folder / "loop-b")
    (folder / "loop-b").symlink_to(folder / "loop-a")
    (folder / "up").symlink_to(tmp_path, target_is_directory=True)
    (folder / "outside.md").symlink_to("/etc/passwd")
    (folder / "good.md").write_text("The okapi eats leaves.")

    report = Run(stores, tmp_path / "corpus", Web("test")).ingest([folder])

    assert report.added == ["inbox/good.md"]
    assert report.published
    failed = {failure.uri.removeprefix("inbox/"): failure for failure in report.failed}
    assert set(failed) == {*HOSTILE, "huge.csv", *LINKS}
    assert "over 64,000,000" in failed["huge.csv"].reason
    assert all("links are not followed" in failed[name].reason for name in LINKS)
    for name, (_, says) in HOSTILE.items():
        assert says in failed[name].reason
    assert all(failure.remedy for failure in report.failed)
    assert not any("root:" in chunk.text for chunk, _ in stores.library.all_chunks(report.edition))


def test_deep_pages_and_texts_are_read_or_refused() -> None:
    with Nursery(Limits(processor=5, wall=60)) as nursery:
        for name, data in DEEP_ONES:
            try:
                reading = nursery.read(data, name)
            except UnreadableDocument as error:
                assert name in str(error)
            else:
                assert reading.sections


@pytest.mark.parametrize(
    ("name", "limits", "says"),
    [("slow.md", Limits(processor=1, wall=20), "more than 1 s"), ("big.md", Limits(memory=500_000_000), "memory")],
)
def test_a_document_past_its_limits_is_told_and_the_next_one_is_read(name: str, limits: Limits, says: str) -> None:
    data = b"*a **b " * 400_000 if name == "slow.md" else b"word\n\n" * 2_000_000
    with Nursery(limits) as nursery:
        with pytest.raises(UnreadableDocument, match=says) as caught:
            nursery.read(data, name)
        assert caught.value.remedy
        assert nursery.read(b"The okapi eats leaves.", "good.txt").sections[0].text == "The okapi eats leaves."


def test_a_reader_can_write_no_file_and_knows_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTER_TALKS_SECRET_OF_A_TEST", "hidden")
    with Nursery() as nursery:
        nursery.read(b"Text.", "a.txt")
        process = nursery._process
        assert process
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    assert b"CLUSTER_TALKS" not in environment
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 0, "the limit is the child's alone"
