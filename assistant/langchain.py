"""The passages for a LangChain chain: `from assistant.langchain import ClusterTalksRetriever`.

    retriever = ClusterTalksRetriever(url="http://127.0.0.1:8000", count=4, kind=["rules"])
    retriever.invoke("Who owns the rights after a PCP?")

A field of a passage that the HTTP interface gains is in the metadata by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any, Self

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field

from assistant.asking import TIMEOUT, HttpAsker, key_header, open_asker, reaching, read_result, search_parameters
from assistant.settings import Settings


class ClusterTalksRetriever(BaseRetriever):
    """The passages nearest to a question, best first. They need not answer it.

    `page_content` is a passage word for word. `metadata` tells where it stands: document (its id), title, uri, url (the
    original), link (a page that shows the passage in its place, None where no server is asked), anchor, score (0..1),
    gap (true where it says what is not known), edition. `invoke` and `ainvoke` raise ClusterTalksError.
    """

    url: str = Field("http://127.0.0.1:8000", description="address of a running server")
    key: str | None = Field(None, repr=False, exclude=True, description="a key of that server, where it wants one")
    count: int = Field(5, ge=1, le=50, description="passages to find; invoke(..., count=3) takes another number")
    kind: tuple[str, ...] = Field((), description="only documents of these kinds")
    language: tuple[str, ...] = Field((), description="only documents in these languages")
    as_of: date | None = Field(None, description="the day whose rules count; default: today")
    asker: Any = Field(None, repr=False, exclude=True, description="an open Asker to use in place of the address")

    @classmethod
    @contextmanager
    def local(cls, settings: Settings, **fields: Any) -> Iterator[Self]:  # noqa: ANN401
        """A retriever over the data folder of `settings`, in this process or through the server that owns it:

        with ClusterTalksRetriever.local(load_settings()) as retriever: ...
        """
        with open_asker(settings) as asker:
            yield cls(asker=asker, **fields)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, count: int | None = None
    ) -> list[Document]:
        wanted = self._wanted(count)
        if self.asker is not None:
            return _documents(self.asker.search(query, **wanted), self.asker.site)
        with httpx.Client(**self._client()) as client:
            return _documents(HttpAsker(client).search(query, **wanted), self.url)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, count: int | None = None
    ) -> list[Document]:
        wanted = self._wanted(count)
        if self.asker is not None:
            return _documents(await asyncio.to_thread(self.asker.search, query, **wanted), self.asker.site)
        async with httpx.AsyncClient(**self._client()) as client:
            with reaching(self.url):
                response = await client.get("/api/v1/search", params=search_parameters(query, **wanted))
        return _documents(read_result(response), self.url)

    def _wanted(self, count: int | None) -> dict[str, Any]:
        narrowed = {"kind": self.kind, "language": self.language, "as_of": self.as_of}
        return {"count": self.count if count is None else count, **narrowed}

    def _client(self) -> dict[str, Any]:
        return {"base_url": self.url, "headers": key_header(self.key), "timeout": TIMEOUT}


def _documents(found: Mapping[str, Any], site: str) -> list[Document]:
    """The passages of GET /api/v1/search as LangChain's records."""
    return [_document(passage, found["edition"], site) for passage in found["passages"]]


def _document(passage: Mapping[str, Any], edition: int, site: str) -> Document:
    told = {name: value for name, value in passage.items() if name != "text"}
    link = site.rstrip("/") + passage["link"] if site else None
    return Document(page_content=passage["text"], metadata={**told, "edition": edition, "link": link})
