"""What the text of a setting stands for; each raises `ValueError` that says what is wrong."""

from __future__ import annotations

import shlex
from ipaddress import IPv4Network, IPv6Network, ip_network

from flagctl.vocabulary import ModeSignal


def text(value: str) -> str:
    """Return text without blanks around it."""
    return value.strip()


def positive_int(value: str) -> int:
    """Return a whole number above 0."""
    number = int(value)
    if number < 1:
        raise ValueError("it must be 1 or more")
    return number


def positive_s(value: str) -> float:
    """Return a finite number of seconds above 0."""
    seconds = float(value)
    if not 0 < seconds < float("inf"):
        raise ValueError("it must be a number of seconds above 0")
    return seconds


def http_url(value: str) -> str:
    """Return an address without the slash at its end."""
    if not value.startswith(("http://", "https://")):
        raise ValueError("it must begin with http:// or https://")
    return value.rstrip("/")


def mode_signal(value: str) -> ModeSignal:
    """Return how a process learns of a flip."""
    if value not in set(ModeSignal):
        raise ValueError(f"it must be one of {', '.join(ModeSignal)}.")
    return ModeSignal(value)


def argv(value: str) -> tuple[str, ...]:
    """Return words as a shell splits them."""
    words = tuple(shlex.split(value))
    if not words:
        raise ValueError("it must name a program")
    return words


def networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return networks with commas between them."""
    return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())


def yes_or_no(value: str) -> bool:
    """Return whether it says yes."""
    if value not in {"yes", "no"}:
        raise ValueError("it must be yes or no")
    return value == "yes"


def absolute_path(value: str) -> str:
    """Return a path of another host: it is not looked at here."""
    if not value.startswith("/"):
        raise ValueError("it must begin with /")
    return value
