"""A follow-up → a question that stands alone, by rule.

A question that leans on the one before it opens with a connective, points back with a pronoun, or is very short; it is
read together with the question it continues. The word lists are data (`conversation.json`), one entry a language.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from assistant.records import Turn

SHORT = 4
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+", re.UNICODE)


def stand_alone(question: str, history: Sequence[Turn]) -> str:
    """`question` as it would be asked without the conversation before it."""
    asked = [turn.content for turn in history if turn.role == "user" and turn.content.strip()]
    if not asked or not leans(question):
        return question
    before = " ".join(asked[-1].split())
    for turn in reversed(asked[:-1]):
        if not leans(before):
            break
        before = f"{' '.join(turn.split())} {before}"
    return f"{before} {question}"


def leans(question: str) -> bool:
    """Whether the question needs the one before it."""
    words = [word.lower() for word in WORD.findall(question)]
    openers, pointers = _lists()
    return len(words) <= SHORT or words[0] in openers or any(word in pointers for word in words)


@cache
def _lists() -> tuple[frozenset[str], frozenset[str]]:
    lists = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return (
        frozenset(word for entry in lists.values() for word in entry["openers"]),
        frozenset(word for entry in lists.values() for word in entry["pointers"]),
    )
