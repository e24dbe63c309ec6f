"""Where a request came from, when proxies may stand between (`FLAGCTL_TRUSTED_PROXIES`)."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from starlette.requests import HTTPConnection

UNKNOWN: Final = "unknown"
"""A connection without an address, such as a socket in the file system."""

Networks = Sequence[IPv4Network | IPv6Network]


def client_address(connection: HTTPConnection, trusted: Networks) -> str:
    """Return the nearest address that no trusted proxy vouches for as another proxy.

    `X-Forwarded-For` is read from its end, which the proxy nearest to us wrote, and only as far
    as trusted proxies go: what stands before was said by anybody.
    """
    peer = _address(connection.client.host) if connection.client else None
    if peer is None:
        return UNKNOWN
    hops = ",".join(connection.headers.getlist("x-forwarded-for")).split(",")
    found = peer
    for hop in reversed([hop.strip() for hop in hops if hop.strip()]):
        if not _is_in(found, trusted):
            break
        further = _address(hop)
        if further is None:
            break
        found = further
    return str(_as_counted(found))


def is_secure(connection: HTTPConnection, trusted: Networks) -> bool:
    """Tell whether the browser spoke https, as far as a trusted proxy says so."""
    if connection.url.scheme == "https":
        return True
    peer = _address(connection.client.host) if connection.client else None
    if peer is None or not _is_in(peer, trusted):
        return False
    said = connection.headers.get("x-forwarded-proto", "")
    return said.rpartition(",")[2].strip().lower() == "https"


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _is_in(address: IPv4Address | IPv6Address, networks: Networks) -> bool:
    return any(address in network for network in networks)


def _as_counted(address: IPv4Address | IPv6Address) -> object:
    # One IPv6 customer has a whole /64 to take addresses from.
    return IPv6Network((address, 64), strict=False) if address.version == 6 else address
