"""Who asks just what a term of the glossary means: "What is TERM?" for its English names and its translations, in the
language of each.

    .venv/bin/python -m tests.quality.measure_terms [--every 4] [--from 0] [--english]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from assistant.asking import Asker, open_asker
from assistant.glossary import names, translations
from assistant.library import Library
from assistant.records import Chunk, Document
from assistant.settings import load_settings
from assistant.terms import BRACKETS

ASKED = {
    "bg": "Какво е {}?", "cs": "Co je to {}?", "da": "Hvad er {}?", "de": "Was ist {}?", "el": "Τι είναι {};",
    "en": "What is {}?", "es": "¿Qué es {}?", "et": "Mis on {}?", "fi": "Mikä on {}?", "fr": "Qu'est-ce que {} ?",
    "ga": "Cad é {}?", "hr": "Što je {}?", "hu": "Mi az a {}?", "it": "Che cos'è {}?", "lt": "Kas yra {}?",
    "lv": "Kas ir {}?", "mt": "X'inhu {}?", "nl": "Wat is {}?", "pl": "Co to jest {}?", "pt": "O que é {}?",
    "ro": "Ce este {}?", "sk": "Čo je to {}?", "sl": "Kaj je {}?", "sv": "Vad är {}?",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A question, and the document and heading that explain its term."""

    question: str
    uri: str
    heading: str


def term_cases(passages: Iterable[tuple[Chunk, Document]], english: bool = False) -> Iterator[Case]:
    """A question for the first term that each section lists for each language, or for each of its English names."""
    for chunk, document in passages:
        lists = [chunk.unit_text(index) for index, unit in enumerate(chunk.units) if unit.kind == "terms"]
        heading = chunk.anchor.heading[-1] if lists else ""
        terms = (("en", name) for name in dict.fromkeys(names(heading, lists))) if english else translations(lists)
        for language, term in terms if lists else ():
            yield Case(ASKED[language].format(BRACKETS.sub("", term).strip()), document.uri, heading)


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
    parser.add_argument("--english", action="store_true", help="its English names instead of the translations")
    given, settings = parser.parse_args(), load_settings()
    library = Library(settings.library_url)
    passages = library.all_chunks(library.current().number)
    cases = list(term_cases(passages, given.english))[given.first :: given.every]
    library.close()
    with open_asker(settings) as asker:
        refused, elsewhere = put(cases, asker)
    print(f"{len(cases)} asked, {len(refused)} refused, {len(elsewhere)} answered from elsewhere:")
    print(*refused, *elsewhere, sep="\n")


if __name__ == "__main__":
    main()
