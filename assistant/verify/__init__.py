"""Whether a generated sentence says no more than its sources do; without a language model.

The sentence is laid beside the units of its passages, word by word (`case.py`). What can be wrong although the words
are there (a figure, a name, a "not" or "must", who does what to whom) is looked for one by one (`faults.py`,
`elsewhere.py`); what is left is judged by a score (`score.py`). To add a check, add a line to `faults.LOOKS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from assistant.embedders import Embedder
from assistant.names import Names
from assistant.reader import Reader
from assistant.reader import Text as Passage
from assistant.records import Period
from assistant.verify.case import Case, compare
from assistant.verify.faults import LOOKS
from assistant.verify.names import unknown
from assistant.verify.orders import gives_orders
from assistant.verify.score import margin, signals
from assistant.verify.text import Marked, WordVectors, mark, texts
from assistant.verify.vectors import words_alone

NOT_ENOUGH = "too little of it in the sources"
TOO_LONG = "longer than a sentence"
LONGEST, LONGEST_UNIT = 1000, 4000  # characters
MOST = 40  # names and figures of a sentence
ALWAYS = Period()


@dataclass(frozen=True, slots=True)
class Source:
    """One unit of a passage: a sentence, item or row. `heading`: the title of its document and the headings over it;
    `vector`: the embedder's, where it is at hand."""

    text: str
    heading: str
    language: str
    period: Period = ALWAYS
    vector: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`sources`: numbers of the units that say it, best first; `faults`: what is wrong, empty where it is supported;
    `margin`: how far the score is over its threshold."""

    supported: bool
    sources: tuple[int, ...]
    faults: tuple[str, ...]
    margin: float


class Verifier:
    """Checks sentences. `names`: those of the edition; `words`: vectors of words where they stand (`FirstLayers`), by
    default those of the embedder for each word alone, which serve within one language."""

    def __init__(
        self,
        embedder: Embedder,
        reader: Reader | None = None,
        names: Names | None = None,
        words: WordVectors | None = None,
    ) -> None:
        self._embedder = embedder
        self._reader = reader
        self._names = names
        self._words = words or words_alone(embedder)

    def check(self, sentence: str, language: str, sources: Sequence[Source]) -> Verdict:
        """Whether the sources support the sentence, and which of them. Takes any input. Not supported is what is longer
        than LONGEST characters or has more than MOST names and figures; a unit that gives orders to a machine
        (`orders.py`) supports nothing."""
        sentence = _whole(sentence)
        if len(sentence) > LONGEST or _anchors(mark(sentence, language)) > MOST:
            return _refused(TOO_LONG)
        honest = [n for n, source in enumerate(sources) if not gives_orders(source.text)]
        if not honest or not mark(sentence, language).content:
            return _refused(NOT_ENOUGH)
        found = self._check(sentence, language, [_cut(sources[n]) for n in honest])
        return replace(found, sources=tuple(honest[n] for n in found.sources))

    def _check(self, sentence: str, language: str, sources: Sequence[Source]) -> Verdict:
        case = self._case(sentence, language, sources)
        cosines = self._cosines(sentence, sources)
        over = margin(signals(case, cosines, self._read(sentence, sources)), same_language=case.same_language)
        faults = [fault for look in LOOKS for fault in look(case)]
        places = [f"{source.text} {source.heading}" for source in sources]
        faults += [f"name: {name}" for name in unknown(self._names, sentence, places)]
        if over <= 0:
            faults.append(NOT_ENOUGH)
        best_first = sorted(case.support, key=lambda unit: -cosines[unit])
        return Verdict(not faults, tuple(best_first), tuple(dict.fromkeys(faults)), over)

    def _case(self, sentence: str, language: str, sources: Sequence[Source]) -> Case:
        headings = dict.fromkeys((over, source.language) for source in sources if (over := _heading(source)))
        marked = [mark(sentence, language), *(mark(source.text, source.language) for source in sources)]
        found = texts([*marked, *(mark(*heading) for heading in headings)], self._words)
        return compare(found[0], found[1 : len(marked)], found[len(marked) :])

    def _cosines(self, sentence: str, sources: Sequence[Source]) -> list[float]:
        fresh = [source.text for source in sources if source.vector is None]
        mine, *theirs = self._embedder.embed_documents([sentence, *fresh])
        rest = iter(theirs)
        vectors = [next(rest) if source.vector is None else source.vector for source in sources]
        return [float(np.dot(mine, vector)) for vector in vectors]

    def _read(self, sentence: str, sources: Sequence[Source]) -> float | None:
        if self._reader is None:
            return None
        headings = dict.fromkeys(source.heading for source in sources)
        passages = [Passage(h, tuple(source.text for source in sources if source.heading == h)) for h in headings]
        return max(max(reading.units) for reading in self._reader.read(sentence, passages))


def _refused(fault: str) -> Verdict:
    return Verdict(supported=False, sources=(), faults=(fault,), margin=0.0)


def _anchors(marked: Marked) -> int:
    return len(marked.names) + len(marked.figures)


def _cut(source: Source) -> Source:
    text = _whole(source.text[:LONGEST_UNIT])
    return source if text == source.text else replace(source, text=text)


def _whole(text: str) -> str:
    """Without halves of characters, which no embedder takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _heading(source: Source) -> str:
    """What stands over a unit, and the days on which it holds."""
    days = (day.isoformat() for day in (source.period.start, source.period.until) if day)
    return " ".join((source.heading, *days)).strip()
