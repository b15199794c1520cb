"""The sentences that answer, and whether they answer at all.

Every sentence of the best passages gets a score from its cosine, the question's words it covers, the rank of its
passage and what the reader says of it; `refusal.py` then decides whether they answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING

from assistant.language import detect_language, only_function_words
from assistant.reader import Text
from assistant.records import Chunk, Document, Hit, Reading, Reason
from assistant.refusal import judge, margins, read_signals
from assistant.retrieve import Found

if TYPE_CHECKING:
    from assistant.lexical import Lexical
    from assistant.reader import Reader

PASSAGES = 6
# Passages that are read: those that state something, and of the nearest gaps the one that ranks first. Measured: six of
# the one and two of the other give no better answers, two and one worse ones.
READ_PASSAGES, READ_GAPS = 3, 1
SHARPNESS = 4.0  # what one unit of cosine counts; the cosines of e5 lie within about 0.15 of each other
COVERAGE = 0.5
SAID = 0.3  # the same without the words of the headings
RANK = 1.0
ASKED = 2.0  # what one unit of cosine with the nearest unit, or question that the section answers, counts
ALIKE = 0.5  # what the words count that a question shares with the nearest one that the section answers
READ = 0.08  # what one unit of the reader's logit counts
LIKELY = 0.5  # that the passage answers, from which on its span is shown
SURE = 4.0  # beyond which a logit counts no more
ANSWER_CHARACTERS = 600
QUOTES = 5
NEAR_THE_BEST = 0.6
# Of what is recorded as not known, so much below the best is about something else: of 77 refusals the sentences shown
# beyond the first were mostly 0.3 to 0.7 below it, those that were asked about too at most 0.25.
NEAR_THE_GAP = 0.25
LISTED = 1.0  # for a passage that the question is listed for
DEFINES = 8.0  # for one that explains the term that is asked for: whatever else comes near, it begins the answer
UNKNOWN = 0.3  # score that a recorded gap loses in an answer
REPEATED = 0.8
CLOSEST = 3  # quotes of a refusal
SUGGESTIONS = 3
SAME_WORDS = 0.7  # of two sentences' words, from which on they say the same


@dataclass(frozen=True, slots=True)
class Quote:
    """One unit of a passage, to be shown."""

    hit: Hit
    unit: int
    score: float = 0.0
    stems: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        """The unit, verbatim."""
        return self.hit.chunk.unit_text(self.unit)

    @property
    def highlight(self) -> tuple[int, int] | None:
        """Characters of the words that answer, where the reader holds it for likely that this sentence does, and for
        likelier than not that these words do. Not in a list or table, where one entry would stand out among equals, nor
        half of a sentence, nor where what is not known is told."""
        chunk, reading = self.hit.chunk, self.hit.reading
        if chunk.gap or chunk.units[self.unit].kind != "sentence" or reading is None or reading.span is None:
            return None
        span = reading.span
        sure = span.unit == self.unit and span.margin > 0 and (reading.answers or 0) >= LIKELY
        return (span.start, span.end) if sure and span.end - span.start < len(self.text) / 2 else None


@dataclass(frozen=True, slots=True)
class Finding:
    """What to show and whether it answers: `reason` is None for an answer. `gap`: the quotes say what is not known;
    `disagree`: two sources give different figures for the same thing; `margin`: how far the more certain detector is
    over the threshold from which on it refuses."""

    quotes: tuple[Quote, ...] = ()
    reason: Reason | None = None
    gap: bool = False
    disagree: bool = False
    suggestions: tuple[str, ...] = ()
    margin: float = 0.0


def read_passages(found: Found, wordings: Sequence[str], reader: Reader | None) -> Found:
    """The same with the best passages that state something and the first of the nearest gaps read. Of the readings for
    several wordings of a question (a follow-up joined to what it follows, and alone) a passage keeps the surest."""
    if reader is None:
        return found
    statements = [hit for hit in found.hits if not hit.chunk.gap][:READ_PASSAGES]
    hits = {hit.chunk.id: hit for hit in (*statements, *found.gaps[:READ_GAPS])}
    texts = [text_of(hit.chunk, hit.document) for hit in hits.values()]
    readings = zip(*(reader.read(wording, texts) for wording in wordings), strict=True)
    read = {id_: max(some, key=_surest) for id_, some in zip(hits, readings, strict=True)}
    return replace(
        found,
        hits=tuple(replace(hit, reading=read.get(hit.chunk.id)) for hit in found.hits),
        gaps=tuple(replace(hit, reading=read.get(hit.chunk.id)) for hit in found.gaps),
    )


def _surest(reading: Reading) -> float:
    return max(reading.units, default=-math.inf)


def text_of(chunk: Chunk, document: Document) -> Text:
    """A passage as it is read."""
    units = (chunk.unit_text(n) if unit.kind != "terms" else "" for n, unit in enumerate(chunk.units))
    return Text(" > ".join((document.title, *chunk.anchor.heading)), tuple(units))


def find_evidence(found: Found, lexical: Lexical, language: str) -> Finding:
    """The units that answer the question, or why none does; suggestions in the asker's language where there are any."""
    if not found.hits:
        return Finding(reason=Reason.NOT_IN_CORPUS)
    written = any(hit.listed for hit in found.hits)
    if not written and any(only_function_words(found.words, spoken) for spoken in (language, "en")):
        return Finding(reason=Reason.UNCLEAR, suggestions=suggest(found, language, ()))
    if not (ranked := rank(found, lexical)):
        return Finding(reason=Reason.NOT_IN_CORPUS, suggestions=suggest(found, language, ()))
    signals = read_signals(found, ranked)
    finding = _decided(_listed(found) or judge(signals), signals, found, ranked)
    suggestions = suggest(found, language, finding.quotes)
    return replace(finding, suggestions=suggestions, margin=max(margins(signals).values()))


