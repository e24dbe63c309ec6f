"""What `flagctl doctor` found: one line each, with what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flagctl.errors import Code, FlagctlError
from flagctl.vocabulary import Health


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of one thing that flagctl depends on."""

    name: str
    """What was looked at."""
    health: Health
    """Whether it works."""
    text: str
    """What was found, and what to do about it."""
    code: Code | None = None
    """The kind of failure, when it failed."""


def ok(name: str, text: str) -> Finding:
    """Return that a thing works."""
    return Finding(name, Health.OK, text)


def warning(name: str, text: str) -> Finding:
    """Return that a thing wants a look and keeps nothing from working."""
    return Finding(name, Health.WARNING, text)


def failed(name: str, text: str, code: Code = Code.UNAVAILABLE) -> Finding:
    """Return that a thing does not work."""
    return Finding(name, Health.FAILED, text, code)


def examined(name: str, look: Callable[[], Finding]) -> Finding:
    """Return what `look` finds; whatever happens in it is a finding too."""
    try:
        return look()
    except FlagctlError as error:
        return failed(name, str(error), error.code)
    except Exception as error:
        # When everything is broken, the other lines are still worth reading.
        return failed(name, f"can't be looked at: {type(error).__name__}: {error}", Code.INTERNAL)
