"""Our own reader: e5's first layers over question and passage apart, then the trained ones over both (`model/CARD.md`).

A passage's part of the first layers does not depend on the question, so the states of the last passages are kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.at_hand import AtHand
from assistant.e5.model import first_layers, open_session
from assistant.e5.weights import Floats
from assistant.errors import ReaderBroken
from assistant.reader import Text
from assistant.reader.pieces import Marks, PassagePieces, passage_pieces, question_pieces
from assistant.records import Reading, Span

MODEL = Path(__file__).with_name("model")
KEPT = 2048  # passages whose states are kept, about 40 kB each
PREPARED = KEPT * 3 // 4  # of these beforehand; the rest is for what questions bring
LARGEST = 127
TOGETHER = 2  # passages at least: reading is what a question waits for longest
LONGEST_SPAN = 24  # pieces
MARKS = ".,;:!?()[]\"'«»„“”‘’"


@dataclass(frozen=True, slots=True)
class Packed:
    """States of words, [words, hidden], as integers with a scale a word."""

    integers: npt.NDArray[np.int8]
    scales: Floats

    def floats(self) -> Floats:
        """The states, to within half a step."""
        states: Floats = self.integers * self.scales
        return states


@dataclass(frozen=True, slots=True)
class Told:
    """What of a passage does not depend on the question."""

    pieces: PassagePieces
    states: Packed


def _packed(states: Floats) -> Packed:
    scales = np.abs(states).max(1, keepdims=True) / LARGEST
    return Packed(np.rint(states / scales).astype(np.int8), scales)


class BundledReader:
    """Reads with the model of this folder, each passage on one thread, `threads` or TOGETHER at a time."""

    name = "bundled"

    def __init__(self, cache: Path, threads: int) -> None:
        described, content = _checked(MODEL)
        self._first = first_layers(cache, 1)
        self._words = self._first.words
        self._marks = Marks(*self._words.marks)
        self._upper = open_session(content, 1, arena=True)
        self._scale: float = described["scale"]
        self._pool = ThreadPoolExecutor(max(threads, TOGETHER), thread_name_prefix="reader")
        self._told = AtHand(self._tell, KEPT)

    def read(self, question: str, passages: Sequence[Text]) -> list[Reading]:
        """One reading a passage."""
        asked = question_pieces(question, self._words.tokens, self._marks)
        self._first.of_question(asked)  # here, where no two passages work them out at once
        # The longest first, so that no thread has it left when the others are done.
        longest = sorted(passages, key=lambda passage: -sum(map(len, passage.units)))
        read = dict(zip(longest, self._pool.map(lambda passage: self._read(asked, passage), longest), strict=True))
        return [read[passage] for passage in passages]

    def prepare(self, passages: Iterable[Text]) -> None:
        """Keep the states of all passages and no others; of more than PREPARED the first, as long as so many are not
        kept."""
        rest = iter(passages)
        wanted = dict.fromkeys(islice(rest, PREPARED))
        whole = next(rest, None) is None
        for passage in wanted:
            if whole or len(self._told) < PREPARED:
                self._told([passage])
        if whole:
            self._told.keep_only(wanted)

    def _tell(self, passages: Sequence[Text]) -> dict[Text, Told]:
        return {passage: self._tell_one(passage) for passage in passages}

    def _tell_one(self, passage: Text) -> Told:
        found = passage_pieces(passage.heading, passage.units, self._words.tokens, self._marks)
        return Told(found, _packed(self._first.states(np.array([found.pieces]))[0]))

    def _read(self, asked: tuple[int, ...], passage: Text) -> Reading:
        told = self._told([passage])[passage]
        q, p = np.array(asked), np.array(told.pieces.pieces)
        places = np.zeros((len(passage.units), len(p)), bool)
        for number, (start, end) in enumerate(told.pieces.sentences):
            places[number, start:end] = True
        relevance, sentences, start, end = self._upper.run(
            None,
            {
                "question_words": self._words.vectors(q),
                "question_states": self._first.of_question(asked),
                "passage_words": self._words.vectors(p),
                "passage_states": told.states.floats(),
                "same": (q[:, None] == p[None]).astype(np.float32),
                "places": places,
            },
        )
        seen = places.any(1)
        logits = np.where(seen, sentences * self._scale, -np.inf)
        total = float(np.exp(logits - max(0.0, logits.max(initial=0.0))).sum())
        none = float(np.exp(-max(0.0, logits.max(initial=0.0))))
        return Reading(
            relevance=float(1 / (1 + np.exp(-relevance[0]))),
            answers=total / (total + none),
            units=tuple(logits.tolist()),
            span=_trimmed(_span(start, end, told.pieces, int(np.argmax(logits))), passage) if len(logits) else None,
        )


def _span(start: Floats, end: Floats, told: PassagePieces, sentence: int) -> Span | None:
    """The best span of one sentence, None where the sentence was cut off."""
    first, last = told.sentences[sentence]
    if first == last:
        return None
    sums = start[1 + first : 1 + last, None] + end[None, 1 + first : 1 + last]
    sums = np.triu(sums) + np.tril(np.full_like(sums, -np.inf), -1) + np.triu(np.full_like(sums, -np.inf), LONGEST_SPAN)
    begin, stop = divmod(int(np.argmax(sums)), last - first)
    margin = float(sums[begin, stop] - start[0] - end[0])
    return Span(sentence, told.words[first + begin][1], told.words[first + stop][2], margin)


def _trimmed(span: Span | None, passage: Text) -> Span | None:
    """The span without the marks around its words, None where nothing is left."""
    if span is None:
        return None
    words = passage.units[span.unit][span.start : span.end]
    start = span.start + len(words) - len(words.lstrip(MARKS))
    end = span.end - len(words) + len(words.rstrip(MARKS))
    return replace(span, start=start, end=end) if start < end else None


def _checked(model: Path) -> tuple[dict[str, Any], bytes]:
    """What is known of the model, and its file. Raises ReaderBroken where it is missing or not the one described."""
    remedy = "Restore it (git checkout assistant/reader/model), or set CLUSTER_TALKS_READER=none."
    try:
        described = json.loads((model / "reader.json").read_text(encoding="utf-8"))
        content = (model / "reader.onnx").read_bytes()
    except (OSError, ValueError) as error:
        raise ReaderBroken(f"The reader's model cannot be read: {error}.", remedy) from error
    if (digest := hashlib.sha256(content).hexdigest()) != described["sha256"]:
        raise ReaderBroken(f"reader.onnx is damaged: its SHA-256 starts with {digest[:12]}.", remedy)
    return described, content
