"""Questions that come at a rate, whether or not those before are answered: as they do from many people."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from tests.benchmarks.questions import PATIENCE, Body


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: when it was sent (seconds from the start), its milliseconds, its status (0: nothing came within
    PATIENCE), the seconds after which a refusal bids to come back, 0 where it does not."""

    at: float
    ms: float
    status: int
    retry: int = 0

    @property
    def good(self) -> bool:
        """Whether it was answered."""
        return self.status == httpx.codes.OK


def at_rate(address: str, bodies: Iterator[Body], rate: float, seconds: float, key: dict[str, str]) -> list[Asked]:
    """What came of `rate` questions a second, sent for so many seconds."""
    return asyncio.run(_at_rate(address, bodies, rate, seconds, key))


async def _at_rate(
    address: str, bodies: Iterator[Body], rate: float, seconds: float, key: dict[str, str]
) -> list[Asked]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    async with httpx.AsyncClient(
        base_url=address, timeout=PATIENCE, limits=limits, headers=key, verify=False
    ) as client:
        began, sent = time.perf_counter(), []
        for number in range(round(rate * seconds)):
            await asyncio.sleep(began + number / rate - time.perf_counter())
            sent.append(asyncio.create_task(_ask(client, next(bodies), time.perf_counter() - began)))
        return list(await asyncio.gather(*sent))


async def _ask(client: httpx.AsyncClient, body: Body, at: float) -> Asked:
    began = time.perf_counter()
    try:
        response = await client.post("/api/v1/ask", json=body)
        status, retry = response.status_code, int(response.headers.get("retry-after", 0))
    except httpx.HTTPError:
        status, retry = 0, 0
    return Asked(at, (time.perf_counter() - began) * 1000, status, retry)