def _listed(found: Found) -> str:
    """The verdict of those who wrote the documents: the question stands, word for word, among those that a passage is
    said to answer, or among those that one says nobody can; "" where they say neither or both."""
    sides = {"gap" if hit.chunk.gap else "answer" for hit in (*found.hits, *found.gaps) if hit.listed}
    return sides.pop() if len(sides) == 1 else ""


def _decided(verdict: str, signals: dict[str, float], found: Found, ranked: Sequence[Quote]) -> Finding:
    match verdict:
        case "gap":
            return Finding(not_known(ranked), Reason.NOT_IN_CORPUS, gap=True)
        case "out_of_scope" if signals["elsewhere"] > 0:
            return Finding(reason=Reason.OUT_OF_SCOPE)
        case "out_of_scope" | "unanswered":
            return Finding(choose(ranked, CLOSEST), Reason.NOT_IN_CORPUS)
    quotes = choose(_statements_first(ranked))
    return Finding(quotes, Reason.OUTDATED if is_outdated(found, quotes) else None, disagree=disagree(quotes))


def not_known(ranked: Sequence[Quote]) -> tuple[Quote, ...]:
    """Of what is recorded as not known the best sentence, and those nearly as good."""
    gaps = [quote for quote in ranked if quote.hit.chunk.gap]
    return choose([quote for quote in gaps if quote.score >= gaps[0].score - NEAR_THE_GAP], CLOSEST)


def _statements_first(ranked: Sequence[Quote]) -> list[Quote]:
    """For an answer: what is not known comes behind what is."""
    fallen = (replace(quote, score=quote.score - UNKNOWN) if quote.hit.chunk.gap else quote for quote in ranked)
    return sorted(fallen, key=lambda quote: -quote.score)


def is_outdated(found: Found, quotes: Sequence[Quote]) -> bool:
    """Whether all that was found holds at other times than the question asks about."""
    periods = [quote.hit.chunk.period for quote in quotes] + [hit.chunk.period for hit in found.hits[:CLOSEST]]
    return bool(periods) and not any(period.overlaps(asked) for period in periods for asked in found.periods)


def disagree(quotes: Sequence[Quote]) -> bool:
    """Whether two documents say the same but for their figures, for the same time."""
    pairs = ((a, b) for a in quotes for b in quotes if a.hit.document.id < b.hit.document.id)
    return any(_differ(a, b) for a, b in pairs if a.hit.chunk.period.overlaps(b.hit.chunk.period))


def _differ(one: Quote, other: Quote) -> bool:
    figures = [{stem for stem in quote.stems if stem.isdigit()} for quote in (one, other)]
    words = [{stem for stem in quote.stems if not stem.isdigit()} for quote in (one, other)]
    alike = len(words[0] & words[1]) >= SAME_WORDS * len(words[0] | words[1])
    return alike and all(figures) and not figures[0] & figures[1]


