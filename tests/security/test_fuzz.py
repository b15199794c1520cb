"""Damaged documents of every format, and odd text for what reads it in C and C++: refused in words, never a crash.

Each is tried some times with the whole suite; CLUSTER_TALKS_FUZZ=5000 (tries of each sample) is the long run:

    CLUSTER_TALKS_FUZZ=5000 .venv/bin/pytest tests/security/test_fuzz.py

The text runs in a process of its own, so that a crash is seen and told with the text that brought it about.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from assistant.errors import UnreadableDocument
from ingest.isolate import Limits, Nursery
from ingest.readers import READERS, read
from tests.conftest import ROOT

TRIES = int(os.environ.get("CLUSTER_TALKS_FUZZ", "0"))
SAMPLES = ROOT / "tests" / "contract" / "samples"
OWN = {  # for formats without a sample there
    ".md": b"---\ntitle: A\n---\n# A\n\nOne *b* [c](d.md).[^1]\n\n- e\n\n| f | g |\n| - | - |\n| h | i |\n\n[^1]: j\n",
    ".tsv": b"a\tb\n1\t2\n",
}
ALIKE = {".markdown": ".md", ".htm": ".html", ".xhtml": ".html"}
SMALL = 40_000  # bytes of a sample: larger ones say no more and take long
EXAMPLES = 8  # of each format, where there is no setting
TEXT = 2_000  # tries of texts for each try of a sample
FOREVER = 120  # seconds


def samples() -> dict[str, bytes]:
    """A small document of every format that is read, by its ending."""
    files = sorted(SAMPLES.iterdir(), key=lambda file: file.stat().st_size)
    found = dict(OWN)
    for file in files:
        if file.suffix in READERS and file.stat().st_size <= SMALL:
            found.setdefault(file.suffix, file.read_bytes())
    return found | {other: found[ending] for other, ending in ALIKE.items()}


KNOWN = samples()
LIES = (
    b"",
    b"\x00",
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"<" * 9,
    b"&x;",
    b"]]>",
    b"%PDF",
    b"PK\x05\x06",
    b"9" * 40,
    b"\n\n",
    b"-->",
)


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A document with some of its bytes cut, doubled, exchanged or written over."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        to = min(len(data), at + draw(st.sampled_from((0, 1, 2, 4, 30, 400))))
        change = draw(st.sampled_from(("cut", "double", "write", "flip", "end")))
        if change == "cut":
            del data[at:to]
        elif change == "double":
            data[at:at] = data[at:to]
        elif change == "write":
            data[at:to] = draw(st.sampled_from(LIES))
        elif change == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        else:
            del data[at:]
    return bytes(data)


def test_every_format_has_a_sample() -> None:
    assert set(KNOWN) == set(READERS)


@pytest.mark.parametrize("ending", sorted(set(READERS) - set(ALIKE)))
def test_a_damaged_document_is_read_or_refused_in_words(ending: str) -> None:
    with Nursery(Limits(processor=10, wall=30)) as nursery:

        @settings(
            max_examples=max(TRIES, 1) if TRIES else EXAMPLES,
            deadline=None,
            database=None,
            derandomize=not TRIES,
            phases=[Phase.generate, Phase.shrink] if TRIES else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(damaged(KNOWN[ending]))
        def try_one(data: bytes) -> None:
            try:
                found = nursery.read(data, f"a{ending}") if TRIES else read(data, f"a{ending}")
            except UnreadableDocument as error:
                assert error.remedy
                assert "it could not be read (" not in error.detail, "a reader foresees what a damaged file does"
                assert "broke off" not in error.detail and "more than" not in error.detail, error.detail
            else:
                assert any(section.text.strip() for section in found.sections)

        try_one()


def test_odd_text_crashes_nothing_that_reads_questions() -> None:
    """A crash would end the process, so it is a process of its own that reads: `tests/security/odd_text.py`."""
    tries = str(TEXT * TRIES or 150)
    command = [sys.executable, "-m", "tests.security.odd_text", tries, str(os.getpid() if TRIES else 1)]
    done = subprocess.run(
        command,
        check=False,
        cwd=ROOT,
        capture_output=True,
        timeout=FOREVER + TRIES * 60,
        env={**os.environ, "PYTHONFAULTHANDLER": "1"},
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
    assert int(done.stdout) >= int(tries)


def test_a_crash_in_that_process_would_be_seen(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import ctypes; ctypes.string_at(0)"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode < 0
