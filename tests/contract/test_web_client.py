"""A document is asked for politely and taken within limits; what goes wrong is told in words."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler

import pytest

from assistant.errors import UnreadableDocument
from ingest.web.client import Fetched, NotModified, Stamp, Web
from ingest.web.failure import NotFetched
from ingest.web.guard import AddressRefused
from ingest.web.limits import Allowance, Limits, inflate
from tests.contract.test_web_guard import Page, Site, answer, serving, transport


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def web(clock: Clock) -> Iterator[Web]:
    limits = Limits(size=100_000, seconds=1.0)
    with Web("https://us.example", transport=transport(), limits=limits, clock=clock, sleep=clock.sleep) as web:
        yield web


def fetch(web: Web, address: str) -> Fetched:
    found = web.fetch(address)
    assert isinstance(found, Fetched)
    return found


def failure(web: Web, address: str) -> NotFetched:
    with pytest.raises(NotFetched) as caught:
        web.fetch(address)
    assert isinstance(caught.value, UnreadableDocument)
    assert caught.value.remedy
    return caught.value


def test_a_page_and_its_stamp(web: Web, site: Site) -> None:
    when = "Wed, 13 Sep 2023 08:30:00 GMT"
    site.pages["/talk"] = answer(b"<p>Talk", Content_Type="text/html", ETag='"7"', Last_Modified=when)
    found = fetch(web, f"{site.url}/talk#who")
    assert found == Fetched(f"{site.url}/talk", f"{site.url}/talk#who", b"<p>Talk", ".html", None, Stamp('"7"', when))
    headers = site.asked[-1][2]
    assert headers["User-Agent"] == "cluster-talks-assistant/0.1.0 (+https://us.example)"
    assert headers["Accept-Encoding"] == "gzip"
    assert "If-None-Match" not in headers


@pytest.mark.parametrize(
    ("stamp", "header"),
    [(Stamp(etag='W/"7"'), "If-None-Match"), (Stamp(modified="Wed, 13 Sep 2023 08:30:00 GMT"), "If-Modified-Since")],
)
def test_what_has_not_changed_is_not_sent(web: Web, site: Site, stamp: Stamp, header: str) -> None:
    given = {"ETag": stamp.etag} if stamp.etag else {"Last-Modified": stamp.modified or ""}

    def page(request: BaseHTTPRequestHandler) -> None:
        same = request.headers[header] == next(iter(given.values()))
        answer(b"" if same else b"text", 304 if same else 200, **given)(request)

    site.pages["/talk"] = page
    assert fetch(web, f"{site.url}/talk").stamp == stamp
    assert web.fetch(f"{site.url}/talk", stamp) == NotModified(f"{site.url}/talk")
    assert isinstance(web.fetch(f"{site.url}/talk", Stamp("old", "old")), Fetched)


@pytest.mark.parametrize(
    ("path", "media", "ending"),
    [
        ("/a", "text/html; charset=utf-8", ".html"),
        ("/a.aspx", "application/xhtml+xml", ".html"),
        ("/download", "application/pdf", ".pdf"),
        ("/a.md", "text/plain", ".md"),
        ("/a.php", "text/plain", ".txt"),
        ("/a.tsv", "text/plain", ".tsv"),
        ("/a", "text/tab-separated-values", ".tsv"),
        ("/a", "application/epub+zip", ".epub"),
        ("/a", "message/rfc822", ".eml"),
        ("/a.PDF", "application/octet-stream", ".pdf"),
        ("/a", "application/octet-stream", ""),
        ("/a", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"),
    ],
)
def test_the_ending(web: Web, site: Site, path: str, media: str, ending: str) -> None:
    site.pages[path] = answer(b"x", Content_Type=media)
    assert fetch(web, site.url + path).ending == ending


@pytest.mark.parametrize(
    ("media", "sent", "data", "charset"),
    [
        ("text/html; charset=iso-8859-1", b"Caf\xe9 \x80", b"\xef\xbb\xbfCaf\xc3\xa9 \xe2\x82\xac", "utf-8"),
        ("text/html; charset=windows-1253", b"\xc1", b"\xef\xbb\xbf\xce\x91", "utf-8"),
        ("text/plain; charset=iso-8859-2", b"\xb1", b"\xc4\x85", "utf-8"),
        ("text/tab-separated-values; charset=iso-8859-2", b"\xb1", b"\xc4\x85", "utf-8"),
        ("text/html; charset=utf-8", b"Caf\xc3\xa9", b"Caf\xc3\xa9", "utf-8"),
        ("text/html; charset=utf-8", b"Caf\xe9", b"Caf\xe9", None),
        ("text/html", b"\xff\xfe\xe9\x00", b"\xef\xbb\xbf\xc3\xa9", "utf-8"),
        ("text/html; charset=iso-8859-1", b"\xef\xbb\xbf\xc3\xa9", b"\xef\xbb\xbf\xc3\xa9", "utf-8"),
        ("text/html; charset=punycode", b"abc-", b"abc-", None),
        ("application/pdf; charset=iso-8859-1", b"\xe9", b"\xe9", None),
    ],
)
def test_the_charset(web: Web, site: Site, media: str, sent: bytes, data: bytes, charset: str | None) -> None:
    site.pages["/a"] = answer(sent, Content_Type=media)
    found = fetch(web, f"{site.url}/a")
    assert (found.data, found.charset) == (data, charset)


@pytest.mark.parametrize(
    ("status", "says", "gone"),
    [
        (404, "docs.example says that it is gone (status 404).", True),
        (410, "docs.example says that it is gone (status 410).", True),
        (401, "docs.example wants a login (status 401).", False),
        (403, "docs.example does not give it to programs (status 403).", False),
        (500, "docs.example cannot give it (status 500).", False),
        (304, "docs.example cannot give it (status 304).", False),
    ],
)
def test_a_refusal_in_words(web: Web, site: Site, status: int, says: str, gone: bool) -> None:
    site.pages["/a"] = answer(status=status)
    problem = failure(web, f"{site.url}/a")
    assert (problem.detail, problem.gone, problem.code) == (says, gone, status)
    assert site.paths == ["/robots.txt", "/a"]


def test_robots_txt_forbids(web: Web, site: Site) -> None:
    site.pages["/robots.txt"] = answer(
        b"User-agent: *\nDisallow: /\n\nUser-agent: cluster-talks-assistant\nDisallow: /private/\n"
    )
    site.pages["/open"] = answer(b"open")
    site.pages["/back"] = answer(status=302, Location="/private/a")
    assert fetch(web, f"{site.url}/open").data == b"open"
    assert failure(web, f"{site.url}/private/a").detail == "The robots.txt of docs.example does not permit it."
    assert failure(web, f"{site.url}/back").detail == "The robots.txt of docs.example does not permit it."
    assert site.paths == ["/robots.txt", "/open", "/back"]


def test_robots_txt_that_cannot_be_read_forbids_all(web: Web, site: Site) -> None:
    site.pages["/robots.txt"] = answer(status=500)
    site.pages["/a"] = answer(b"a")
    for _ in range(2):
        problem = failure(web, f"{site.url}/a")
        assert problem.detail == f"{site.url}/robots.txt cannot be read (status 500), so nothing there may be fetched."
    assert site.paths == ["/robots.txt"]


def test_robots_txt_that_breaks_off_forbids_all(web: Web, site: Site) -> None:
    site.pages |= {"/robots.txt": answer(b"User", Content_Length="99"), "/a": answer(b"a")}
    assert failure(web, f"{site.url}/a").detail.startswith("The connection to docs.example failed: peer closed")
    assert site.paths == ["/robots.txt"] * 3


def test_robots_txt_that_is_refused_allows_all(web: Web, site: Site) -> None:
    site.pages |= {"/robots.txt": answer(status=403), "/a": answer(b"a")}
    assert fetch(web, f"{site.url}/a").data == b"a"


@pytest.mark.parametrize(
    ("robots", "pause"),
    [(b"", 1.0), (b"User-agent: *\nCrawl-delay: 4", 4.0), (b"User-agent: *\nCrawl-delay: 99", 10.0)],
)
def test_pauses_between_requests(web: Web, site: Site, clock: Clock, robots: bytes, pause: float) -> None:
    site.pages |= {"/robots.txt": answer(robots), "/a": answer(b"a")}
    fetch(web, f"{site.url}/a")
    clock.now += 0.25
    fetch(web, f"{site.url}/a")
    clock.now += 60
    fetch(web, f"{site.url}/a")
    assert clock.slept == [pause, pause - 0.25]


def in_turn(*pages: Page) -> Page:
    left = iter(pages)

    def page(request: BaseHTTPRequestHandler) -> None:
        next(left)(request)

    return page


def flaky(site: Site, times: int, **headers: str) -> None:
    site.pages["/a"] = in_turn(*[answer(status=503, **headers)] * times, answer(b"a"))


def test_a_busy_site_is_asked_again_when_it_says(web: Web, site: Site, clock: Clock) -> None:
    flaky(site, 2, Retry_After="7")
    assert fetch(web, f"{site.url}/a").data == b"a"
    assert clock.slept == [1.0, 7.0, 7.0]


def test_a_busy_site_may_name_a_time(web: Web, site: Site, clock: Clock) -> None:
    flaky(site, 1, Retry_After=format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True))
    assert fetch(web, f"{site.url}/a").data == b"a"
    assert 15 < clock.slept[1] <= 20


def test_a_busy_site_is_asked_three_times_at_most(web: Web, site: Site, clock: Clock) -> None:
    flaky(site, 3)
    assert failure(web, f"{site.url}/a").detail == "docs.example is not available (status 503)."
    assert clock.slept == [1.0, 2.0, 4.0]
    assert site.paths == ["/robots.txt", "/a", "/a", "/a"]


def test_a_site_that_wants_an_hour_is_left_alone(web: Web, site: Site) -> None:
    flaky(site, 1, Retry_After="3600")
    assert failure(web, f"{site.url}/a").code == 503
    assert site.paths == ["/robots.txt", "/a"]


def test_a_broken_connection_is_tried_again(web: Web, site: Site) -> None:
    def cut(request: BaseHTTPRequestHandler) -> None:
        answer(b"half", Content_Length="1000")(request)

    site.pages["/a"] = in_turn(cut, answer(b"whole"))
    assert fetch(web, f"{site.url}/a").data == b"whole"


def test_redirects_end(web: Web, site: Site) -> None:
    site.pages["/loop"] = answer(status=302, Location="/loop")
    for number in range(5):
        site.pages[f"/{number}"] = answer(status=301, Location=f"/{number + 1}")
    site.pages["/5"] = answer(b"end")
    assert fetch(web, f"{site.url}/0").address == f"{site.url}/5"
    assert failure(web, f"{site.url}/loop").detail == f"It leads on more than 5 times, at last to {site.url}/loop."
    assert site.paths.count("/loop") == 6


def endless(request: BaseHTTPRequestHandler, part: bytes, pause: float = 0.0, times: int = 10_000) -> None:
    try:
        for _ in range(times):
            request.wfile.write(part)
            request.wfile.flush()
            time.sleep(pause)
    except OSError:
        pass


def test_a_body_of_unknown_length_is_cut_at_the_limit(web: Web, site: Site) -> None:
    def page(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        endless(request, b"x" * 10_000)

    site.pages["/a"] = page
    assert failure(web, f"{site.url}/a").detail == "It is larger than 100,000 bytes."


def test_the_limit_itself_is_taken(web: Web, site: Site) -> None:
    site.pages |= {"/a": answer(b"x" * 100_000), "/b": answer(b"x" * 100_001)}
    assert len(fetch(web, f"{site.url}/a").data) == 100_000
    assert failure(web, f"{site.url}/b").detail == "It is larger than 100,000 bytes."


def test_packed_bodies(web: Web, site: Site) -> None:
    packed = gzip.compress(b"First. ") + gzip.compress(b"Second.")
    site.pages["/a"] = answer(packed, Content_Encoding="gzip")
    site.pages["/short"] = answer(packed[:-4], Content_Encoding="gzip")
    site.pages["/junk"] = answer(b"junk", Content_Encoding="gzip")
    site.pages["/br"] = answer(b"x", Content_Encoding="br")
    assert fetch(web, f"{site.url}/a").data == b"First. Second."
    assert failure(web, f"{site.url}/short").detail == "Its gzip packing ends too early."
    assert failure(web, f"{site.url}/junk").detail.startswith("Its gzip packing is damaged")
    assert failure(web, f"{site.url}/br").detail == "It is packed with br, which was not asked for."


def test_a_body_that_unpacks_without_end_is_stopped(web: Web, site: Site) -> None:
    bomb = gzip.compress(b"\0" * 20_000_000)
    assert len(bomb) < 20_000
    site.pages["/a"] = answer(bomb, Content_Encoding="gzip")
    assert failure(web, f"{site.url}/a").detail == "It is larger than 100,000 bytes."


@pytest.mark.parametrize(
    ("head", "drip"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\xff", b"\0\0\0\xff\xff"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
)
def test_a_slow_drip_ends_in_time(web: Web, site: Site, head: bytes, drip: bytes) -> None:
    def page(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(head)
        endless(request, drip, pause=0.05, times=100)

    site.pages["/a"] = page
    began = time.monotonic()
    assert failure(web, f"{site.url}/a").detail == "It did not arrive within 1 seconds."
    assert 0.9 < time.monotonic() - began < 2.0
    assert site.paths == ["/robots.txt", "/a"]


def test_silence_ends_in_time(web: Web, site: Site) -> None:
    site.pages["/a"] = lambda _: time.sleep(3)
    began = time.monotonic()
    assert failure(web, f"{site.url}/a").detail in {
        "It did not arrive within 1 seconds.",
        "docs.example stopped answering.",
    }
    assert time.monotonic() - began < 2.0


def test_a_connection_made_too_late_is_cut_at_once() -> None:
    ours, theirs = socket.socketpair()
    theirs.settimeout(2)

    class Stream:
        def get_extra_info(self, _: str) -> socket.socket:
            return ours

    with pytest.raises(NotFetched, match="did not arrive"), Allowance(0.0).spend() as trace:
        time.sleep(0.05)
        trace("connection.connect_tcp.complete", {"return_value": Stream()})
        assert theirs.recv(1) == b""


def test_gzip_is_unpacked_in_small_pieces() -> None:
    pieces = [len(piece) for piece in inflate([gzip.compress(b"\0" * 1_000_000)])]
    assert (max(pieces), sum(pieces)) == (65_536, 1_000_000)


def test_no_cookie_is_carried_from_one_document_to_the_next(web: Web, site: Site) -> None:
    site.pages |= {"/a": answer(status=302, Location="/b", Set_Cookie="seen=1; Path=/"), "/b": answer(b"b")}
    fetch(web, f"{site.url}/a")
    fetch(web, f"{site.url}/b")
    assert [headers.get("Cookie") for _, _, headers in site.asked] == [None, None, "seen=1", None]


def test_what_is_built_in_keeps_to_the_open_internet(site: Site) -> None:
    with Web("x") as strict, pytest.raises(AddressRefused):
        strict.fetch(f"http://127.0.0.1:{site.port}/")
    assert site.asked == []


def test_the_environment_names_no_proxy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    site.pages["/a"] = answer(b"a")
    with Web("x", allow_private=True, sleep=lambda _: None) as open_to_us:
        assert fetch(open_to_us, f"http://127.0.0.1:{site.port}/a").data == b"a"
