"""Pages of the web as sources: sitemaps and lists of sources, asked for again only when due and only if changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from assistant.wiring import Stores
from ingest.report import Report
from ingest.run import Run
from ingest.web.client import Web

PAGE = "<html lang='en'><head><title>{name}</title></head><body><main><h1>{name}</h1><h2 id='food'>Food</h2><p>The {name} eats {food} and little else, as far as is known.</p></main></body></html>"


@dataclass
class Site:
    """A web site that the test changes; `sent` are the paths that were answered with a body, by 200."""

    address: str = ""
    pages: dict[str, str] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)

    def listed(self, *names: str) -> None:
        rows = "".join(f"<url><loc>{self.address}/{name}</loc></url>" for name in names)
        self.pages["/sitemap.xml"] = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>'

    def animal(self, name: str, food: str) -> None:
        self.pages[f"/{name}"] = PAGE.format(name=name, food=food)


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = made.pages.get(self.path)
            tag = f'"{hash(text)}"'
            if text is None:
                self.send_error(404 if self.path == "/robots.txt" else 410)
            elif self.headers.get("If-None-Match") == tag:
                self.send_response(304)
                self.end_headers()
            else:
                made.sent.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "application/xml" if self.path.endswith("xml") else "text/html")
                self.send_header("ETag", tag)
                self.end_headers()
                self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.address = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()


def run(stores: Stores, corpus: Path, *origins: str | Path, remove: tuple[str, ...] = ()) -> Report:
    web = Web("test", allow_private=True, sleep=lambda _: None)
    return Run(stores, corpus, web).ingest(list(origins), remove=remove)


def test_a_sitemap_is_followed_and_only_what_changed_is_sent_again(
    stores: Stores, small_corpus: Path, site: Site
) -> None:
    host = site.address.removeprefix("http://")
    for name, food in (("okapi", "leaves"), ("zebra", "grass"), ("koala", "bark")):
        site.animal(name, food)
    site.listed("okapi", "zebra", "koala")
    first = run(stores, small_corpus, f"{site.address}/sitemap.xml")
    assert sorted(first.added) == [f"{host}/koala", f"{host}/okapi", f"{host}/zebra"]
    okapi = next(d for d in stores.library.documents(first.edition) if d.uri == f"{host}/okapi")
    assert (okapi.title, okapi.url, okapi.language, okapi.format) == ("okapi", f"{site.address}/okapi", "en", ".html")

    site.sent.clear()
    again = run(stores, small_corpus, f"{site.address}/sitemap.xml")
    assert (again.unchanged, again.published, site.sent) == (3, False, ["/sitemap.xml"])

    site.animal("zebra", "straw")
    site.listed("okapi", "zebra")
    site.sent.clear()
    changed = run(stores, small_corpus, f"{site.address}/sitemap.xml")
    assert (changed.changed, changed.removed) == ([f"{host}/zebra"], [f"{host}/koala"])
    assert site.sent == ["/sitemap.xml", "/zebra"]

    del site.pages["/okapi"]
    gone = run(stores, small_corpus, f"{site.address}/sitemap.xml")
    assert gone.removed == [f"{host}/okapi"]
    assert "is gone" in gone.failed[0].reason

    del site.pages["/sitemap.xml"]
    unlisted = run(stores, small_corpus, f"{site.address}/sitemap.xml")
    assert (unlisted.removed, unlisted.documents) == ([], 1), "a list that cannot be had removes nothing"
    assert unlisted.failed[0].uri == f"{site.address}/sitemap.xml"


def test_a_list_of_sources_says_what_they_are_and_how_often_they_are_due(
    stores: Stores, small_corpus: Path, site: Site
) -> None:
    site.animal("okapi", "leaves")
    site.animal("zebra", "grass")
    sources = small_corpus / "sources.toml"
    okapi = f'[[source]]\naddress = "{site.address}/okapi"\nkind = "rules"\nlicence = "CC0"\nevery = "7 days"\n'
    sources.write_text(f'{okapi}[[source]]\naddress = "{site.address}/zebra"\n')
    first = run(stores, small_corpus)
    assert (len(first.added), first.failed) == (6, [])
    documents = {document.title: document for document in stores.library.documents(first.edition)}
    assert (documents["okapi"].kind, documents["okapi"].licence) == ("rules", "CC0")

    site.animal("okapi", "twigs")
    site.animal("zebra", "straw")
    assert run(stores, small_corpus).changed == [documents["zebra"].uri], "the okapi is not due yet"

    sources.write_text(okapi)
    assert run(stores, small_corpus).removed == [documents["zebra"].uri]
    sources.write_text(okapi.replace("CC0", "CC BY 4.0"))
    assert run(stores, small_corpus).changed == [documents["okapi"].uri], "what is said of it has changed"

    sources.write_text("[[source]]\nadress = 1\n")
    (small_corpus / "events/new.md").write_text("The gnu is new.")
    broken = run(stores, small_corpus)
    assert (broken.added, broken.removed) == (["events/new.md"], []), "a broken list costs only what it lists"
    assert "entry 1: there is no key adress" in broken.failed[0].reason
    sources.write_text('[[source]]\naddress = "nowhere"\n[[source]]\naddress = "events/new.md"\nkind = "rules"\n')
    partly = run(stores, small_corpus)
    assert ([failure.uri for failure in partly.failed], partly.changed) == (["nowhere"], ["events/new.md"])
    assert run(stores, small_corpus).published is False, "a file that is listed twice is one document"


def test_a_page_is_named_alone_and_left_out_again(stores: Stores, small_corpus: Path, site: Site) -> None:
    site.animal("okapi", "leaves")
    run(stores, small_corpus)
    added = run(stores, small_corpus, f"{site.address}/okapi")
    assert (len(added.added), added.documents) == (1, 5)
    assert run(stores, small_corpus).removed == [], "a run over the corpus does not look at the web"
    assert run(stores, small_corpus, remove=(added.added[0],)).removed == added.added
    with pytest.raises(Exception, match="is served"):
        run(stores, small_corpus, remove=(added.added[0],))
    with pytest.raises(Exception, match="a file of the corpus folder"):
        run(stores, small_corpus, remove=("events/talk-speakers.md",))


def test_private_addresses_are_refused_unless_they_are_allowed(stores: Stores, small_corpus: Path, site: Site) -> None:
    site.animal("okapi", "leaves")
    run(stores, small_corpus)
    report = Run(stores, small_corpus, Web("test")).ingest([f"{site.address}/okapi"])
    assert (report.published, site.sent) == (False, [])
    assert "127.0.0.1" in report.failed[0].reason
