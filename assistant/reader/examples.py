"""What the reader learns from: questions with a passage, and which sentence of it states the answer, if any.

Three sources: SQuAD-like files (English, Spanish, Italian, with adversarial questions that nothing answers), the
passages of our own corpus with the questions listed for them, and questions written for those passages, near misses
among them. Some examples are made from others: the answer's sentence left out, a name or a year exchanged, another
passage that our own search finds near, question and passage of two languages. Topics and documents that measure the
result never enter (`ASIDE`, and `part` of a corpus passage).
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from sentencex import segment

# Topics of the SQuAD-like files by their titles in each language: "dev" stops the training, "test" is never looked at
# before the end.
ASIDE = {
    "Normans": "dev",
    "Normandos": "dev",
    "Normanni": "dev",
    "European Union law": "test",
    "Ley Europea": "test",
    "Diritto dell'Unione europea": "test",
    "Warsaw": "test",
    "Varsovia": "test",
    "Varsavia": "test",
}
WORDS = 90  # of a passage cut from a paragraph, about
HALF = 0.5
YEAR = re.compile(r"\b(20[012]\d)\b")
NAME = re.compile(r"\b[A-Z][A-Za-z0-9]*[A-Z0-9][A-Za-z0-9]*\b")
NEAR = range(3, 15)  # ranks of passages near a question that are taken as not answering it

# How often an example comes in one epoch, by kind, or by kind and language.
TIMES = {
    "squad": 0.7,
    "squad en": 2.0,
    "squad it": 0.3,
    "adversarial": 2.0,
    "adversarial en": 3.0,
    "posed": 4.0,
    "translated": 2.0,
    "crossed": 0.2,
    "left out": 0.2,
    "mined": 0.15,
    "written": 3.0,
    "listed": 0.6,
    "near": 0.3,
    "near gap": 0.2,
    "exchanged": 0.4,
    "gap": 0.4,
}

Embed = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True, slots=True)
class Example:
    """A question and a passage. `answers`: the sentences that state the answer, () for none, None when one of them does
    and it is not known which; `span`: sentence and characters of the answer; `plausible`: the sentence that a careless
    reader would take; `relevant`: about the question's subject, None when that is not known."""

    question: str
    language: str
    heading: str
    sentences: tuple[str, ...]
    answers: tuple[int, ...] | None
    span: tuple[int, int, int] | None = None
    plausible: int | None = None
    relevant: bool | None = True
    weight: float = 1.0
    kind: str = ""


def read_squad(file: Path, translated: Mapping[str, tuple[str, str]]) -> dict[str, list[Example]]:
    """Examples by part ("train", "dev", "test"), each with its whole paragraph in the parts that measure. `translated`:
    (language, question) by the number of an English question of "train"."""
    parts: dict[str, list[Example]] = defaultdict(list)
    sentences: dict[tuple[str, str], list[tuple[int, int]]] = {}
    versions: dict[str, dict[str, Example]] = defaultdict(dict)  # of one question, by language
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows:
        key = (row["lang"], row["paragraph"])
        if key not in sentences:
            sentences[key] = list(_sentences(row["paragraph"], row["lang"]))
        part = ASIDE.get(row["title"], "train")
        made = _squad_example(row, sentences[key])
        if made is None:
            continue
        if part != "train":
            parts[part].append(made)
            continue
        chance = random.Random(row["id"] + row["lang"])  # noqa: S311 - reproducible, nothing secret
        short = _cropped(replace(made, heading=made.heading if chance.random() < HALF else ""), chance)
        parts[part].append(short)
        if row["id"] in translated:
            language, question = translated[row["id"]]
            parts[part].append(replace(short, question=question, language=language, kind="translated"))
        if made.answers:
            versions[row["id"]][row["lang"]] = short
            parts[part].append(_without_answer(short))
    parts["train"] += [crossed for same in versions.values() for crossed in _crossed(same)]
    return parts


def _crossed(versions: Mapping[str, Example]) -> Iterator[Example]:
    """The question of one language with the passage of another."""
    for (language, asked), (_, told) in permutations(versions.items(), 2):
        yield replace(told, question=asked.question, language=language, kind="crossed")


def read_posed(file: Path, squad: Path) -> list[Example]:
    """Questions written for paragraphs of a SQuAD-like file: "passage" names a question of it."""
    with gzip.open(squad, "rt", encoding="utf-8") as lines:
        rows = {f"{row['id']}|{row['lang']}": row for row in map(json.loads, lines)}
    made = []
    for line in file.read_text(encoding="utf-8").splitlines():
        posed = json.loads(line)
        row = rows[posed["passage"]]
        text, language = row["paragraph"], row["lang"]
        sentences = tuple(text[start:end] for start, end in _sentences(text, language))
        answers = () if posed["sentence"] is None else (int(posed["sentence"]),)
        heading = " ".join(row["title"].split())
        made.append(Example(posed["question"], posed["lang"], heading, sentences, answers, kind="posed"))
    return made


def _sentences(text: str, language: str) -> Iterator[tuple[int, int]]:
    start = 0
    for sentence in segment(language, text):
        at = text.find(sentence, start)
        if sentence.strip() and at >= 0:
            lead = len(sentence) - len(sentence.lstrip())
            yield at + lead, at + lead + len(sentence.strip())
            start = at + len(sentence)


