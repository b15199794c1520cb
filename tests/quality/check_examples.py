"""Whether the assistant answers every example question of the page, in every language.

    python -m tests.quality.check_examples

Asks the edition of the data folder (CLUSTER_TALKS_DATA). Exit status 1 when one is refused. Whether an answer is right
is for a reader to judge: the first cited document and the first quote are printed for that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from assistant.asking import Asker, open_asker
from assistant.language import detect_language
from assistant.settings import Settings
from ui.examples import examples
from ui.languages import ORDER


@dataclass(frozen=True, slots=True)
class Asked:
    """An example question with the answer's JSON."""

    language: str
    role: str
    question: str
    answer: dict[str, Any]

    @property
    def answered(self) -> bool:
        return not self.answer["abstained"]

    @property
    def title(self) -> str:
        citations = self.answer["citations"]
        return citations[0]["title"] if citations else "-"

    @property
    def quote(self) -> str:
        return next((part["text"] for part in self.answer["sentences"] if part["kind"] == "quote"), "-")


def ask_all(asker: Asker) -> Iterator[Asked]:
    """Every example, language by language, asked as a page in that language asks it."""
    for language in ORDER:
        for role, questions in examples(language).items():
            for question in questions:
                body = {"question": question, "language": detect_language(question, default=language)}
                yield Asked(language, role, question, asker.ask(body))


def show(asked: Asked) -> None:
    """One example on one line, its first quote below."""
    verdict = "answered" if asked.answered else f"REFUSED ({asked.answer['reason']})"
    print(asked.language, asked.role, asked.question, verdict, asked.title, sep=" | ")
    print(f"    {asked.quote}", flush=True)


def main() -> int:
    """Ask and print all; 1 when one is refused."""
    refused = total = 0
    with open_asker(Settings()) as asker:
        for asked in ask_all(asker):
            show(asked)
            refused += not asked.answered
            total += 1
    print(f"{total} asked, {refused} refused")
    return int(refused > 0)


if __name__ == "__main__":
    sys.exit(main())
