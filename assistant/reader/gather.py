"""Write questions of SQuAD 2.0, QED and XQuAD as the SQuAD-like file that `prepare.py` reads.

    .venv/bin/python -m assistant.reader.gather --squad train-v2.0.json --qed qed-dev.jsonlines --out more.jsonl.gz
    .venv/bin/python -m assistant.reader.gather --xquad xquad.de.json --xquad xquad.en.json --out crossed.jsonl.gz

All are published with their papers (Rajpurkar et al. 2018, Lamm et al. 2021, Artetxe et al. 2020) and are no part of
the project. Questions of one file that have the same number are taken for one question in several languages.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from assistant.reader.claims import written

Row = dict[str, Any]
TAG = 2  # letters of a language
CLOSE = re.compile(r"(?<=\w) - (?=\w)| / |(?<=\d) ?– ?(?=\d)")


def squad_rows(file: Path, articles: int | None = None, language: str = "en") -> Iterator[Row]:
    """The questions of the first articles of a file of SQuAD, all by default."""
    for article in json.loads(file.read_text(encoding="utf-8"))["data"][:articles]:
        for paragraph in article["paragraphs"]:
            for asked in paragraph["qas"]:
                answer, plausible = ((asked.get(name) or [{}])[0] for name in ("answers", "plausible_answers"))
                unanswered = asked.get("is_impossible", False)
                yield {
                    "id": asked["id"],
                    "lang": language,
                    "title": article["title"].replace("_", " "),
                    "paragraph": paragraph["context"],
                    "question": asked["question"].strip(),
                    "answerable": not unanswered,
                    "answer": answer.get("text", ""),
                    "answer_start": answer.get("answer_start", -1),
                    "plausible": plausible.get("text", "") if unanswered else "",
                }


def qed_rows(file: Path) -> Iterator[Row]:
    """The questions of QED whose answer stands in their paragraph as written there."""
    for line in file.read_text(encoding="utf-8").splitlines():
        found = json.loads(line)
        paragraph, question = plain(found["paragraph_text"]), found["question_text"].strip()
        answers = [plain(answer["string"]) for group in found["original_nq_answers"][:1] for answer in group[:1]]
        if answers and answers[0] in paragraph:
            yield {
                "id": f"qed{found['example_id']}",
                "lang": "en",
                "title": found["title_text"],
                "paragraph": paragraph,
                "question": f"{question[0].upper()}{question[1:].rstrip('?')}?",
                "answerable": True,
                "answer": answers[0],
                "answer_start": paragraph.index(answers[0]),
                "plausible": "",
            }


def plain(text: str) -> str:
    """A text in pieces of the Penn Treebank as one writes it, what belongs together closed up."""
    return CLOSE.sub(lambda found: found.group().replace(" ", ""), written(text))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--squad", type=Path, action="append", default=[], help="file of SQuAD 2.0; repeatable")
    parser.add_argument("--articles", type=int, default=10, help="of each file of SQuAD, from the first one on")
    parser.add_argument("--qed", type=Path, action="append", default=[], help="file of QED; repeatable")
    parser.add_argument("--xquad", type=Path, action="append", default=[], help="file like xquad.de.json; repeatable")
    parser.add_argument("--out", type=Path, default=Path("more.jsonl.gz"))
    options = parser.parse_args()
    if not (options.squad or options.qed or options.xquad):
        parser.error("nothing to gather: name a file with --squad, --qed or --xquad")
    languages = [file.stem.rpartition(".")[2] for file in options.xquad]
    if wrong := [str(file) for file, language in zip(options.xquad, languages, strict=True) if len(language) != TAG]:
        parser.error(f"no language in the name of {', '.join(wrong)}: call it like xquad.de.json")
    gathered = chain(
        *(squad_rows(file, options.articles) for file in options.squad),
        *(qed_rows(file) for file in options.qed),
        *(squad_rows(file, language=language) for file, language in zip(options.xquad, languages, strict=True)),
    )
    with gzip.open(options.out, "wt", encoding="utf-8") as lines:
        for row in gathered:
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
