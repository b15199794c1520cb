"""Sitemaps, read through the client from a real server."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest

from assistant.errors import UnreadableDocument
from ingest.web import sitemap
from ingest.web.client import Web
from ingest.web.sitemap import Listed, read_sitemap
from tests.contract.test_web_guard import Site, answer, serving, transport

NS = "http://www.sitemaps.org/schemas/sitemap/0.9"
BOMB = b"""<?xml version="1.0"?><!DOCTYPE urlset [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d SYSTEM "file:///etc/hosts">]>
<urlset><url><loc>http://docs.example/&c;&d;</loc></url></urlset>"""


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def web() -> Iterator[Web]:
    with Web("x", transport=transport(), sleep=lambda _: None) as web:
        yield web


def pages(*entries: str) -> bytes:
    return f'<?xml version="1.0"?><urlset xmlns="{NS}">{"".join(entries)}</urlset>'.encode()


def page(address: str, more: str = "") -> str:
    return f"<url><loc>\n {address} </loc>{more}</url>"


def index(*addresses: str) -> bytes:
    entries = "".join(f"<sitemap><loc>{address}</loc></sitemap>" for address in addresses)
    return f'<sitemapindex xmlns="{NS}">{entries}</sitemapindex>'.encode()


def test_pages_and_when_they_changed(web: Web, site: Site) -> None:
    picture = '<i:image xmlns:i="urn:image"><i:loc>http://docs.example/a.png</i:loc></i:image>'
    odd = '<loc xmlns="urn:other">http://docs.example/odd</loc>'
    site.pages["/s.xml"] = answer(
        pages(
            page(f"{site.url}/a", f"<lastmod>2026-03-01</lastmod>{picture}"),
            f"<url>{odd}<loc>{site.url}/b?x=1&amp;y=2</loc></url>",
            page(f"{site.url}/a"),
            "<!-- none --><url><lastmod>2026</lastmod></url>",
        )
    )
    assert read_sitemap(web, f"{site.url}/s.xml") == [
        Listed(f"{site.url}/a", "2026-03-01"),
        Listed(f"{site.url}/b?x=1&y=2"),
    ]


def test_other_hosts_are_left_out(web: Web, site: Site) -> None:
    here = f"docs.example:{site.port}"
    site.pages["/s.xml"] = answer(
        pages(
            page("http://docs.example/other-port"),
            page(f"http://evil.example:{site.port}/"),
            page(f"ftp://{here}/"),
            page(f"http://{here}@evil.example/"),
            page("/relative"),
            page(f"https://{here}/secure"),
        )
    )
    site.pages["/i.xml"] = answer(index(f"http://evil.example:{site.port}/s.xml", f"{site.url}/s.xml"))
    assert read_sitemap(web, f"{site.url}/i.xml") == [Listed(f"https://{here}/secure")]


def test_a_sitemap_that_has_moved_speaks_for_both_hosts(site: Site) -> None:
    there = f"http://www.docs.example:{site.port}"
    site.pages["/s.xml"] = answer(status=301, Location=f"{there}/t.xml")
    site.pages["/t.xml"] = answer(pages(page(f"{there}/a"), page(f"{site.url}/b"), page("http://evil.example/c")))
    with Web("x", transport=transport(www_docs_example="127.0.0.1"), sleep=lambda _: None) as web:
        assert read_sitemap(web, f"{site.url}/s.xml") == [Listed(f"{there}/a"), Listed(f"{site.url}/b")]


def test_an_index_down_to_its_depth(web: Web, site: Site) -> None:
    site.pages |= {
        "/i.xml": answer(index(f"{site.url}/i.xml", f"{site.url}/j.xml", f"{site.url}/s.xml.gz")),
        "/j.xml": answer(index(f"{site.url}/k.xml", f"{site.url}/t.txt")),
        "/k.xml": answer(pages(page(f"{site.url}/d"))),
        "/s.xml.gz": answer(gzip.compress(pages(page(f"{site.url}/a"))), Content_Type="application/gzip"),
        "/t.txt": answer(f"\ufeff{site.url}/b\r\n\r\n{site.url}/c\n".encode()),
    }
    found = read_sitemap(web, f"{site.url}/i.xml")
    assert [listed.address for listed in found] == [f"{site.url}/{name}" for name in "dbca"]
    assert site.paths.count("/i.xml") == 1
    site.pages["/k.xml"] = answer(index(f"{site.url}/deep.xml"))
    with pytest.raises(UnreadableDocument, match="3 levels down"):
        read_sitemap(web, f"{site.url}/i.xml")


def test_limits(web: Web, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.pages["/s.xml"] = answer(pages(*(page(f"{site.url}/{number}") for number in range(6_000))))
    with pytest.raises(UnreadableDocument, match="more than 5,000 pages"):
        read_sitemap(web, f"{site.url}/s.xml")
    wanted = read_sitemap(web, f"{site.url}/s.xml", lambda address: address.endswith("/5999"))
    assert wanted == [Listed(f"{site.url}/5999")]
    monkeypatch.setattr(sitemap, "MAX_SITEMAPS", 3)
    site.pages["/i.xml"] = answer(index(*(f"{site.url}/{number}.txt" for number in range(9))))
    site.pages |= {f"/{number}.txt": answer(f"{site.url}/{number}".encode()) for number in range(9)}
    with pytest.raises(UnreadableDocument, match="more than 3 sitemaps"):
        read_sitemap(web, f"{site.url}/i.xml")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (BOMB, "The sitemap has a document type, which none needs."),
        (b"<urlset><url></urlset>", "The sitemap is not sound XML"),
        (b"<html><p>Not here</p></html>", "It is not a sitemap."),
        (b"", "It is not a sitemap."),
    ],
)
def test_what_is_no_sitemap(web: Web, site: Site, body: bytes, wrong: str) -> None:
    site.pages |= {"/s.xml": answer(body), "/i.xml": answer(index(f"{site.url}/s.xml"))}
    for name in ("s.xml", "i.xml"):
        with pytest.raises(UnreadableDocument) as caught:
            read_sitemap(web, f"{site.url}/{name}")
        assert caught.value.detail.startswith(wrong)


def test_a_sitemap_that_unpacks_without_end(web: Web, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap, "UNPACKED", 100_000)
    site.pages["/s.xml.gz"] = answer(gzip.compress(b" " * 5_000_000))
    with pytest.raises(UnreadableDocument, match="larger than 100,000 bytes"):
        read_sitemap(web, f"{site.url}/s.xml.gz")
