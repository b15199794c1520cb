"""Only public addresses are fetched from, at every hop, and the one that was checked is the one that is used."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ingest.web.client import Fetched, Web
from ingest.web.failure import NotFetched
from ingest.web.guard import AddressRefused, GuardedTransport, is_public, reached

Page = Callable[[BaseHTTPRequestHandler], None]


def answer(body: bytes = b"", status: int = 200, **headers: str) -> Page:
    """A page of a test site; `Content_Type="text/html"` is a header."""

    def page(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return page


class Site:
    """A real server with pages by path; `asked` holds each request's host, path and headers."""

    def __init__(self, secure: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.headers["Host"], self.path, dict(self.headers)))
                site.pages.get(self.path, answer(status=404))(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if secure:
            self.server.socket = secure.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if secure else 'http'}://docs.example:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [path for _, path, _ in self.asked]


@contextmanager
def serving(secure: ssl.SSLContext | None = None) -> Iterator[Site]:
    site = Site(secure)
    threading.Thread(target=site.server.serve_forever, args=(0.01,), daemon=True).start()
    yield site
    site.server.shutdown()
    site.server.server_close()


def names(**known: str) -> Callable[[str, int], list[str]]:
    """A resolver: docs_example="127.0.0.1 127.0.0.2"."""
    table = {name.replace("_", "."): addresses.split() for name, addresses in known.items()}
    return lambda host, _: table[host]


def only_here(address: object) -> bool:
    """Allows the test site's own address, and no other of this machine."""
    return address == ip_address("127.0.0.1")


def transport(verify: ssl.SSLContext | bool = True, **known: str) -> GuardedTransport:
    inner = httpx.HTTPTransport(trust_env=False, verify=verify)
    return GuardedTransport(inner, resolve=names(**{"docs_example": "127.0.0.1", **known}), allow=only_here)


def recorder() -> tuple[list[httpx.Request], httpx.MockTransport]:
    sent: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    return sent, httpx.MockTransport(handle)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "127.1", "[::1]", "0.0.0.0"])
def test_this_machine_is_refused(host: str) -> None:
    sent, inner = recorder()
    with pytest.raises(AddressRefused), httpx.Client(transport=GuardedTransport(inner)) as client:
        client.get(f"http://{host}/")
    assert sent == []


@pytest.mark.parametrize(
    "found",
    [
        "127.0.0.1",
        "93.184.215.14 127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.192",
        "168.63.129.16",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "0.0.0.0",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "fe80::1",
        "fec0::1",
        "fd00:ec2::254",
        "ff0e::1",
        "2001:db8::1",
        "3fff::1",
        "2002:7f00:1::",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "2001:0:5db8:d70e::80ff:fffe",
    ],
)
def test_a_name_that_leads_inside_is_refused(found: str) -> None:
    sent, inner = recorder()
    guarded = GuardedTransport(inner, resolve=names(docs_example=found))
    with pytest.raises(AddressRefused, match=r"docs\.example is at .*, which is not an address of the open internet"):
        httpx.Client(transport=guarded).get("http://docs.example/")
    assert sent == []


@pytest.mark.parametrize("found", ["93.184.215.14", "2a02:26f0::1", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"])
def test_a_public_address_is_sent_to(found: str) -> None:
    sent, inner = recorder()
    guarded = GuardedTransport(inner, resolve=names(docs_example=found))
    httpx.Client(transport=guarded).get("https://docs.example:8443/a?b=1")
    assert ip_address(sent[0].url.host) == ip_address(found)
    assert (sent[0].url.port, sent[0].url.raw_path) == (8443, b"/a?b=1")
    assert sent[0].headers["Host"] == "docs.example:8443"
    assert sent[0].headers["Connection"] == "close"
    assert sent[0].extensions["sni_hostname"] == "docs.example"


def test_what_an_address_carries() -> None:
    teredo = ip_address("2001:0:5db8:d70e::80ff:fffe")
    assert list(map(str, reached(teredo))) == ["93.184.215.14", "127.0.0.1"]
    assert not is_public(teredo)


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("http://docs.example:22/", "docs.example is asked at port 22."),
        ("ftp://docs.example/", "ftp://docs.example/ is not a web address."),
        ("file:///etc/hosts", "file:/etc/hosts is not a web address."),
        ("http:///page", "http:/page is not a web address."),
        ("http://docs.example@127.0.0.1/", "The address holds a user name or password."),
    ],
)
def test_an_address_of_a_strange_form_is_refused(address: str, wrong: str) -> None:
    sent, inner = recorder()
    with pytest.raises(AddressRefused) as caught:
        guarded = GuardedTransport(inner, resolve=names(docs_example="93.184.215.14"))
        guarded.handle_request(httpx.Request("GET", address))
    assert (caught.value.detail, sent) == (wrong, [])


