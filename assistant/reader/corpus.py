"""Examples from the passages of our own corpus: the questions listed for them, and questions written for them."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.reader.examples import Embed, Example, answers_of, exchange, nearest

YEAR = re.compile(r"\b(20[012]\d)\b")
NAME = re.compile(r"\b[A-Z][A-Za-z0-9]*[A-Z0-9][A-Za-z0-9]*\b")
TWINS_ASIDE = 12  # every so many twins are held aside
NEAR = range(3, 15)  # ranks of passages near a question that are taken as not answering it


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of the corpus: `part` is "train" or "aside"; `gap`: it records what is not known."""

    id: str
    part: str
    heading: str
    units: tuple[str, ...]
    asked: tuple[str, ...]
    gap: bool


def read_passages(file: Path) -> list[Passage]:
    """The passages of a corpus file, one JSON object a line."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Passage(r["id"], r["part"], r["heading"], tuple(r["units"]), tuple(r["asked"]), r["gap"])
        for r in rows
        if r["units"]
    ]


def read_written(files: Iterable[Path], passages: Sequence[Passage], kind: str = "written") -> list[Example]:
    """Questions, or claims, written for passages, {"passage", "lang", "question", "sentence" or null} a line."""
    known = {passage.id: passage for passage in passages}
    made = []
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if passage := known.get(row["passage"]):
                made.append(_corpus_example(row["question"], row["lang"], passage, answers_of(row), kind=kind))
    return made


def read_twins(file: Path, part: str) -> list[Example]:
    """Each question of twins of a part ("train" or "aside") with either of the two passages, {"heading", "units",
    "twin_heading" where it has its own, "twin", "asked": [language, question, sentence of units or null, of twin]} a
    line: the same words match both, only what is told decides."""
    made = []
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for number, row in enumerate(map(json.loads, lines)):
            if (number % TWINS_ASIDE == 0) is (part == "aside"):
                headings = (row["heading"], row.get("twin_heading", row["heading"]))
                for language, question, *sentences in row["asked"]:
                    for heading, units, n in zip(headings, (row["units"], row["twin"]), sentences, strict=True):
                        answers = () if n is None else (n,)
                        made.append(Example(question, language, heading, tuple(units), answers, kind="twin"))
    return made


def corpus_examples(passages: Sequence[Passage], embed: Embed, language_of: Callable[[str], str]) -> list[Example]:
    """Examples from the listed questions of the passages that may be trained on."""
    used = [passage for passage in passages if passage.part == "train"]
    chance = random.Random(0)  # noqa: S311 - reproducible, nothing secret
    asked = [(question, passage) for passage in used for question in passage.asked]
    plain, gaps = ([passage for passage in used if passage.gap is side] for side in (False, True))
    vectors = embed([question for question, _ in asked])
    near = nearest(vectors, embed([_whole(passage) for passage in plain]), max(NEAR) + 1)
    near_gap = nearest(vectors, embed([_whole(passage) for passage in gaps]), 1)
    names = sorted({name for passage in used for name in NAME.findall(passage.heading)})
    made = []
    for (question, passage), ranks, (gap,) in zip(asked, near, near_gap, strict=True):
        language = language_of(question)
        others = [plain[rank] for rank in ranks if plain[rank].heading != passage.heading]
        made.append(_corpus_example(question, language, passage, None, kind="listed"))
        if passage.gap:
            made += [_corpus_example(question, language, other, (), relevant=None, kind="gap") for other in others[:2]]
        else:
            other = others[chance.choice(NEAR) % len(others)]
            made.append(_corpus_example(question, language, other, (), relevant=False, weight=0.5, kind="near"))
            made.append(_corpus_example(question, language, gaps[gap], (), relevant=None, kind="near gap"))
            if changed := exchanged(question, passage, names, chance):
                made.append(_corpus_example(changed, language, passage, (), relevant=None, kind="exchanged"))
    return made


def exchanged(question: str, passage: Passage, names: Sequence[str], chance: random.Random) -> str | None:
    """The question with another name or year, which the passage does not have; None where it has neither."""
    text = _whole(passage)
    if years := YEAR.findall(question):
        fresh = [str(year) for year in range(2014, 2030) if str(year) not in text]
        return exchange(question, years, fresh, chance)
    here = [name for name in NAME.findall(question) if name in names and name in passage.heading]
    return exchange(question, here, [name for name in names if name not in text], chance)


def _corpus_example(
    question: str,
    language: str,
    passage: Passage,
    answers: tuple[int, ...] | None,
    **more: Any,  # noqa: ANN401
) -> Example:
    return Example(question, language, passage.heading, passage.units, answers, **more)


def _whole(passage: Passage) -> str:
    return " ".join((passage.heading, *passage.units))
