"""The documents as resources: each has the address `cluster-talks://documents/ID`, with `?edition=N` for the text as it
was in an edition. Read as Markdown, under a header that tells where it comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from mcp.types import ListResourcesResult, ReadResourceResult, Resource, ResourceTemplate, TextResourceContents

from assistant.errors import BadRequest, NotFound
from assistant.mcp.tools import described

if TYPE_CHECKING:
    from assistant.asking import Asker

PAGE = 100  # resources of one answer
ROOT = "cluster-talks://documents/"
ADDRESS = re.compile(re.escape(ROOT) + r"(?P<document>[^/?#]+)(?:\?edition=(?P<edition>\d{1,9}))?")
CURSOR = re.compile(r"(?P<edition>\d{1,9}):(?P<start>\d{1,9})")
MARKDOWN = "text/markdown"
TEMPLATE = ResourceTemplate(
    uri_template=ROOT + "{document}{?edition}",
    name="document",
    title="A document",
    description="The text of a document by its id; with an edition, as it was cited then.",
    mime_type=MARKDOWN,
)


def list_documents(asker: Asker, cursor: str | None) -> ListResourcesResult:
    """One page of the documents of the edition that is served; the next page keeps to that edition.

    Raises ClusterTalksError.
    """
    where = CURSOR.fullmatch(cursor or "")
    if cursor and not where:
        raise BadRequest("The cursor is unknown.", "List the resources from the beginning.")
    found = asker.sources(int(where["edition"]) if where else None)
    start = int(where["start"]) if where else 0
    end = start + PAGE
    more = f"{found['edition']}:{end}" if end < len(found["documents"]) else None
    return ListResourcesResult(
        resources=[_resource(document) for document in found["documents"][start:end]], next_cursor=more
    )


def _resource(document: Mapping[str, Any]) -> Resource:
    told = (document["kind"], document["publisher"], document["url"])
    return Resource(
        uri=ROOT + quote(document["id"], safe=""),
        name=document["uri"],
        title=document["title"],
        description=", ".join(filter(None, told)),
        mime_type=MARKDOWN,
    )


def read_document(asker: Asker, uri: str) -> ReadResourceResult:
    """The text behind an address. Raises NotFound, and other ClusterTalksErrors."""
    where = ADDRESS.fullmatch(uri)
    if where is None:
        raise NotFound(f"There is nothing at {uri!r}.", f"Addresses are {ROOT}ID; resources/list gives them.")
    found = _found(asker, unquote(where["document"]), where["edition"])
    text = "\n".join((*_header(found), "", found["text"]))
    return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type=MARKDOWN, text=text)])


def _found(asker: Asker, document: str, edition: str | None) -> dict[str, Any]:
    try:
        return asker.text(document, int(edition) if edition else None)
    except NotFound as error:
        raise NotFound(error.detail, "resources/list gives the addresses of the documents.") from error


def _header(found: Mapping[str, Any]) -> Iterator[str]:
    told = described(found["document"]) | {"edition": found["edition"]}
    yield "---"
    for name in ("title", "document", "edition", "language", "publisher", "url", "valid_from", "valid_until"):
        if told[name] is not None:
            yield f"{name}: {' '.join(str(told[name]).split())}"
    yield "---"