@pytest.mark.parametrize(
    ("found", "allowed"),
    [("127.0.0.1", True), ("10.0.0.7", True), ("fd12::1", True), ("169.254.169.254", False), ("fd00:ec2::254", False)],
)
def test_private_addresses_by_choice_but_never_a_clouds_secrets(found: str, allowed: bool) -> None:
    sent, inner = recorder()
    client = httpx.Client(transport=GuardedTransport(inner, True, names(docs_example=found)))
    if allowed:
        client.get("http://docs.example:9000/")
    else:
        with pytest.raises(AddressRefused):
            client.get("http://docs.example:9000/")
    assert len(sent) == allowed


def test_each_hop_of_a_redirect_is_checked() -> None:
    with serving() as site, Web("x", transport=transport(inner_example="127.0.0.2"), sleep=lambda _: None) as web:
        site.pages["/ok"] = answer(status=302, Location="/end")
        site.pages["/end"] = answer(b"End")
        site.pages["/trap"] = answer(status=302, Location=f"http://inner.example:{site.port}/end")
        found = web.fetch(f"{site.url}/ok")
        assert isinstance(found, Fetched)
        assert (found.address, found.data) == (f"{site.url}/end", b"End")
        with pytest.raises(AddressRefused, match=r"inner\.example is at 127\.0\.0\.2"):
            web.fetch(f"{site.url}/trap")
        assert site.paths == ["/robots.txt", "/ok", "/end", "/trap"]


def test_a_resolver_that_changes_its_mind_gains_nothing() -> None:
    asked: list[str] = []

    def rebinding(host: str, _: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    with serving() as site:
        site.pages["/"] = answer(b"here")
        inner = httpx.HTTPTransport(trust_env=False)
        client = httpx.Client(transport=GuardedTransport(inner, resolve=rebinding, allow=only_here), trust_env=False)
        assert client.get(site.url).content == b"here"
        assert asked == ["docs.example"]
        assert site.asked[0][0] == f"docs.example:{site.port}"
        with pytest.raises(AddressRefused):
            client.get(site.url)
        assert len(asked) == 2
        assert len(site.asked) == 1


def test_the_next_address_is_tried_where_the_first_is_silent() -> None:
    with serving() as site:
        site.pages["/"] = answer(b"here")
        inner = httpx.HTTPTransport(trust_env=False)
        guarded = GuardedTransport(inner, True, names(docs_example="::1 127.0.0.1"))
        assert httpx.Client(transport=guarded, trust_env=False).get(site.url).content == b"here"


def test_a_name_that_nobody_knows() -> None:
    def unknown(*_: object) -> list[str]:
        raise OSError("Name or service not known")

    web = Web("x", transport=GuardedTransport(recorder()[1], resolve=unknown), sleep=lambda _: None)
    with pytest.raises(NotFetched, match=r"connection to docs\.example failed: the name cannot be looked up"):
        web.fetch("https://docs.example/")


def certify(folder: Path, *hosts: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server that has a certificate for `hosts` uses, and what a client that trusts it uses."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{hosts[0]}.pem"
    form = (
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*form))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=str(file))


def test_the_certificate_is_that_of_the_name(tmp_path: Path) -> None:
    server, trusting = certify(tmp_path, "docs.example")
    with serving(server) as site:
        site.pages["/"] = answer(b"secure")
        inner = httpx.HTTPTransport(trust_env=False, verify=trusting)
        guarded = GuardedTransport(inner, True, names(docs_example="127.0.0.1", other_example="127.0.0.1"))
        with Web("x", transport=guarded, sleep=lambda _: None) as web:
            found = web.fetch(f"{site.url}/")
            assert isinstance(found, Fetched)
            assert found.data == b"secure"
            # Another name at the same address must not ride on the connection that was verified for the first.
            with pytest.raises(
                NotFetched, match=r"The certificate of other\.example is not trusted: Hostname mismatch"
            ):
                web.fetch(f"https://other.example:{site.port}/")


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    server, _ = certify(tmp_path, "docs.example")
    with serving(server) as site, Web("x", transport=transport(), sleep=lambda _: None) as web:
        with pytest.raises(
            NotFetched, match=r"The certificate of docs\.example is not trusted: self-signed certificate"
        ):
            web.fetch(f"{site.url}/")
        assert site.asked == []


def test_the_environment_vouches_for_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server, _ = certify(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "localhost.pem"))
    untrusted = pytest.raises(NotFetched, match=r"The certificate of localhost is not trusted")
    with serving(server) as site, Web("x", allow_private=True, sleep=lambda _: None) as web, untrusted:
        web.fetch(f"https://localhost:{site.port}/")


def test_https_that_leads_to_http(tmp_path: Path) -> None:
    server, trusting = certify(tmp_path, "docs.example")
    with serving(server) as site, Web("x", transport=transport(trusting), sleep=lambda _: None) as web:
        site.pages["/"] = answer(status=301, Location="http://docs.example/plain")
        with pytest.raises(AddressRefused, match=r"leads from https to http://docs\.example/plain"):
            web.fetch(f"{site.url}/")
