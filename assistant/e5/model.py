"""Texts to vectors: pieces, word vectors, the ONNX model, unit length.

A text of more words than the model has positions is cut into windows; its vector is their mean, weighted by length.
Windows of equal length run together, so nothing is padded. Each run has its own thread: a batch uses every core.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from functools import cache, lru_cache
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # onnxruntime reads it when it is imported; else it calls its maker

import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]

from assistant.e5.cache import cached_model
from assistant.e5.tokens import Tokenizer
from assistant.e5.weights import FIRST, Floats, Weights, bundled_file, expanded

QUESTIONS, SHORT = 32, 64  # texts whose states are at hand, and the pieces that such a text has at most
WORDS_A_RUN = 512  # measured: 256 to 2048 are alike, 128 is a fifth slower
QUIET = 3  # of onnxruntime's log: errors only

Window = list[int]


class Words:
    """The vocabulary: texts to pieces, pieces to vectors."""

    def __init__(self, weights: Weights, folder: Path | None) -> None:
        self.weights = weights
        self.tokens = Tokenizer(weights, folder)
        self.marks = (weights.begin, weights.end)
        self._vectors = weights.blocks("emb.word", weights.hidden)
        kind = weights.floats("emb.type")[: weights.hidden]  # [hidden], of the first of two kinds of text
        self.positions: Floats = weights.floats("emb.pos").reshape(-1, weights.hidden) + kind  # [positions, hidden]

    def vectors(self, pieces: npt.NDArray[np.int64]) -> Floats:
        """Vectors of pieces, [..., hidden]."""
        return expanded(self._vectors[pieces.ravel()]).reshape(*pieces.shape, -1)


@cache
def bundled_words(folder: Path | None = None) -> Words:
    """The vocabulary of the bundled weights, shared by all models of one process; `folder` keeps what it is made of."""
    return Words(Weights(bundled_file()), folder)


def open_session(model: bytes, threads: int, arena: bool = False) -> onnxruntime.InferenceSession:
    """A model, ready to run on so many threads. `arena`: it keeps what the longest text took, which makes long texts
    a fifth faster; for e5, whose questions are short, that was 46 MB for nothing."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = QUIET
    options.enable_cpu_mem_arena = arena
    options.add_session_config_entry("session.x64quantprecision", "0" if _has_vnni() else "1")
    # Threads that wait busily take the cores from whatever else runs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    session._model_bytes = None  # kept for another try with other providers, of which there are none
    return session


class FirstLayers:
    """The first FIRST layers, from which the reader and the verifier go on as e5 itself does."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.words = bundled_words(folder)
        self._session = open_session(cached_model(folder, self.words.weights, range(FIRST)), threads)
        self.of_question = lru_cache(QUESTIONS)(self._of_one)

    def states(self, pieces: npt.NDArray[np.int64]) -> Floats:
        """The states of the words of texts of one length, [texts, words] to [texts, words, hidden]."""
        vectors = self.words.vectors(pieces) + self.words.positions[: pieces.shape[1]]
        found: list[Floats] = self._session.run(None, {"words": vectors})
        return found[0]

    def _of_one(self, pieces: tuple[int, ...]) -> Floats:
        """The states of one text, [words, hidden], at hand for the next who asks: first the search, then the reader."""
        found: Floats = self.states(np.array([pieces]))[0]
        return found


@cache
def first_layers(folder: Path, threads: int) -> FirstLayers:
    """The first layers, which all in one process share. `threads` has no default: one that is left out and the same
    one given are two to a cache."""
    return FirstLayers(folder, threads)


class E5:
    """multilingual-e5-small. `threads` share one text; a batch runs cores / threads texts or groups at a time."""

    def __init__(self, folder: Path, threads: int = 1, cores: int | None = None) -> None:
        self._first = first_layers(folder, threads)
        self._words = self._first.words
        weights = self._words.weights
        self._last = open_session(cached_model(folder, weights, range(FIRST, weights.layers)), threads)
        self._window = weights.positions - len(self._words.marks)
        self.dimension: int = weights.hidden
        self._threads = threads
        self._workers = max(1, (cores or os.cpu_count() or 1) // threads)

    def kept_to(self, cores: int) -> E5:
        """The same model, whose batches run on so many cores."""
        kept = copy(self)
        kept._workers = max(1, cores // self._threads)
        return kept

    def query(self, text: str) -> Floats:
        """Vector of a question, [hidden]."""
        vector: Floats = self._encode([f"query: {text}"])[0]
        return vector

    def passages(self, texts: Sequence[str]) -> Floats:
        """Vectors of passages or sentences, [texts, hidden]."""
        return self._encode([f"passage: {text}" for text in texts])

    def _encode(self, texts: Sequence[str]) -> Floats:
        owners: list[int] = []
        windows: list[Window] = []
        for owner, text in enumerate(texts):
            numbers = self._words.tokens(text)
            for start in range(0, len(numbers), self._window):
                owners.append(owner)
                windows.append(numbers[start : start + self._window])
        sums = np.zeros((len(texts), self.dimension), np.float32)
        # In the order of the texts, whatever the order of the runs: the sum must not depend on the batch.
        for owner, window, mean in zip(owners, windows, self._means(windows), strict=True):
            sums[owner] += len(window) * mean
        unit: Floats = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        return unit

    def _means(self, windows: Sequence[Window]) -> Floats:
        """Mean vector of each window, [windows, hidden]."""
        runs = _runs([len(window) for window in windows])
        means = np.empty((len(windows), self.dimension), np.float32)

        def run(numbers: list[int]) -> None:
            means[numbers] = self._run([windows[number] for number in numbers])

        if min(len(runs), self._workers) <= 1:
            for numbers in runs:
                run(numbers)
        else:
            with ThreadPoolExecutor(self._workers) as pool:
                list(pool.map(run, runs))
        return means

    def _run(self, windows: Sequence[Window]) -> Floats:
        """Mean vectors of windows of one length, [windows, hidden]."""
        begin, end = self._words.marks
        pieces = [(begin, *window, end) for window in windows]
        alone = len(pieces) == 1 and len(pieces[0]) <= SHORT
        states = self._first.of_question(pieces[0])[None] if alone else self._first.states(np.array(pieces))
        found: list[Floats] = self._last.run(None, {"states_before": states})
        return found[0]


def _has_vnni() -> bool:
    """Whether the processor is known to add 8-bit products without overflow.

    Where it is not, onnxruntime has to be asked for precision; on this kind that would cost a third of the speed.
    """
    try:
        return "vnni" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False


def _runs(lengths: Sequence[int]) -> list[list[int]]:
    """Numbers of the windows to run together: of one length, WORDS_A_RUN words or one window; the longest first."""
    alike: dict[int, list[int]] = defaultdict(list)
    for number, length in enumerate(lengths):
        alike[length].append(number)
    runs = []
    for length, numbers in sorted(alike.items(), reverse=True):
        size = max(1, WORDS_A_RUN // length)
        runs += [numbers[start : start + size] for start in range(0, len(numbers), size)]
    return runs
