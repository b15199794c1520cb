"""Who asks just what a term of the glossary means: "What is TERM?" in the term's language, for its translations.

CLUSTER_TALKS_DATA=data .venv/bin/python -m tests.quality.measure_terms [--every 4] [--from 0]
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from assistant.asking import Asker, open_asker
from assistant.library import Library
from assistant.records import Chunk, Document
from assistant.settings import load_settings
from assistant.terms import ENTRY, TRANSLATIONS

ASKED = {
    "bg": "Какво е {}?", "cs": "Co je to {}?", "da": "Hvad er {}?", "de": "Was ist {}?", "el": "Τι είναι {};",
    "es": "¿Qué es {}?", "et": "Mis on {}?", "fi": "Mikä on {}?", "fr": "Qu'est-ce que {} ?", "ga": "Cad é {}?",
    "hr": "Što je {}?", "hu": "Mi az a {}?", "it": "Che cos'è {}?", "lt": "Kas yra {}?", "lv": "Kas ir {}?",
    "mt": "X'inhu {}?", "nl": "Wat is {}?", "pl": "Co to jest {}?", "pt": "O que é {}?", "ro": "Ce este {}?",
    "sk": "Čo je to {}?", "sl": "Kaj je {}?", "sv": "Vad är {}?",
}  # fmt: skip
BRACKETS = re.compile(r"\s*\([^()]*\)")


@dataclass(frozen=True, slots=True)
class Case:
    """A question, and the document and heading that explain its term."""

    question: str
    uri: str
    heading: str


def term_cases(passages: Iterable[tuple[Chunk, Document]]) -> Iterator[Case]:
    """A question for the first term that each section lists for each language."""
    for chunk, document in passages:
        lines = [chunk.unit_text(index) for index, unit in enumerate(chunk.units) if unit.kind == "terms"]
        for line in (line for line in lines if line.startswith(TRANSLATIONS)):
            for part in BRACKETS.sub("", line.removeprefix(TRANSLATIONS)).split(";"):
                entry = ENTRY.match(part.strip(" ."))
                if entry and entry[1] in ASKED:
                    term = entry[2].split(",")[0].strip()
                    yield Case(ASKED[entry[1]].format(term), document.uri, chunk.anchor.heading[-1])


def put(cases: Iterable[Case], asker: Asker) -> tuple[list[str], list[str]]:
    """The questions that are refused, and those whose answer does not cite the section."""
    refused, elsewhere = [], []
    for case in cases:
        answer = asker.ask({"question": case.question})
        cited = {(one["uri"], (one["anchor"]["heading"] or [""])[-1]) for one in answer["citations"]}
        if answer["abstained"]:
            refused.append(case.question)
        elif (case.uri, case.heading) not in cited:
            elsewhere.append(case.question)
    return refused, elsewhere


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=4, help="ask every so manieth")
    parser.add_argument("--from", type=int, default=0, dest="first", help="begin with this one")
    given, settings = parser.parse_args(), load_settings()
    library = Library(settings.library_url)
    cases = list(term_cases(library.all_chunks(library.current().number)))[given.first :: given.every]
    library.close()
    with open_asker(settings) as asker:
        refused, elsewhere = put(cases, asker)
    print(f"{len(cases)} asked, {len(refused)} refused, {len(elsewhere)} answered from elsewhere:")
    print(*refused, *elsewhere, sep="\n")


if __name__ == "__main__":
    main()
