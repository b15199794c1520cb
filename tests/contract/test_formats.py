"""Every entry of READERS: it exists, has a real file as sample, and reads it alike in its own process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name

import pytest

from assistant.errors import UnreadableDocument
from ingest.isolate import Nursery
from ingest.readers import READERS, read

SAMPLES = Path(__file__).parent / "samples"
CORPUS = Path(__file__).parents[2] / "corpus"
SAME = {".markdown": ".md", ".htm": ".html", ".xhtml": ".html", ".tsv": ".csv"}  # read by the same function


def samples(ending: str) -> list[Path]:
    if ending == ".md":
        return sorted(CORPUS.rglob("*.md"))[:3]
    return sorted(SAMPLES.glob(f"*{ending}"))


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as made:
        yield made


@pytest.mark.parametrize("ending", READERS)
def test_a_format_has_a_reader_and_a_sample(ending: str) -> None:
    assert callable(resolve_name(f"ingest.readers.{READERS[ending]}"))
    other = SAME.get(ending, ending)
    assert READERS[ending] == READERS[other]
    assert samples(other)


@pytest.mark.parametrize("ending", [ending for ending in READERS if ending not in SAME])
def test_a_process_of_its_own_changes_nothing(ending: str, nursery: Nursery) -> None:
    for file in samples(ending):
        data = file.read_bytes()
        try:
            expected = read(data, file.name)
        except UnreadableDocument as error:
            with pytest.raises(UnreadableDocument) as caught:
                nursery.read(data, file.name)
            assert (caught.value.detail, caught.value.remedy) == (error.detail, error.remedy)
        else:
            assert nursery.read(data, file.name) == expected
