"""Evidence → numbered citations, and sentences → the Markdown of an answer.

One number a passage and source: every sentence that is quoted from it on the strength of that source carries the
number, and the citation's quote is the stretch of the snapshot from the first to the last of them, so the quote is
verbatim text at the cited characters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from assistant.places import cues_between, original, said_at
from assistant.records import Chunk, Citation, Document, Edition, Hit, Related, Sentence

Place = tuple[Hit, int]  # a passage and one of its units


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Documents beside a cited one: `together` by what they are part of, `newer` by the uri of what they supersede."""

    together: Mapping[str, Sequence[Document]] = field(default_factory=dict)
    newer: Mapping[str, Document] = field(default_factory=dict)


ALONE = Neighbours()


def neighbours_of(documents: Iterable[Document]) -> Neighbours:
    """What stands beside what, among the documents of an edition."""
    together: dict[str, list[Document]] = defaultdict(list)
    newer = {}
    for document in documents:
        if document.part_of:
            together[document.part_of].append(document)
        if document.supersedes:
            newer[document.supersedes] = document
    return Neighbours(together, newer)


class Citing:
    """Numbers places in the order in which they are first cited. Units of `together` that stand in one passage and have
    one source share a number; any other unit has its own."""

    def __init__(self, edition: Edition, neighbours: Neighbours = ALONE, together: Sequence[Place] = ()) -> None:
        self._edition, self._neighbours = edition, neighbours
        self._groups: dict[tuple[str, str | None], list[int]] = defaultdict(list)
        for hit, unit in together:
            self._groups[hit.chunk.id, source(hit.chunk, unit)].append(unit)
        self._numbers: dict[tuple[str, int], int] = {}
        self._citations: list[Citation] = []

    @property
    def citations(self) -> tuple[Citation, ...]:
        """What has been cited so far."""
        return tuple(self._citations)

    def numbers(self, places: Iterable[Place]) -> tuple[int, ...]:
        """The numbers of these places, each once."""
        return tuple(dict.fromkeys(self._number(hit, unit) for hit, unit in places))

    def _number(self, hit: Hit, unit: int) -> int:
        if (hit.chunk.id, unit) not in self._numbers:
            url, number = source(hit.chunk, unit), len(self._citations) + 1
            group = self._groups.get((hit.chunk.id, url), [])
            units = group if unit in group else [unit]
            self._numbers |= {(hit.chunk.id, one): number for one in units}
            self._citations.append(_citation(number, hit, units, url, self._edition, self._neighbours))
        return self._numbers[hit.chunk.id, unit]


def _citation(
    number: int, hit: Hit, units: Sequence[int], url: str | None, edition: Edition, neighbours: Neighbours
) -> Citation:
    chunk, document = hit.chunk, hit.document
    start = min(chunk.units[unit].start for unit in units)
    end = max(chunk.units[unit].end for unit in units)
    span = (chunk.start + start, chunk.start + end)
    anchor, quote = said_at(chunk.anchor, cues_between(chunk.cues, start, end)), chunk.text[start:end]
    return Citation(
        number=number,
        document=document.id,
        title=document.title,
        uri=document.uri,
        url=url or original(document, anchor, quote),
        anchor=anchor,
        link=reading_link(document.id, edition.number, span),
        quote=quote,
        span=span,
        valid_from=chunk.period.start,
        valid_until=chunk.period.until,
        edition=edition.number,
        digest=document.digest,
        publisher=document.publisher,
        language=document.language,
        event_date=document.event_date,
        retrieved=document.retrieved,
        related=tuple(
            _related(other) for other in neighbours.together.get(document.part_of or "", ()) if other.id != document.id
        ),
        superseded_by=_related(newer) if (newer := neighbours.newer.get(document.uri)) else None,
    )


def _related(other: Document) -> Related:
    return Related(other.id, other.title, other.uri, other.url)


def reading_link(document: str, edition: int, span: tuple[int, int]) -> str:
    """Address of the page that shows the snapshot with the quote marked."""
    return f"/read/{document}?{urlencode({'edition': edition, 'start': span[0], 'end': span[1]})}#quote"


def source(chunk: Chunk, unit: int) -> str | None:
    """The address noted at the end of a unit, or the next one after it: notes follow what they support. A list item or
    table row has that of its lead-in."""
    kinds = [part.kind for part in chunk.units]
    start = unit
    while start > 0 and kinds[start] in ("item", "row"):
        start -= 1
    ends = [chunk.units[unit].end] if kinds[start] != "lead" else [chunk.units[start].end, chunk.units[unit].end]
    at_lead = next((mark.url for mark in chunk.sources if mark.at == ends[0]), None)
    return at_lead or next((mark.url for mark in chunk.sources if mark.at >= ends[-1]), None)


def markdown(sentences: Sequence[Sentence]) -> str:
    """The answer's text: paragraphs and lists with [n] marks; a list item repeats no number of the line before it."""
    text, before = "", None
    for sentence in sentences:
        item = sentence.layout == "item"
        repeated = item and before is not None and sentence.citations == before.citations
        marks = "" if repeated else "".join(f" [{number}]" for number in sentence.citations)
        text += _joint(before, sentence) + ("- " if item else "") + sentence.text + marks
        before = sentence
    return text


def _joint(before: Sentence | None, sentence: Sentence) -> str:
    if before is None:
        return ""
    if sentence.layout == "item":
        return "\n" if before.layout == "item" else "\n\n"
    return "\n\n" if before.layout == "item" or "notice" in (before.kind, sentence.kind) else " "
