"""Exit codes: one map from what went wrong, so that a script can tell."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from flagctl.errors import Code

DONE: Final = 0
INTERNAL: Final = 1
USAGE: Final = 2
ROLLBACK_EXPIRED: Final = 3
NOT_FOLLOWING: Final = 4
CHECK_FAILED: Final = 5
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141

EXITS: Final[Mapping[Code, int]] = MappingProxyType(
    {
        Code.INVALID: USAGE,
        Code.NOT_FOUND: USAGE,
        Code.MISCONFIGURED: USAGE,
        Code.STALE: 6,
        Code.UNAUTHORIZED: 7,
        Code.FORBIDDEN: 7,
        Code.PRECONDITION: 7,
        Code.CONFLICT: 7,
        Code.UNAVAILABLE: 8,
        Code.INTERNAL: INTERNAL,
    }
)
"""A conflict exits as a refusal does: the state, and not the way of asking, forbids the act."""

EXPLAINED: Final = (
    "Exit codes: 0 done, 1 internal, 2 usage or invalid, 3 a rollback is expired (status --check), "
    "4 a live process does not follow (status --check, --wait), 5 a check failed (preflight, "
    "audit verify), 6 stale revision, 7 refused, 8 store unavailable."
)
