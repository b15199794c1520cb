"""Sitemaps: the addresses that a site lists, in XML, gzip or plain text (sitemaps.org)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO

import httpx
from lxml import etree

from assistant.errors import UnreadableDocument
from ingest.web.client import Fetched, Web
from ingest.web.guard import STANDARD
from ingest.web.limits import GZIP, gather, inflate, slices

UNPACKED = 64_000_000
DEPTH = 2
MAX_SITEMAPS = 200
MAX_ADDRESSES = 5_000
NARROW = "Name the sitemaps below it one by one, or choose pages by include and exclude."
PAGES, SITEMAPS = "urlset", "sitemapindex"
SAFE = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


@dataclass(frozen=True, slots=True)
class Listed:
    """An address in a sitemap; `modified` is what the site says of its last change, as it is written there."""

    address: str
    modified: str | None = None


@dataclass
class _Walk:
    web: Web
    wanted: Callable[[str], bool]
    hosts: set[str]
    seen: set[str] = field(default_factory=set)
    found: dict[str, Listed] = field(default_factory=dict)

    def visit(self, address: str, depth: int) -> None:
        if address in self.seen:
            return
        if len(self.seen) >= MAX_SITEMAPS:
            raise UnreadableDocument(f"It lists more than {MAX_SITEMAPS} sitemaps.", NARROW)
        self.seen.add(address)
        fetched = self.web.fetch(address)
        assert isinstance(fetched, Fetched)  # noqa: S101 - no stamp was given
        if depth == 0:
            self.hosts.add(_host(fetched.address))
        kind, entries = _entries(fetched.data)
        near = [entry for entry in entries if _host(entry.address) in self.hosts]
        if kind == PAGES:
            self._add(near)
        elif depth == DEPTH:
            raise UnreadableDocument(f"{address} lists sitemaps {DEPTH + 1} levels down.", NARROW)
        else:
            for entry in near:
                self.visit(entry.address, depth + 1)

    def _add(self, entries: list[Listed]) -> None:
        for entry in entries:
            if self.wanted(entry.address):
                self.found.setdefault(entry.address, entry)
        if len(self.found) > MAX_ADDRESSES:
            raise UnreadableDocument(f"It lists more than {MAX_ADDRESSES:,} pages.", NARROW)


def read_sitemap(web: Web, address: str, wanted: Callable[[str], bool] = lambda _: True) -> list[Listed]:
    """The `wanted` addresses on the sitemap's own host that it and the sitemaps below it list, MAX_ADDRESSES at most.

    Raises UnreadableDocument where any of the sitemaps cannot be read: half a list would look like pages removed.
    """
    walk = _Walk(web, wanted, {_host(address)})
    walk.visit(address, 0)
    return list(walk.found.values())


def _entries(data: bytes) -> tuple[str, list[Listed]]:
    data = _unpacked(data)
    kind = _root(data)
    if kind in {PAGES, SITEMAPS}:
        return kind, list(_listed(_parsed(data)))
    if lines := _lines(data):
        return PAGES, [Listed(line) for line in lines]
    raise UnreadableDocument("It is not a sitemap.", "Name a sitemap, or list the pages one by one.")


def _unpacked(data: bytes) -> bytes:
    return gather(inflate(slices(data)), UNPACKED) if data.startswith(GZIP) else data


def _root(data: bytes) -> str | None:
    """The name of the outermost XML element; no more than the beginning is read for it."""
    try:
        for _, element in etree.iterparse(BytesIO(data), events=("start",), **SAFE):
            return _local(element)
    except etree.XMLSyntaxError:
        pass
    return None


def _parsed(data: bytes) -> etree._Element:
    try:
        root = etree.fromstring(data, etree.XMLParser(**SAFE))
    except etree.XMLSyntaxError as error:
        raise UnreadableDocument(f"The sitemap is not sound XML: {error}.", "Tell the site's owner.") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableDocument("The sitemap has a document type, which none needs.", "Tell the site's owner.")
    return root


def _listed(root: etree._Element) -> Iterator[Listed]:
    """Each entry's own `loc` and `lastmod`; those of pictures and films lie deeper or in another namespace."""
    space = root.tag.removesuffix(_local(root))
    for entry in root.iterchildren(tag=etree.Element):
        values = {child.tag: (child.text or "").strip() for child in entry.iterchildren(tag=etree.Element)}
        if address := values.get(f"{space}loc"):
            yield Listed(address, values.get(f"{space}lastmod") or None)


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _lines(data: bytes) -> list[str]:
    """The lines of a sitemap that is plain text; none where any is something else than an address."""
    try:
        lines = [line.strip() for line in data.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        return []
    return lines if all(line.startswith(("https://", "http://")) and " " not in line for line in lines) else []


def _host(address: str) -> str:
    """Host and port of a web address, else "", which is no sitemap's host."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return ""
    return url.netloc.decode("ascii") if url.scheme in STANDARD else ""
