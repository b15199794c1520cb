"""One document of the web: asked for politely, within limits of size and time, only where the guard lets it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx

from assistant import __version__
from assistant.settings import Settings
from ingest.web.failure import BUSY, NotFetched, broken, refused
from ingest.web.guard import AddressRefused, GuardedTransport, check_form
from ingest.web.limits import Allowance, Limits, Pace
from ingest.web.media import as_utf8, body_of, ending_of
from ingest.web.robots import PRODUCT, Robots

REDIRECTS = 5
ATTEMPTS = 3
PATIENCE = 20.0
ROBOTS = Limits(size=512_000, seconds=20.0)
OK, UNCHANGED = 200, 304


@dataclass(frozen=True, slots=True)
class Stamp:
    """How a site marks the state of a document: its ETag and Last-Modified, to be given back as they came."""

    etag: str | None = None
    modified: str | None = None

    def conditions(self) -> dict[str, str]:
        """The headers that ask for the document only if it has changed."""
        named = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document. `address` is where it was found in the end; `charset` that of `data`, None where it is not known."""

    address: str
    asked: str
    data: bytes
    ending: str
    charset: str | None
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class NotModified:
    """The document is as it was when it got the stamp that was known."""

    asked: str


@dataclass(frozen=True, slots=True)
class _Task:
    """What holds for all requests that one document needs."""

    headers: dict[str, str]
    allowance: Allowance
    size: int
    permit: Callable[[httpx.URL], float]


@dataclass(frozen=True, slots=True)
class _Answer:
    response: httpx.Response
    data: bytes = b""

    @property
    def onward(self) -> httpx.URL | None:
        following = self.response.next_request
        return following.url if following else None


class Web:
    """The web as one run of one thread sees it. `contact` is an address where a site's owner reaches us."""

    def __init__(
        self,
        contact: str,
        *,
        allow_private: bool = False,
        transport: httpx.BaseTransport | None = None,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        agent = f"{PRODUCT}/{__version__} (+{' '.join(contact.split())})"
        self._client = httpx.Client(
            transport=transport or GuardedTransport(httpx.HTTPTransport(trust_env=False), allow_private),
            headers={"User-Agent": agent.encode("ascii", "ignore").decode(), "Accept-Encoding": "gzip"},
            trust_env=False,
        )
        self._limits = limits
        self._sleep = sleep
        self._pace = Pace(clock, sleep)
        self._robots = Robots(self._robots_txt)

    def __enter__(self) -> Self:
        """The web itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        """Close the connections."""
        self._client.close()

    def fetch(self, address: str, known: Stamp | None = None) -> Fetched | NotModified:
        """The document at `address`, or NotModified where it is still what `known` marks.

        Raises AddressRefused or NotFetched, both an UnreadableDocument.
        """
        self._client.cookies.clear()
        conditions = known.conditions() if known else {}
        task = _Task(conditions, Allowance(self._limits.seconds), self._limits.size, self._robots.permit)
        answer = self._follow(_parsed(address), task)
        response = answer.response
        if response.status_code == UNCHANGED and conditions:
            return NotModified(address)
        if response.status_code != OK:
            raise refused(response)
        ending = ending_of(response)
        data, charset = as_utf8(answer.data, ending, response.charset_encoding)
        stamp = Stamp(response.headers.get("ETag"), response.headers.get("Last-Modified"))
        return Fetched(str(response.request.url.copy_with(fragment=None)), address, data, ending, charset, stamp)

    def _robots_txt(self, place: httpx.URL) -> bytes:
        answer = self._follow(place, _Task({}, Allowance(ROBOTS.seconds), ROBOTS.size, lambda _: 0.0))
        if answer.response.status_code != OK:
            raise refused(answer.response)
        return answer.data

    def _follow(self, url: httpx.URL, task: _Task) -> _Answer:
        for _ in range(REDIRECTS + 1):
            answer = self._ask(url, task)
            if (onward := answer.onward) is None:
                return answer
            if url.scheme == "https" and onward.scheme == "http":
                raise AddressRefused(
                    f"{url.host} leads from https to {onward}.", "Name an https address that stays so."
                )
            url = onward
        raise NotFetched(
            f"It leads on more than {REDIRECTS} times, at last to {url}.",
            "Name the address that a browser ends at.",
            code=answer.response.status_code,
        )

    def _ask(self, url: httpx.URL, task: _Task) -> _Answer:
        check_form(url)
        pause = task.permit(url)
        for attempt in range(1, ATTEMPTS + 1):
            self._pace.wait(url.host, pause)
            try:
                return self._once(url, task)
            except NotFetched as failure:
                if failure.again is None or attempt == ATTEMPTS or task.allowance.left <= 0:
                    raise
                self._sleep(failure.again or 2.0**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, url: httpx.URL, task: _Task) -> _Answer:
        patience = max(min(PATIENCE, task.allowance.left), 0.001)
        with _explained(url.host), task.allowance.spend() as trace:
            request = self._client.build_request(
                "GET", url, headers=task.headers, timeout=patience, extensions={"trace": trace}
            )
            response = self._client.send(request, stream=True, follow_redirects=False)
            try:
                if response.status_code in BUSY:
                    raise refused(response)
                return _Answer(response, body_of(response, task.size) if response.status_code == OK else b"")
            finally:
                response.close()


@contextmanager
def _explained(host: str) -> Iterator[None]:
    try:
        yield
    except httpx.TransportError as error:
        raise broken(error, host) from error


def open_web(settings: Settings) -> Web:
    """The web as the settings let it be seen."""
    return Web(settings.contact, allow_private=settings.fetch_private)


def _parsed(address: str) -> httpx.URL:
    try:
        return httpx.URL(address)
    except httpx.InvalidURL as error:
        raise AddressRefused(f"{address} is not a web address: {error}.", "Correct it.") from error
