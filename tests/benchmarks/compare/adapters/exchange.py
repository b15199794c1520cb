"""The outer part of every adapter: reads documents and questions, measures, writes what was answered.

    python exchange.py ADAPTER TASK.json ANSWERS.jsonl

It runs in the environment of the system that is compared, so it and the adapters beside it import nothing of this
project (`ours` does: it is this project). An adapter is a module with one function, `open_system(documents, **options)`:

documents: a list of {"uri", "title", "text"}; the text is Markdown with headings, nothing else
returns    a function from a question {"id", "question", "history", "joined"} to a reply. `joined` is the question
           behind the one before it, for systems that know no conversation

A reply is a dictionary:

text       what is shown to the person who asked
sources    uris of the documents it comes from, the first named first
passages   the texts of the best passages, best first, at most DEPTH
score      how sure the system is, higher is surer; None where it does not say
refused    whether it refused
ms         milliseconds; measured here where it is missing
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

DEPTH = 4  # passages that a reply names
ROOM = 1000  # characters of a passage, for libraries that do not cut documents themselves
Ask = Callable[[dict[str, Any]], dict[str, Any]]


def quoted(found: list[tuple[str, str, float]]) -> dict[str, Any]:
    """The reply of a library that finds passages and words nothing: (uri, text, score), best first."""
    best = found[0] if found else ("", "", 0.0)
    return {
        "text": best[1],
        "sources": [uri for uri, _, _ in found[:1]],
        "passages": [text for _, text, _ in found[:DEPTH]],
        "score": float(best[2]),
        "refused": False,
    }


def cut(text: str) -> list[str]:
    """Passages of whole paragraphs, each as long as fits into ROOM; a longer paragraph stays whole."""
    passages = [""]
    for paragraph in text.split("\n\n"):
        longer = f"{passages[-1]}\n\n{paragraph}".strip()
        if len(longer) > ROOM and passages[-1]:
            passages.append(paragraph)
        else:
            passages[-1] = longer
    return passages


def _timed(ask: Ask, question: dict[str, Any]) -> dict[str, Any]:
    began = time.perf_counter()
    reply = ask(question)
    reply.setdefault("ms", (time.perf_counter() - began) * 1000)
    return {"id": question["id"], **reply}


def _resident_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def main(adapter: str, task_file: str, answers_file: str) -> None:
    """Index the documents, ask the questions, write a line each, and what was measured as the last line."""
    began = time.perf_counter()
    task = json.loads(Path(task_file).read_text(encoding="utf-8"))
    ask: Ask = importlib.import_module(adapter).open_system(task["documents"], **task["options"])
    measured = {"index_seconds": time.perf_counter() - began}
    for question in task["questions"][: task["warm_up"]]:
        ask(question)
    replies = [_timed(ask, question) for question in task["questions"]]
    lines = [*replies, {"measured": {**measured, "resident_mb": _resident_mb()}}]
    Path(answers_file).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
