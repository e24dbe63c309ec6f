"""The address that counts is the nearest one that no trusted proxy vouches for."""

from ipaddress import ip_network

import pytest
from starlette.requests import Request

from flagctl.web.client import UNKNOWN, client_address, is_secure

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def request(peer: str | None, forwarded: str = "", proto: str = "") -> Request:
    headers = [(b"x-forwarded-for", forwarded.encode()), (b"x-forwarded-proto", proto.encode())]
    return Request(
        {
            "type": "http",
            "scheme": "http",
            "path": "/",
            "query_string": b"",
            "server": ("127.0.0.1", 8600),
            "headers": [(name, value) for name, value in headers if value],
            "client": (peer, 1234) if peer else None,
        }
    )


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, nonsense", "10.0.0.1"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("fd00::1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        (None, "198.51.100.7", UNKNOWN),
    ],
)
def test_forwarded_addresses_are_believed_as_far_as_trusted_proxies_go(
    peer: str | None, forwarded: str, found: str
) -> None:
    assert client_address(request(peer, forwarded), TRUSTED) == found


def test_https_is_believed_from_a_trusted_proxy_only() -> None:
    assert is_secure(request("10.0.0.1", proto="https"), TRUSTED)
    assert not is_secure(request("192.0.2.1", proto="https"), TRUSTED)
