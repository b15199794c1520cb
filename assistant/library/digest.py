"""The digest of an edition: a name for what it holds, the same on every machine.

It is made of the embedder and of each document with its passages in their order, whatever has been cut, listed and
noted of them: all that an answer is taken from. Left out is what differs between machines or days with the same
content: when a document was fetched, and the folder that it lay in. A document of another folder than the corpus has an
id that is made of the folder's path; editions with such are the same only where that path is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from pydantic import TypeAdapter

from assistant.records import Chunk, Document

LEFT_OUT = {"root", "retrieved"}
CHUNK = TypeAdapter(Chunk)
DOCUMENT = TypeAdapter(Document)


def edition_digest(embedder: str, documents: Iterable[Document], passages: Iterable[tuple[Chunk, Document]]) -> str:
    """A SHA-256 in 64 hexadecimal digits; `passages` of a document in reading order."""
    held = {document.id: hashlib.sha256(DOCUMENT.dump_json(document, exclude=LEFT_OUT)) for document in documents}
    for chunk, document in passages:
        held[document.id].update(b"\n" + CHUNK.dump_json(chunk))
    whole = hashlib.sha256(embedder.encode())
    for digest in sorted(one.hexdigest() for one in held.values()):
        whole.update(b"\n" + digest.encode())
    return whole.hexdigest()
