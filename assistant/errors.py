"""What can go wrong, each with the HTTP status it maps to and a sentence that tells the user what to do.

ClusterTalksError
├── BadSetting          500  an unknown or unusable setting; start is refused
├── BadRequest          422  the question or a parameter cannot be used
│   └── TooLarge        413  longer than the limit
├── Unauthorized        401  no key came with the request, or one that is unknown or revoked
├── Forbidden           403  the key's role may not do this
├── NotFound            404  no such document, edition or run
├── Conflict            409  the state of an edition or run does not allow it
├── TooMany             429  more questions than the rate limit allows
│   └── Crowded         503  more questions wait than can be answered soon
├── NotReady            503  no edition is being served yet
├── Busy                409  another process owns the data folder or the port
├── EmbedderMismatch    500  the edition was built with another embedding model
├── ReaderBroken        500  the reader's model is missing or damaged; questions are answered without it
├── CorpusMissing       400  the folder or file to ingest does not exist
└── UnreadableDocument  400  one document cannot be read; the run goes on without it
"""

from __future__ import annotations


class ClusterTalksError(Exception):
    """Root of the tree: `str(error)` is a sentence for the user, `remedy` says what to do; `wait`: the seconds until it
    may be tried again, 0 where time alone mends nothing."""

    status = 500
    title = "Something went wrong"
    wait = 0

    def __init__(self, detail: str, remedy: str = "") -> None:
        super().__init__(f"{detail} {remedy}".strip())
        self.detail = detail
        self.remedy = remedy


class BadSetting(ClusterTalksError):
    """A setting is unknown or cannot be used."""

    title = "A setting cannot be used"


class BadRequest(ClusterTalksError):
    """The request cannot be used as it is."""

    status = 422
    title = "The request cannot be used"


class TooLarge(BadRequest):
    """The request is longer than the limit."""

    status = 413
    title = "The request is too large"


class Unauthorized(ClusterTalksError):
    """No key came with the request, or one that is not accepted."""

    status = 401
    title = "A key is needed"


class Forbidden(ClusterTalksError):
    """The key is accepted, but its role may not do this."""

    status = 403
    title = "Not allowed with this key"


class NotFound(ClusterTalksError):
    """What was asked for does not exist."""

    status = 404
    title = "Not found"


class Conflict(ClusterTalksError):
    """What is asked for does not fit the state that the edition or run is in."""

    status = 409
    title = "Not possible in this state"


class TooMany(ClusterTalksError):
    """More questions came than the rate limit allows."""

    status = 429
    title = "Too many questions"
    wait = 1


class Crowded(TooMany):
    """More questions wait than can be answered soon."""

    status = 503
    title = "Too many are asking at once"
    wait = 10


class NotReady(ClusterTalksError):
    """Nothing is being served yet."""

    status = 503
    title = "Not ready yet"
    wait = 2


class Busy(ClusterTalksError):
    """Another process owns the data folder or the port."""

    status = 409
    title = "Already in use"


class EmbedderMismatch(ClusterTalksError):
    """The edition's vectors come from another embedding model than the one in force."""

    title = "The edition was built with another embedding model"


class ReaderBroken(ClusterTalksError):
    """The reader's model is missing, or is not the one that was shipped."""

    title = "The reader cannot be used"


class CorpusMissing(ClusterTalksError):
    """The path to ingest does not exist or holds nothing that can be read."""

    status = 400
    title = "Nothing to ingest"


class UnreadableDocument(ClusterTalksError):
    """One document cannot be read."""

    status = 400
    title = "A document cannot be read"
