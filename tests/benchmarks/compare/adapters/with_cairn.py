"""Cairn: quotes one passage or refuses, by words alone, with the standard library alone."""

# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"
from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from cairn.config import Config
from cairn.engine import ask as answer
from cairn.index import build_index
from exchange import DEPTH, Ask


def open_system(documents: list[dict[str, str]], **options: float) -> Ask:
    """Its own settings, but for `options`, which are fields of its `Config`."""
    names = {f"d{number}": document["uri"] for number, document in enumerate(documents)}
    with tempfile.TemporaryDirectory() as folder:
        for name, document in zip(names, documents, strict=True):
            front = f"---\nid: {name}\ntitle: {document['title']}\nlang: en\n---\n"
            Path(folder, f"{name}.md").write_text(front + document["text"], encoding="utf-8")
        index = build_index(folder)
    settings = Config(corpus_path=folder, **options)

    def ask(question: dict[str, Any]) -> dict[str, Any]:
        result = answer(question["joined"], index, settings)
        candidates = result.answer.trace.candidates
        return {
            "text": result.answer.text,
            "sources": [names[source.source_id.partition("#")[0]] for source in result.answer.sources],
            "passages": [candidate.passage.text for candidate in candidates[:DEPTH]],
            "score": candidates[0].score if candidates else 0.0,
            "refused": result.answer.kind == "refusal",
        }

    return ask
