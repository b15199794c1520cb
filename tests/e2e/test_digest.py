"""The digest of an edition: the same for the same content wherever it was built, another for another."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

from assistant.library import Library
from assistant.library.digest import edition_digest
from assistant.settings import Settings
from assistant.vectors import open_vectors
from assistant.wiring import Stores
from tests.e2e.test_ingest import run
from tests.fakes import WordEmbedder


def reordered(corpus: Path, folder: Path) -> Path:
    """The same files elsewhere, written in another order at another time."""
    for number, file in enumerate(sorted(corpus.rglob("*.md"), reverse=True)):
        copied = folder / file.relative_to(corpus)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copied)
        os.utime(copied, (1_000_000 * number, 1_000_000 * number))
    return folder


def test_two_machines_build_the_same_digest_and_a_changed_word_another(
    stores: Stores, small_corpus: Path, tmp_path: Path
) -> None:
    settings = Settings(data=tmp_path / "other data/deeper")
    settings.data.mkdir(parents=True)
    there = reordered(small_corpus, tmp_path / "somewhere else/documents")
    run(stores, small_corpus)
    digest = stores.library.current().digest or ""
    assert re.fullmatch("[0-9a-f]{64}", digest)
    with closing(Library(settings.library_url)) as library:
        other = Stores(library, open_vectors(settings), WordEmbedder(), settings.data)
        run(other, there)
        assert library.current().digest == digest
        page = there / "events/talk-speakers.md"
        before = page.read_text()
        page.write_text(before.replace("the", "a", 1))
        run(other, there)
        assert library.current().digest not in (digest, None)
        page.write_text(before)
        other.drop(1)
        run(other, there)
        assert (library.current().number, library.current().digest) == (3, digest), "back to what it was"


def test_what_is_listed_and_noted_counts_and_days_of_fetching_do_not(stores: Stores, tmp_path: Path) -> None:
    (tmp_path / "quokka.md").write_text("# Quokka\n\nThe quokka lives on an island.\n\n## Food\n\nIt eats leaves.\n")
    (tmp_path / "okapi.md").write_text("# Okapi\n\nThe okapi lives in a forest.\n")
    run(stores, tmp_path)
    library, number = stores.library, stores.library.current().number
    documents, passages = library.documents(number), list(library.all_chunks(number))
    digest = edition_digest("words", documents, passages)
    assert digest == library.current().digest
    assert edition_digest("words", documents[::-1], passages) == digest
    fetched = [replace(document, retrieved=date(2030, 1, 1), root="/elsewhere") for document in documents]
    assert edition_digest("words", fetched, passages) == digest
    (chunk, document), *rest = passages
    for other in (replace(chunk, asked=("Why?",)), replace(chunk, gap=True), replace(chunk, units=())):
        assert edition_digest("words", documents, [(other, document), *rest]) != digest
    assert edition_digest("words", [replace(documents[0], title="Other"), *documents[1:]], passages) != digest
    assert edition_digest("words", documents, passages[::-1]) != digest, "the order of the passages of a document"
    assert edition_digest("other", documents, passages) != digest
