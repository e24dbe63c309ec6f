"""The few ways in which an act can fail; doors map the code to an HTTP status or an exit code."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Code(StrEnum):
    """What kind of failure it is, the same at every door."""

    INVALID = "invalid"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    STALE = "stale"
    CONFLICT = "conflict"
    PRECONDITION = "precondition"
    UNAVAILABLE = "unavailable"
    MISCONFIGURED = "misconfigured"
    INTERNAL = "internal"


class FlagctlError(Exception):
    """Something a person must read: the message says what happened and what to do next."""

    code: ClassVar[Code] = Code.INTERNAL


class InvalidError(FlagctlError):
    """The input can't be taken; `field` names the part at fault when there is one."""

    code = Code.INVALID

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class RevisionRequiredError(InvalidError):
    """An upward act came without the revision its author looked at (HTTP 428)."""


class UnauthorizedError(FlagctlError):
    """No credentials, or credentials that nobody issued."""

    code = Code.UNAUTHORIZED


class ForbiddenError(FlagctlError):
    """The person or token is known and may not do this."""

    code = Code.FORBIDDEN


class NotFoundError(FlagctlError):
    """What the act is about does not exist."""

    code = Code.NOT_FOUND


class StaleError(FlagctlError):
    """The author looked at an older revision than the one in the store."""

    code = Code.STALE

    def __init__(self, message: str, *, given: int, current: int) -> None:
        super().__init__(message)
        self.given = given
        self.current = current


class ConflictError(FlagctlError):
    """The state does not allow the act: nothing to end, nothing to extend."""

    code = Code.CONFLICT


class PreconditionError(FlagctlError):
    """A gate refused an upward act; there is no override."""

    code = Code.PRECONDITION


class UnavailableError(FlagctlError):
    """The store, or something it needs, can't be used now; trying again may help."""

    code = Code.UNAVAILABLE


class MisconfiguredError(FlagctlError):
    """A setting or a file is wrong; trying again does not help."""

    code = Code.MISCONFIGURED
