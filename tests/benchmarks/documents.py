"""The corpora of the benchmarks: real documents, and beyond those new ones made of their sentences.

A recombined document looks like a real one: a title, headings, passages of as many sentences as real ones have, one
listed question a passage. Each of its passages takes the sentences of one real document, drawn anew; each document
takes its passages from several. Nobody would read them, but they are as long, as alike and as different as real text.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.records import Chunk, Document

PASSAGES = 8  # of one recombined document
MARKED = re.compile(r"([\\`*_\[\]<>#|~!&$^])")
Passages = Sequence[tuple[Chunk, Document]]


@dataclass(frozen=True)
class Source:
    """A real document: its passages, and the sentences that they hold."""

    document: Document
    chunks: Sequence[Chunk]
    sentences: Sequence[str]


def sources(passages: Passages) -> list[Source]:
    """The real documents, in the order of their uris."""
    held: dict[str, list[Chunk]] = {}
    documents = {document.id: document for _, document in passages}
    for chunk, document in passages:
        held.setdefault(document.id, []).append(chunk)
    return [Source(documents[id_], chunks, _sentences(chunks)) for id_, chunks in held.items()]


def write_corpus(folder: Path, real: Path, passages: Passages, size: int) -> None:
    """Documents with about `size` passages: real ones of the folder `real` in a seeded order, then recombined ones."""
    draw, there = random.Random(size), 0
    for source in draw.sample(known := sources(passages), len(known)):
        if there >= size:
            return
        target = folder / source.document.uri
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(real / source.document.uri, target)
        there += len(source.chunks)
    usable = [source for source in known if source.sentences]
    for number in range(max(0, -(-(size - there) // PASSAGES))):
        place = folder / "recombined" / f"{number // 100:03}"
        place.mkdir(parents=True, exist_ok=True)
        count = min(PASSAGES, size - there - number * PASSAGES)
        (place / f"{number:06}.md").write_text(recombined(draw, usable, number, count), encoding="utf-8")


def recombined(draw: random.Random, usable: Sequence[Source], number: int, count: int) -> str:
    """A document of `count` passages in Markdown."""
    title = f"{draw.choice(usable).document.title}, variant {number}"
    head = f"---\ntitle: {json.dumps(title, ensure_ascii=False)}\nkind: recombined\nlanguage: en\n---\n"
    return head + "".join(_section(draw, draw.choice(usable), number) for _ in range(count))


def _section(draw: random.Random, source: Source, number: int) -> str:
    """A heading, a question that its text is said to answer, and sentences of one document, drawn anew."""
    like = draw.choice(source.chunks)
    count = min(max(1, len(like.units)), len(source.sentences))
    heading = like.anchor.heading[-1] if like.anchor.heading else source.document.title
    asked = [question for chunk in source.chunks for question in chunk.asked]
    listed = f"<!-- asked:\nVariant {number}: {draw.choice(asked)}\n-->\n\n" if asked else ""
    text = " ".join(draw.sample(source.sentences, count))
    return f"\n## {_plain(heading)}\n\n{listed}{_plain(text)}\n"


def _plain(text: str) -> str:
    return MARKED.sub(r"\\\1", " ".join(text.split()))


def _sentences(chunks: Sequence[Chunk]) -> list[str]:
    return list(dict.fromkeys(_said(chunks)))


def _said(chunks: Sequence[Chunk]) -> Iterator[str]:
    for chunk in chunks:
        for index, unit in enumerate(chunk.units):
            if unit.kind == "sentence" and "\n" not in (text := chunk.unit_text(index)):
                yield text
