"""What a client of the Model Context Protocol is told where a resource does not exist."""

from __future__ import annotations

import pytest
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError

from tests.conftest import Server


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_unknown_resource_names_the_call_that_lists_them(server: Server, anyio_backend: str) -> None:
    async with Client(f"{server.address}/mcp") as client:
        known = (await client.list_resources()).resources[0].uri
        for unknown in ("cluster-talks://documents/nowhere", f"{known}?edition=99"):
            with pytest.raises(MCPError, match="resources/list gives the addresses") as refused:
                await client.read_resource(unknown)
            assert "/api/v1" not in str(refused.value)
