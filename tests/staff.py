"""A server whose staff have something to read: two editions, refused questions, feedback, and a key of each role."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assistant.keys import ROLES
from assistant.library import Library
from tests.conftest import Server, copied, copy_small_corpus, start_server, wait_until_ready

HOSTILE = "</h2><script>document.title='owned'</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"
OKAPI = f"---\ntitle: {json.dumps(HOSTILE)}\n---\n\nThe okapi tender of Zagreb was opened by Ljubica Šarić on 4 March 2024.\n"
QUESTIONS = (
    {"question": "Who opened the okapi tender of Zagreb?", "must_include": [["Ljubica Šarić"]]},
    {
        "question": "On which day was the EU Clusters Talk on innovation procurement?",
        "must_include": [["13 September"]],
    },
    {"question": "Who were the speakers of the Talk of 13 September 2023?", "must_include": [["Anita Poort"]]},
)
ASKED: dict[str, tuple[tuple[str, str], ...]] = {  # theme: wordings with their languages
    "grant": (
        ("en", "How do I apply for an innovation grant in Portugal?"),
        ("en", "How can I apply for an innovation grant in Portugal?"),
        ("en", "Where do I apply for an innovation grant in Portugal?"),
    ),
    "rocket": (("de", "Wie baut man eine Rakete?"),),
    "hostile": (("en", f"Who is {HOSTILE}?"),),
}


@dataclass(frozen=True)
class Staffed:
    """A running server, its library, the secrets of its keys by role, and its editions in the order they came."""

    server: Server
    library: Library
    keys: dict[str, str]
    first: int
    second: int
    run: int

    def ask(self, theme: str, people: int, weeks: int = 1) -> None:
        """Note that so many people asked in vain, spread over weeks."""
        for i in range(people):
            language, question = ASKED[theme][i % len(ASKED[theme])]
            at = datetime.now(UTC) - timedelta(weeks=i % weeks)
            self.library.missed.add(
                answer=f"{theme}-{i}",
                question=question,
                language=language,
                reason="not_in_corpus",
                edition=self.second,
                asker=f"{theme}-{i}",
                document=self.document,
                at=at.isoformat(timespec="seconds"),
            )

    def rate(self, answer: str, rating: str = "down", weeks: int = 0, **given: Any) -> int:
        """Note what somebody thinks of an answer."""
        at = (datetime.now(UTC) - timedelta(weeks=weeks)).isoformat(timespec="seconds")
        values = {"language": "en", "edition": self.second, "at": at, **given}
        return self.library.feedback.add(answer=answer, rating=rating, **values)

    @property
    def document(self) -> str:
        """The document with the hostile title."""
        return next(d.id for d in self.library.documents(self.second) if "okapi" in d.uri)


@contextmanager
def staffed(folder: Path, first_edition: Path) -> Iterator[Staffed]:
    """The server over the small corpus, with a second edition that adds a document and changes another."""
    corpus = copy_small_corpus(folder / "corpus")
    (corpus / "questions.jsonl").write_text(_lines())
    with start_server(copied(first_edition, folder), corpus) as server:
        wait_until_ready(server)
        with closing(Library(f"sqlite:///{folder / 'data' / 'library.db'}")) as library:
            first = library.current().number
            (corpus / "okapi.md").write_text(OKAPI)
            _edit(corpus / "events/talk-not-known.md")
            run = ingest(library)
            keys = {role: library.keys.create(f"Ana <b>{role}</b>", role)[1] for role in ROLES}
            yield Staffed(server, library, keys, first, library.runs.one(run)["report"]["edition"], run)


def ingest(library: Library) -> int:
    """Number of an ingest run, asked for and done."""
    run = library.runs.begin({"do": "ingest", "origins": [], "by": "Ana"}, status="requested")
    deadline = time.monotonic() + 120
    while (state := library.runs.one(run))["status"] in ("requested", "running"):
        assert time.monotonic() < deadline, state
        time.sleep(0.2)
    assert state["status"] == "done", state
    return run


def _edit(file: Path) -> None:
    file.write_text(f"{file.read_text()}\n\n## Okapi\n\nThis is new: `{HOSTILE}`.\n")


def _lines() -> str:
    asked = [{"id": str(n), "lang": "en", "kind": "answerable", **question} for n, question in enumerate(QUESTIONS)]
    return "".join(json.dumps(question, ensure_ascii=False) + "\n" for question in asked)
