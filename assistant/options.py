"""Options of the commands that may ask a server elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from assistant.errors import BadRequest

PORTS = range(1, 65536)


def _address(url: str) -> str:
    """The address of a server as it was given, "" for none. Raises BadRequest."""
    if not url or _is_address(url):
        return url
    raise BadRequest(f"{url!r} is no address of a server.", "Give one such as https://talks.example.eu.")


def _is_address(url: str) -> bool:
    import httpx

    try:
        given = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return given.scheme in ("http", "https") and bool(given.host) and (given.port or 1) in PORTS


Url = Annotated[
    str,
    typer.Option(help="Address of a running server; without it, the data folder is used.", callback=_address),
]
KeyText = Annotated[str, typer.Option("--key", help="Key for that server; default: the setting KEY.")]
