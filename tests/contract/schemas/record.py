"""Records a library of the schema of today as SQL, with a row or more in every table.

When a revision was added: `.venv/bin/python -m tests.contract.schemas.record tests/contract/schemas/rNNNN.sql`, with
its number. Files that are there stay as they are: `test_migrations.py` opens each with the program of its day.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from sqlalchemy import insert

from assistant.library import Library
from assistant.library.tables import KEYS, SECRETS
from assistant.records import Question
from assistant.settings import Settings
from assistant.vectors import open_vectors
from assistant.wiring import Stores
from ingest.run import Run
from ingest.web.client import Web
from tests.e2e.test_ingest import assistant
from tests.fakes import WordEmbedder

QUESTION = "What does the okapi of the zoo eat every morning?"
PAGES = {
    "zoo/okapi.md": "---\ntitle: The okapi\nlanguage: en\n---\n\n## Food\n\nThe okapi of the zoo eats leaves every morning.",
    "zoo/quokka.md": "---\ntitle: The quokka\nlanguage: en\n---\n\n## Home\n\nThe quokka lives on an island near Perth.",
}


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = _library(Path(folder))
        with closing(sqlite3.connect(file)) as db:
            target.write_text("\n".join(db.iterdump()) + "\n", encoding="utf-8")


def _library(folder: Path) -> Path:
    settings = Settings(data=folder / "data", corpus=folder / "corpus")
    for uri, text in PAGES.items():
        page = settings.corpus / uri
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
    settings.data.mkdir()
    with closing(Library(settings.library_url)) as library:
        stores = Stores(library, open_vectors(settings), WordEmbedder(), settings.data)
        Run(stores, settings.corpus, Web("test")).ingest([])
        _talk(stores)
        return settings.data / "library.db"


def _talk(stores: Stores) -> None:
    """What comes about while a library is used."""
    library, answer = stores.library, assistant(stores).ask(Question(QUESTION))
    library.answers.keep(answer)
    library.answers.flush()
    library.answers.claim("mark", answer.id)
    library.feedback.add(answer=answer.id, rating="down", language="en", edition=1, comment="Say more.")
    library.missed.add(answer="b", question="Where?", language="en", reason="unclear", edition=1, asker="x")
    library.runs.update(library.runs.begin({"do": "ingest", "here": True}), status="done", report={"edition": 1})
    library.visits.note("https://zoo.example/", "0" * 64, '"1"', None, "")
    library.sessions.open(1, 8)
    with library._engine.begin() as db:
        db.execute(insert(KEYS).values(name="anna", role="staff", digest="0" * 64, created="2026-11-26", handle="h"))
        db.execute(insert(SECRETS).values(name="other", value=b"x"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
