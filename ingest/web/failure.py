"""Why a document of the web was not fetched, in words for its maintainer."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from assistant.errors import UnreadableDocument

LONGEST_WAIT = 30.0
BUSY = {429, 503}
GONE = {404, 410}
STATUSES = {
    401: ("wants a login", "Save the document into the corpus, or ask the site for an open copy."),
    403: ("does not give it to programs", "Save the document into the corpus, or ask the site's owner."),
    404: ("says that it is gone", "Correct its address, or take it out of the sources."),
    410: ("says that it is gone", "Correct its address, or take it out of the sources."),
    429: ("is asked too often", "Try again later."),
    503: ("is not available", "Try again later."),
}
LATER = "Try again later, and check that the address opens in a browser."


class NotFetched(UnreadableDocument):
    """`gone`: the site says there is no such document. `again`: seconds after which another attempt may help."""

    def __init__(self, detail: str, remedy: str, *, code: int | None = None, again: float | None = None) -> None:
        super().__init__(detail, remedy)
        self.code = code
        self.again = again
        self.gone = code in GONE


def refused(response: httpx.Response) -> NotFetched:
    """The failure that a status other than 200 is."""
    code, host = response.status_code, response.request.url.host
    says, remedy = STATUSES.get(code, ("cannot give it", LATER))
    again = _retry_after(response) if code in BUSY else None
    return NotFetched(f"{host} {says} (status {code}).", remedy, code=code, again=again)


def broken(error: httpx.TransportError, host: str) -> NotFetched:
    """The failure that a connection which could not be used is."""
    if certificate := _certificate(error):
        return NotFetched(
            f"The certificate of {host} is not trusted: {certificate}.",
            "Check the host's name; if it is right, tell the site's owner.",
        )
    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        return NotFetched(f"{host} stopped answering.", LATER)
    return NotFetched(f"The connection to {host} failed: {str(error) or type(error).__name__}.", LATER, again=0.0)


def _certificate(error: BaseException | None) -> str | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return None


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that a busy site asks to wait, 0 where it does not say, None where it is too long to wait for."""
    said = response.headers.get("Retry-After", "0").strip()
    try:
        seconds = float(said) if said.isdecimal() else (_date(said) - datetime.now(UTC)).total_seconds()
    except ValueError:
        seconds = 0.0
    return max(seconds, 0.0) if seconds <= LONGEST_WAIT else None


def _date(said: str) -> datetime:
    date = parsedate_to_datetime(said)
    return date if date.tzinfo else date.replace(tzinfo=UTC)
