"""Examples from SQuAD-like files: their questions, those written or translated for their paragraphs, and what is made
from these. The form of such a file is told in `data/README.md`.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

from sentencex import segment

from assistant.reader.examples import Embed, Example, answers_of, exchange, near, of_another

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
NAME = re.compile(r"[A-Z][\w’'-]*(?: (?:of |de |di )?[A-Z][\w’'-]*)*")
YEAR = re.compile(r"\b1[0-9]\d\d\b|\b20[0-2]\d\b")


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


def read_translated(file: Path) -> dict[str, tuple[str, str]]:
    """(language, question) by the number of the English question, from lines of number, language, question."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return {number: (language, question) for number, language, question in (line.split("\t") for line in lines)}


def read_posed(files: Iterable[Path], squads: Iterable[Path], kind: str = "posed") -> list[Example]:
    """Questions, or claims, written for paragraphs of SQuAD-like files: "passage" names a question of it. Raises
    ValueError where a paragraph lacks the sentence that one is about."""
    rows: dict[str, dict[str, Any]] = {}
    for squad in squads:
        with gzip.open(squad, "rt", encoding="utf-8") as lines:
            rows |= {f"{row['id']}|{row['lang']}": row for row in map(json.loads, lines)}
    made = []
    for line in (line for file in files for line in file.read_text(encoding="utf-8").splitlines()):
        posed = json.loads(line)
        if (row := rows.get(posed["passage"])) is None:
            continue
        text = row["paragraph"]
        sentences = tuple(text[start:end] for start, end in _sentences(text, row["lang"]))
        heading = " ".join(row["title"].split())
        plausible = posed.get("plausible")
        answers = answers_of(posed)
        if max((*(answers or ()), plausible or 0)) >= len(sentences):
            raise ValueError(f"{posed['passage']} has {len(sentences)} sentences: {line}. Gather its paragraph anew.")
        made.append(
            Example(posed["question"], posed["lang"], heading, sentences, answers, plausible=plausible, kind=kind)
        )
    return made


def mined(examples: Sequence[Example], embed: Embed) -> list[Example]:
    """For answerable questions, a passage of the same language near them that is not theirs."""
    asked = [example for example in examples if example.kind == "squad"]
    made = []
    for language in sorted({example.language for example in asked}):
        for example, others in near([e for e in asked if e.language == language], embed, 6):
            made += [of_another(example, other, answers=(), relevant=False, kind="mined") for other in others[:1]]
    return made


def swapped(examples: Sequence[Example]) -> list[Example]:
    """Answerable questions with another name or year of the same topic, which their passage does not have."""
    known: dict[tuple[str, str], set[str]] = defaultdict(set)
    for example in examples:
        if example.kind in ("squad", "posed"):
            text = " ".join(map(_after_the_first, example.sentences))
            known[example.language, example.heading] |= {*NAME.findall(text), *YEAR.findall(text)}
    made = []
    for example in examples:
        if example.kind not in ("squad", "posed") or not example.answers:
            continue
        text, chance = " ".join(example.sentences), random.Random(example.question)  # noqa: S311
        fresh = sorted(name for name in known[example.language, example.heading] if name not in text)
        for like, words in ((YEAR, example.question), (NAME, _after_the_first(example.question))):
            here = [name for name in like.findall(words) if name in text]
            if question := exchange(example.question, here, [name for name in fresh if like.fullmatch(name)], chance):
                changed = replace(example, question=question, answers=(), span=None)
                made.append(replace(changed, plausible=example.answers[0], kind="swapped"))
                break
    return made


def _after_the_first(text: str) -> str:
    """A sentence without its first word, which is written like a name."""
    return text.partition(" ")[2]


def _crossed(versions: Mapping[str, Example]) -> Iterator[Example]:
    """The question of one language with the passage of another."""
    for (language, asked), (_, told) in permutations(versions.items(), 2):
        yield replace(told, question=asked.question, language=language, kind="crossed")


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
