"""The documents and questions that every system gets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.evaluate import Case, read_questions
from ingest.readers.markdown import read_markdown

CORPUS = Path("corpus")
QUALITY = Path("tests/quality")
SETS = ("golden", "ours", "held_out")  # files of tests/quality; speed is measured on the first


@dataclass(frozen=True)
class Text:
    """A document as Markdown with headings and nothing else."""

    uri: str
    title: str
    text: str


def read_texts(corpus: Path = CORPUS) -> list[Text]:
    """The documents of a folder, without front matter, comments, footnotes and links."""
    return [_text(file, corpus) for file in sorted(corpus.glob("*/*.md"))]


def _text(file: Path, corpus: Path) -> Text:
    reading = read_markdown(file.read_bytes())
    title = reading.meta.title or file.stem
    path: tuple[str, ...] = ()
    parts = [f"# {title}"]
    for section in reading.sections:
        parts += _headings(path, section.anchor.heading)
        parts.append(section.text)
        path = section.anchor.heading
    return Text(str(file.relative_to(corpus)), title, "\n\n".join(parts))


def _headings(before: tuple[str, ...], path: tuple[str, ...]) -> Iterator[str]:
    """The headings that are new below those of the section before."""
    for depth, heading in enumerate(path):
        if before[: depth + 1] != path[: depth + 1]:
            yield f"{'#' * (depth + 2)} {heading}"


def write_texts(texts: list[Text], folder: Path) -> None:
    """The same as files."""
    for text in texts:
        file = folder / text.uri
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.text + "\n", encoding="utf-8")


def read_cases(name: str) -> list[Case]:
    """The questions of a set."""
    return read_questions(QUALITY / f"{name}.jsonl")


def asked(name: str, case: Case) -> dict[str, Any]:
    """A question as adapters get it."""
    before = [turn["content"] for turn in case.history if turn["role"] == "user"]
    joined = " ".join([*before[-1:], case.question])
    return {"id": f"{name}/{case.id}", "question": case.question, "history": case.history, "joined": joined}
