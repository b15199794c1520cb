"""Haystack 2: its splitter, its document store in memory, its BM25."""

# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"
from __future__ import annotations

from typing import Any

from exchange import DEPTH, Ask, quoted
from haystack import Document, Pipeline
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.document_stores.in_memory import InMemoryDocumentStore


def open_system(documents: list[dict[str, str]]) -> Ask:
    """Pieces of 200 words, as the splitter makes them unless told otherwise."""
    store = InMemoryDocumentStore()
    splitter = DocumentSplitter(split_by="word", split_length=200)
    whole = [Document(content=d["text"], meta={"uri": d["uri"]}) for d in documents]
    store.write_documents(splitter.run(documents=whole)["documents"])
    pipeline = Pipeline()
    pipeline.add_component("retriever", InMemoryBM25Retriever(document_store=store, top_k=DEPTH))

    def ask(question: dict[str, Any]) -> dict[str, Any]:
        found = pipeline.run({"retriever": {"query": question["joined"]}})["retriever"]["documents"]
        return quoted([(piece.meta["uri"], piece.content, piece.score or 0.0) for piece in found])

    return ask
