"""The address guard: a request goes to a public address that was looked up once and checked, or nowhere.

It is a transport, so that every hop of a redirect passes it. The connection is made to the very address that was
checked; the name goes into the Host header and the TLS handshake only, and a resolver that changes its mind gains
nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import httpx

from assistant.errors import UnreadableDocument

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], list[str]]

STANDARD = {"http": 80, "https": 443}
PORTS = {80, 443, 8080, 8443}
TRIED = 3
UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")
LOCAL = [
    ip_network(name)
    for name in "127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 ::1/128 fc00::/7".split()
]
# Global by the numbers or to an older `ipaddress`, yet no site's: protocol use, 6to4 relays, documentation.
SPECIAL = [ip_network(name) for name in ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")]
# Where clouds tell a machine its secrets; refused even where private addresses are allowed.
METADATA = {
    ip_address(name)
    for name in "169.254.169.254 100.100.100.200 168.63.129.16 192.0.0.192 fd00:ec2::254 fd20:ce::254".split()
}


class AddressRefused(UnreadableDocument):
    """The address of a document is one that is never fetched from."""


def system_resolver(host: str, port: int) -> list[str]:
    """The addresses of a name as the machine knows them, best first."""
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


def is_public(address: Address) -> bool:
    """Whether this is an address of the open internet that belongs to one machine."""
    if isinstance(address, IPv6Address) and address not in UNICAST:
        return False
    closed = address.is_multicast or address.is_reserved or address in METADATA
    return address.is_global and not closed and not any(address in network for network in SPECIAL)


def is_local(address: Address) -> bool:
    """Whether this is an address of this machine or of the organisation's own network."""
    return address not in METADATA and any(address in network for network in LOCAL)


def reached(address: Address) -> Sequence[Address]:
    """What a connection to `address` may reach: the IPv4 addresses inside where it carries some, else itself."""
    if isinstance(address, IPv4Address):
        return (address,)
    inside = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in NAT64:
        inside.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [known for known in inside if known] or (address,)


class GuardedTransport(httpx.BaseTransport):
    """Sends requests through `inner`, to public addresses and usual ports, and wherever `allow` says."""

    def __init__(
        self,
        inner: httpx.BaseTransport,
        allow_private: bool = False,
        resolve: Resolver = system_resolver,
        allow: Callable[[Address], bool] | None = None,
    ) -> None:
        self._inner = inner
        self._resolve = resolve
        self._allow = allow or (is_local if allow_private else lambda _: False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The response from the address that was checked. Raises AddressRefused, or httpx.ConnectError."""
        check_form(request.url)
        return self._send(request, self._look_up(request.url))

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    def _look_up(self, url: httpx.URL) -> list[str]:
        host, port = url.raw_host.decode("ascii"), url.port or STANDARD[url.scheme]
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"the name cannot be looked up: {error}") from error
        if not found:
            raise httpx.ConnectError("the name has no address")
        for text in found:
            self._check(ip_address(text), host, port)
        return found

    def _check(self, address: Address, host: str, port: int) -> None:
        strange = [known for known in reached(address) if not self._allow(known)]
        if not all(is_public(known) for known in strange):
            raise AddressRefused(
                f"{host} is at {address}, which is not an address of the open internet.",
                "Name a public site, or save the document into the corpus folder.",
            )
        if strange and port not in PORTS:
            raise AddressRefused(f"{host} is asked at port {port}.", f"Use one of {sorted(PORTS)}.")

    def _send(self, request: httpx.Request, addresses: list[str]) -> httpx.Response:
        failure: httpx.TransportError = httpx.ConnectError("no address")
        for address in addresses[:TRIED]:
            try:
                return self._inner.handle_request(_pinned(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure


def check_form(url: httpx.URL) -> None:
    """Raises AddressRefused where the address alone shows that it is none to fetch from."""
    if url.scheme not in STANDARD or not url.host:
        raise AddressRefused(f"{url} is not a web address.", "Begin it with https:// or http:// and a host.")
    if url.userinfo:
        raise AddressRefused("The address holds a user name or password.", f"Take what stands before {url.host} out.")


def _pinned(request: httpx.Request, address: str) -> httpx.Request:
    """The same request to the address alone. Its connection is not kept: another name may share the address."""
    headers = httpx.Headers(request.headers)
    headers["Connection"] = "close"
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.raw_host.decode("ascii").rstrip(".")},
    )