def rank(found: Found, lexical: Lexical) -> list[Quote]:
    """Every quotable unit of the best passages, best first."""
    quotes = []
    seen = {hit.chunk.id: hit for hit in (*found.hits[:PASSAGES], *found.gaps)}
    for hit in seen.values():
        language, kinds = hit.document.language, [unit.kind for unit in hit.chunk.units]
        wanted = lexical.stems(found.words, language)
        above = lexical.stems(" ".join((hit.document.title, *hit.chunk.anchor.heading)), language)
        whole = RANK * hit.score + ASKED * hit.asked + ALIKE * hit.alike + LISTED * hit.listed + DEFINES * hit.defines
        terms = max((cosine for kind, cosine in zip(kinds, hit.units, strict=True) if kind == "terms"), default=0.0)
        asked = 0.0  # by the last question before a unit, which that answers
        for unit, cosine in enumerate(hit.units):
            asked = cosine if kinds[unit] == "question" else asked
            if not hit.chunk.quotable(unit):
                continue
            said = lexical.stems(hit.chunk.unit_text(unit), language)
            score = whole + SHARPNESS * max(cosine, terms, asked) + READ * read_logit(hit, unit)
            score += COVERAGE * lexical.share(wanted, above | said) + SAID * lexical.share(wanted, said)
            quotes.append(Quote(hit, unit, score, said))
    return sorted(quotes, key=lambda quote: -quote.score)


def read_logit(hit: Hit, unit: int) -> float:
    """How sure the reader is that a unit answers, within -SURE..SURE; 0 where nothing was read."""
    return max(-SURE, min(SURE, hit.reading.units[unit])) if hit.reading else 0.0


def choose(ranked: Sequence[Quote], count: int = QUOTES) -> tuple[Quote, ...]:
    """The quotes to show, passage by passage in reading order, at least one and within ANSWER_CHARACTERS.

    A list counts as one quote and is shown whole with its lead-in. A sentence joins the best one when it is nearly as
    good, or stands beside it, and says something new.
    """
    if not ranked:
        return ()
    best = ranked[0]
    chosen: dict[tuple[str, int], Quote] = {}
    said: set[str] = set()
    room, taken = ANSWER_CHARACTERS, 0
    for quote in ranked:
        group = [part for part in _group(quote) if (part.hit.chunk.id, part.unit) not in chosen]
        size = sum(len(part.text) for part in group)
        far = quote.hit is not best.hit and quote.score < best.score - NEAR_THE_BEST
        if not group or far or taken >= count or (chosen and size > room) or _is_said(quote, said):
            continue
        said |= quote.stems
        chosen |= {(part.hit.chunk.id, part.unit): part for part in group}
        room, taken = room - size, taken + 1
    order = {id_: place for place, id_ in enumerate(dict.fromkeys(chunk for chunk, _ in chosen))}
    return tuple(sorted(chosen.values(), key=lambda quote: (order[quote.hit.chunk.id], quote.unit)))


def _is_said(quote: Quote, said: set[str]) -> bool:
    """Whether most words of a unit stand in the quotes before it."""
    return bool(said and quote.stems) and len(quote.stems & said) >= REPEATED * len(quote.stems)


def _group(quote: Quote) -> list[Quote]:
    """What must be shown together with a unit: an item or a lead-in brings its whole list, a table row its lead-in."""
    kinds = [unit.kind for unit in quote.hit.chunk.units]
    if kinds[quote.unit] not in ("lead", "item", "row"):
        return [quote]
    start = quote.unit
    while start > 0 and kinds[start] in ("item", "row"):
        start -= 1
    end = start + 1
    while end < len(kinds) and kinds[end] in ("item", "row"):
        end += 1
    lead = [start] if kinds[start] == "lead" else []
    members = (
        [quote.unit] if kinds[quote.unit] == "row" else [u for u in range(start, end) if kinds[u] in ("item", "row")]
    )
    return [replace(quote, unit=unit) for unit in (*lead, *members)]


def suggest(found: Found, language: str, quotes: Iterable[Quote]) -> tuple[str, ...]:
    """Questions that nearby passages are said to answer, in the asker's language where there are any: the questions
    listed for them, or a heading that is one."""
    shown = {quote.hit.chunk.id for quote in quotes}
    open_ = [hit for hit in found.hits if hit.chunk.id not in shown and not hit.chunk.gap]
    listed = (q for hit in open_ for q in hit.chunk.asked if detect_language(q) == language)
    headings = (hit.chunk.anchor.heading[-1] for hit in open_ if hit.chunk.anchor.heading)
    asked = found.words.casefold().strip(" ?")
    fresh = (q for q in chain(listed, headings) if q.endswith(("?", ";")) and q.casefold().strip(" ?;") != asked)
    return tuple(dict.fromkeys(islice(fresh, SUGGESTIONS)))