def _squad_example(row: dict[str, Any], bounds: Sequence[tuple[int, int]]) -> Example | None:
    text = row["paragraph"]
    wanted = row["answer"] if row["answerable"] else row["plausible"]
    at = row["answer_start"] if row["answerable"] else text.find(wanted) if wanted else -1
    place = next((n for n, (start, end) in enumerate(bounds) if start <= at < end), None) if at >= 0 else None
    if row["answerable"] and place is None:
        return None
    span = None
    if row["answerable"] and place is not None:
        start = at - bounds[place][0]
        span = (place, start, min(start + len(wanted), bounds[place][1] - bounds[place][0]))
    return Example(
        question=row["question"].strip(),
        language=row["lang"],
        heading=" ".join(row["title"].split()),
        sentences=tuple(text[start:end] for start, end in bounds),
        answers=(place,) if span and place is not None else (),
        span=span,
        plausible=None if row["answerable"] else place,
        kind="squad" if row["answerable"] else "adversarial",
    )


def _cropped(example: Example, chance: random.Random) -> Example:
    """About WORDS words of the passage, around the sentence that matters."""
    counts = [len(sentence.split()) for sentence in example.sentences]
    middle = example.answers[0] if example.answers else example.plausible
    first = last = chance.randrange(len(counts)) if middle is None else middle
    while sum(counts[first : last + 1]) < WORDS and (first > 0 or last < len(counts) - 1):
        if last == len(counts) - 1 or (first > 0 and chance.random() < HALF):
            first -= 1
        else:
            last += 1
    return replace(
        example,
        sentences=example.sentences[first : last + 1],
        answers=None if example.answers is None else tuple(n - first for n in example.answers),
        span=example.span and (example.span[0] - first, *example.span[1:]),
        plausible=None if example.plausible is None else example.plausible - first,
    )


def _without_answer(example: Example) -> Example:
    """The same passage without the sentence that answers: same subject, the detail gone."""
    gone = set(example.answers or ())
    left = tuple(sentence for n, sentence in enumerate(example.sentences) if n not in gone)
    return replace(example, sentences=left or ("…",), answers=(), span=None, kind="left out")


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


def read_written(files: Iterable[Path], passages: Sequence[Passage]) -> list[Example]:
    """Questions written for passages, {"passage", "lang", "question", "sentence" or null, "kind"} a line."""
    known = {passage.id: passage for passage in passages}
    made = []
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if passage := known.get(row["passage"]):
                answers = () if row["sentence"] is None else (int(row["sentence"]),)
                made.append(_corpus_example(row["question"], row["lang"], passage, answers, kind="written"))
    return made


def _corpus_example(
    question: str,
    language: str,
    passage: Passage,
    answers: tuple[int, ...] | None,
    **more: Any,  # noqa: ANN401
) -> Example:
    return Example(question, language, passage.heading, passage.units, answers, **more)


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


def _whole(passage: Passage) -> str:
    return " ".join((passage.heading, *passage.units))


def exchanged(question: str, passage: Passage, names: Sequence[str], chance: random.Random) -> str | None:
    """The question with another name or year, which the passage does not have; None where it has neither."""
    text = _whole(passage)
    if years := YEAR.findall(question):
        fresh = [str(year) for year in range(2014, 2030) if str(year) not in text]
        return question.replace(chance.choice(years), chance.choice(fresh))
    here = [name for name in NAME.findall(question) if name in names and name in passage.heading]
    fresh = [name for name in names if name not in text]
    if not here or not fresh:
        return None
    return question.replace(chance.choice(here), chance.choice(fresh))


def mined(examples: Sequence[Example], embed: Embed) -> list[Example]:
    """For answerable questions, a passage of the same language near them that is not theirs."""
    made = []
    for language in sorted({example.language for example in examples if example.kind == "squad"}):
        part = [e for e in examples if e.language == language and e.kind == "squad"]
        passages = list({e.sentences: e for e in part}.values())
        ranks = nearest(embed([e.question for e in part]), embed([" ".join(p.sentences) for p in passages]), 6)
        for example, near in zip(part, ranks, strict=True):
            own = set(example.sentences)
            other = next((passages[n] for n in near if not own & set(passages[n].sentences)), None)
            if other is not None:
                made.append(
                    replace(
                        example,
                        heading=other.heading,
                        sentences=other.sentences,
                        answers=(),
                        span=None,
                        relevant=False,
                        kind="mined",
                    )
                )
    return made


def nearest(questions: np.ndarray, passages: np.ndarray, count: int) -> np.ndarray:
    """Numbers of the nearest passages of each question, [questions, count]."""
    return np.concatenate(
        [
            np.argsort(-(questions[at : at + 512] @ passages.T), axis=1)[:, :count]
            for at in range(0, len(questions), 512)
        ]
    )


def times(example: Example) -> float:
    """How often the example comes in one epoch."""
    return TIMES.get(f"{example.kind} {example.language}", TIMES[example.kind])


def read_translated(file: Path) -> dict[str, tuple[str, str]]:
    """(language, question) by the number of the English question, from lines of number, language, question."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return {number: (language, question) for number, language, question in (line.split("\t") for line in lines)}
