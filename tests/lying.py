"""A model server that lies: it speaks OpenAI's interface, and what it does is chosen by the name of the model.

What it says stands in `lies.py` and `sayings.py`, how it breaks in `replies.py`. It keeps what it was asked and what it
told, so that a test can look for each lie in what reached the reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.lies import EDITS
from tests.replies import FAULTS, Call, Liar, tell
from tests.sayings import SAYINGS
from tests.serving import listening

BEHAVIOURS = (*EDITS, *(f"half-{name}" for name in EDITS), *SAYINGS, *FAULTS)


@contextmanager
def lying() -> Iterator[Liar]:
    """The server, on a port of its own."""
    liar = Liar()
    with listening(_app(liar), "critical") as address:
        liar.address = f"{address}/v1"
        yield liar


def _app(liar: Liar) -> Starlette:
    async def completions(request: Request) -> Response:
        call = Call(liar, request, await request.json())
        liar.calls.append(call.body)
        return await FAULTS.get(call.behaviour, tell)(call)

    async def models(_: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": name, "object": "model"} for name in BEHAVIOURS]})

    routes = [Route("/v1/chat/completions", completions, methods=["POST"]), Route("/v1/models", models)]
    return Starlette(routes=routes)
