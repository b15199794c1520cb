"""Any sentence-transformers CrossEncoder as reader, by name (needs a hub or a cache) or by folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from assistant.errors import BadSetting
from assistant.reader import Text
from assistant.records import Reading

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder


class CrossEncoderReader:
    """Scores each unit under its heading; such a model was trained on relevance, and knows neither
    whether anything answers nor where."""

    def __init__(self, model: str, device: str) -> None:
        self.name = f"cross-encoder:{model}"
        self._model = _open(model, device)

    def read(self, question: str, passages: Sequence[Text]) -> list[Reading]:
        """One reading a passage."""
        pairs = [(question, f"{p.heading}\n{unit}") for p in passages for unit in p.units]
        logits = self._model.predict(pairs, activation_fn=None, show_progress_bar=False) if pairs else np.zeros(0)
        made, at = [], 0
        for passage in passages:
            own = np.asarray(logits[at : at + len(passage.units)], dtype=np.float64)
            at += len(own)
            best = float(1 / (1 + np.exp(-own.max()))) if len(own) else 0.0
            made.append(Reading(relevance=best, answers=None, units=tuple(own.tolist())))
        return made

    def prepare(self, passages: Iterable[Text]) -> None:
        """Nothing: question and passage enter together."""


def _open(model: str, device: str) -> CrossEncoder:
    from sentence_transformers import CrossEncoder

    if not model:
        raise BadSetting("The cross-encoder has no name.", "Write CLUSTER_TALKS_READER=cross-encoder:NAME_OR_FOLDER.")
    try:
        opened: CrossEncoder = CrossEncoder(model, device=device)
    except (OSError, ValueError) as error:
        raise BadSetting(f"The cross-encoder {model!r} cannot be loaded: {error}.", "Check its name.") from error
    if opened.num_labels != 1:
        raise BadSetting(f"The cross-encoder {model!r} gives {opened.num_labels} scores.", "Choose one that gives one.")
    return opened
