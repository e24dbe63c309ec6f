"""The acts: what a person or a process asks the store to do, from whichever door.

Making one checks what was typed (`InvalidError`); whether it may happen is `decide`'s to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flagctl.domain import fields
from flagctl.errors import InvalidError
from flagctl.vocabulary import Door, Mode, Role

ROLLBACK_MAX: Final = timedelta(days=7)
ROLLBACK_DEFAULT: Final = timedelta(hours=4)
EXTENSION_MAX: Final = timedelta(hours=24)
CUTOVER_MAX: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `name` is proven (`os:alice`, `person:alice`, `token:ci`); `claim` is only said."""

    name: str
    role: Role
    door: Door
    claim: str | None = None


@dataclass(frozen=True, slots=True)
class RollBack:
    """Lower the mode to `mode`; `expires_at` defaults to 4 h from now, `owner` to the actor."""

    mode: Mode
    reason: str
    expires_at: datetime | None = None
    owner: str | None = None
    incident: str | None = None
    revision: int | None = None

    def __post_init__(self) -> None:
        _clean(self, reason=fields.reason(self.reason))
        if self.owner is not None:
            _clean(self, owner=fields.name(self.owner, "owner"))
        if self.incident is not None:
            _clean(self, incident=fields.link(self.incident, "incident"))


@dataclass(frozen=True, slots=True)
class RaiseRollback:
    """Raise an active rollback to `mode`, still below what is configured."""

    mode: Mode
    reason: str
    revision: int | None = None

    def __post_init__(self) -> None:
        _clean(self, reason=fields.reason(self.reason))


@dataclass(frozen=True, slots=True)
class EndRollback:
    """End the active rollback; either a follow-up or why none is needed."""

    reason: str
    follow_up: str | None = None
    no_follow_up: str | None = None
    revision: int | None = None

    def __post_init__(self) -> None:
        _clean(self, reason=fields.reason(self.reason))
        if (self.follow_up is None) == (self.no_follow_up is None):
            raise InvalidError(
                "Give a follow-up link, or say why none is needed; one of the two.", "follow_up"
            )
        if self.follow_up is not None:
            _clean(self, follow_up=fields.link(self.follow_up, "follow_up"))
        if self.no_follow_up is not None:
            _clean(self, no_follow_up=fields.link(self.no_follow_up, "no_follow_up"))


@dataclass(frozen=True, slots=True)
class Extend:
    """Give the active rollback a new expiry, at most 24 h from now."""

    expires_at: datetime
    reason: str
    revision: int | None = None

    def __post_init__(self) -> None:
        _clean(self, reason=fields.reason(self.reason))


@dataclass(frozen=True, slots=True)
class HandOver:
    """Give the active rollback, or else the cutover flag, a new owner; its expiry stays."""

    owner: str
    reason: str
    revision: int | None = None

    def __post_init__(self) -> None:
        _clean(self, owner=fields.name(self.owner, "owner"), reason=fields.reason(self.reason))


@dataclass(frozen=True, slots=True)
class CutOver:
    """Set the configured mode of every process that its environment does not pin."""

    mode: Mode
    owner: str
    reason: str
    expires_at: datetime
    revision: int | None = None

    def __post_init__(self) -> None:
        _clean(self, owner=fields.name(self.owner, "owner"), reason=fields.reason(self.reason))


@dataclass(frozen=True, slots=True)
class Retire:
    """End the cutover flag once every live process is pinned to its mode."""

    reason: str
    follow_up: str
    revision: int | None = None

    def __post_init__(self) -> None:
        _clean(
            self,
            reason=fields.reason(self.reason),
            follow_up=fields.link(self.follow_up, "follow_up"),
        )


@dataclass(frozen=True, slots=True)
class TakeOverBreakGlass:
    """A break-glass file was seen; keep its mode as a rollback flag when the file is gone."""

    mode: Mode
    host: str
    path: str
    file_owner: str
    modified_at: datetime

    @property
    def detail(self) -> dict[str, str]:
        """Return what the trail keeps of the file."""
        return {
            "host": self.host,
            "path": self.path,
            "file_owner": self.file_owner,
            "modified_at": self.modified_at.isoformat(),
        }


Change = (
    RollBack | RaiseRollback | EndRollback | Extend | HandOver | CutOver | Retire
    | TakeOverBreakGlass
)  # fmt: skip


def _clean(change: object, **values: str) -> None:
    for field, value in values.items():
        object.__setattr__(change, field, value)
