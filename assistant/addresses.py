"""Addresses of clients: what one of them counts as."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network


def network_of(client: str) -> str:
    """What an address counts as: itself, of IPv6 its network of /64, since one line has 2^64 addresses. Anything else
    is left as it is."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if not isinstance(address, IPv6Address):
        return client
    return str(address.ipv4_mapped or ip_network((int(address), 64), strict=False))
