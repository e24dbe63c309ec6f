"""Listening sockets, bound before anything else is started, so that a taken port is said early."""

from __future__ import annotations

import socket
from typing import Final

from flagctl.errors import MisconfiguredError

BACKLOG: Final = 2048


def bind(host: str, port: int, option: str = "--port") -> socket.socket:
    """Return a listening TCP socket; port 0 takes any free one.

    Whoever connects before the server is ready waits, and is not refused.

    Raises:
        MisconfiguredError: the port is taken or the address is none of this machine's.

    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise MisconfiguredError(f"{host} is no address: {error.strerror}.") from error
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise MisconfiguredError(
            f"Port {port} on {host} can't be taken: {error.strerror}. See who has it "
            f"(`ss -ltnp 'sport = :{port}'`), or choose another with {option}."
        ) from error
    return bound


def url_of(bound: socket.socket) -> str:
    """Return the address of a server on this socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
