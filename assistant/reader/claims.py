"""Examples from claims: FEVER's (Thorne et al. 2018), which sentences of Wikipedia support or refute."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from assistant.reader.examples import Example

SIGNS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "`` ": "“", " ''": "”", "--": "–", "-COLON-": ":"}
SIGN = re.compile("|".join(map(re.escape, SIGNS)))
MOST = 6  # sentences of evidence


def read_fever(files: Iterable[Path]) -> list[Example]:
    """Claims with their evidence, {"claim", "label" SUPPORTS or REFUTES, "evidence" [sentences]} a line: where several
    sentences support one, it is not known which does."""
    made = []
    for line in (line for file in files for line in file.read_text(encoding="utf-8").splitlines()):
        row = json.loads(line)
        sentences = tuple(map(written, row["evidence"][:MOST]))
        supported = row["label"] == "SUPPORTS"
        if sentences and all(sentences):
            answers = () if not supported else (0,) if len(sentences) == 1 else None
            made.append(Example(row["claim"], "en", "", sentences, answers, kind="fever"))
    return made


def written(text: str) -> str:
    """A sentence in pieces of the Penn Treebank as one writes it."""
    text = SIGN.sub(lambda sign: SIGNS[sign.group()], text)
    text = re.sub(r" ([,.;:!?%)\]])", r"\1", re.sub(r"([(\[$£€]) ", r"\1", text))
    return " ".join(re.sub(r" ('s|n't|'re|'ve|'d|'ll|'m)\b|(?<=s) (')(?=[\s,.;:]|$)", r"\1\2", text).split())
