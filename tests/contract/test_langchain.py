"""The retriever for LangChain: LangChain's own tests for retrievers, and what it promises beyond them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_tests.integration_tests import RetrieversIntegrationTests

from assistant.errors import BadRequest, NotReady
from assistant.langchain import ClusterTalksRetriever
from assistant.settings import Settings
from tests.conftest import Server

QUERY = "Who keeps the patents after a pre-commercial procurement?"
PCP = "procedures/pcp-intellectual-property.md"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
class TestAsLangChainTestsRetrievers(RetrieversIntegrationTests):
    num_results_arg_name = "count"
    retriever_constructor = ClusterTalksRetriever
    retriever_query_example = QUERY

    @pytest.fixture(autouse=True)
    def _at(self, server: Server) -> None:
        self.address = server.address

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"url": self.address}


def test_a_document_tells_where_it_stands(server: Server) -> None:
    found = ClusterTalksRetriever(url=server.address, count=3, kind=["procedures"]).invoke(QUERY)
    assert [document.metadata["uri"] for document in found] == [PCP] * 3
    first = found[0].metadata
    assert {"document", "title", "url", "anchor", "score", "gap"} <= first.keys() and first["edition"] == 1
    page = httpx.get(first["link"])
    assert first["link"].startswith(server.address) and '<mark id="quote">' in page.text


@pytest.mark.anyio
async def test_both_ways_find_the_same(server: Server) -> None:
    retriever = ClusterTalksRetriever(url=server.address, language=["en"], as_of=date(2024, 5, 1))
    assert retriever.invoke(QUERY) == await retriever.ainvoke(QUERY)


@pytest.mark.anyio
async def test_it_works_in_a_chain_and_over_many_questions(server: Server) -> None:
    def told(documents: list[Document]) -> str:
        return "\n".join(document.page_content for document in documents)

    chain = {"context": ClusterTalksRetriever(url=server.address) | told, "question": RunnablePassthrough()}
    asked = RunnableLambda(lambda given: f"{given['question']}\n{given['context']}")
    whole = chain | asked
    assert "The supplier owns the intellectual property" in whole.invoke(QUERY)
    assert "The supplier owns the intellectual property" in (await whole.abatch([QUERY, "patents"]))[0]


@pytest.mark.anyio
async def test_what_is_wrong_is_told(server: Server) -> None:
    empty = ClusterTalksRetriever(url=server.address)
    nobody = ClusterTalksRetriever(url="http://127.0.0.1:9")
    with pytest.raises(BadRequest, match="Write some words"):
        empty.invoke("  ")
    with pytest.raises(BadRequest, match="Write some words"):
        await empty.ainvoke("  ")
    with pytest.raises(NotReady, match=r"127\.0\.0\.1:9 does not answer.*cluster-talks serve"):
        nobody.invoke(QUERY)
    with pytest.raises(NotReady, match=r"127\.0\.0\.1:9 does not answer"):
        await nobody.ainvoke(QUERY)


@pytest.mark.anyio
async def test_a_data_folder_is_searched_through_its_owner_or_in_this_process(server: Server, tmp_path: Path) -> None:
    with ClusterTalksRetriever.local(Settings(data=server.data), count=2) as retriever:
        found = await retriever.ainvoke(QUERY)
        assert retriever.invoke(QUERY) == found and len(found) == 2
        assert found[0].metadata["link"].startswith(server.address)
    empty = ClusterTalksRetriever.local(Settings(data=tmp_path / "data"))
    with empty as retriever, pytest.raises(NotReady, match="cluster-talks ingest"):
        retriever.invoke(QUERY)


def test_a_key_is_sent_and_never_shown() -> None:
    retriever = ClusterTalksRetriever(key="secret")
    assert retriever._client()["headers"] == {"Authorization": "Bearer secret"}
    assert "secret" not in repr(retriever) + retriever.model_dump_json()
