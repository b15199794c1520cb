"""LlamaIndex: its sentence splitter and its BM25 retriever (stemmed in English)."""

# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"
from __future__ import annotations

from typing import Any

import Stemmer
from exchange import DEPTH, Ask, quoted
from llama_index.core import Document
from llama_index.core.node_parser import SentenceSplitter
from llama_index.retrievers.bm25 import BM25Retriever


def open_system(documents: list[dict[str, str]]) -> Ask:
    """Pieces of 512 tokens, as in the example of this retriever."""
    whole = [Document(text=d["text"], metadata={"uri": d["uri"]}) for d in documents]
    pieces = SentenceSplitter(chunk_size=512).get_nodes_from_documents(whole)
    retriever = BM25Retriever.from_defaults(
        nodes=pieces, similarity_top_k=DEPTH, stemmer=Stemmer.Stemmer("english"), language="english"
    )

    def ask(question: dict[str, Any]) -> dict[str, Any]:
        found = retriever.retrieve(question["joined"])
        return quoted([(hit.node.metadata["uri"], hit.node.text, hit.score or 0.0) for hit in found])

    return ask
