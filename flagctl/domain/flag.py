"""Flags, and the control state they make up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flagctl.vocabulary import FlagKind, Mode


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag with its whole life. All times are aware and in UTC.

    `first_started_at` and `extensions` survive a superseding: they tell how long this rollback
    has really lasted. `rolled_back_from` is what was by flags before the rollback began.
    """

    id: int
    kind: FlagKind
    mode: Mode
    owner: str
    reason: str
    incident: str | None
    started_by: str
    started_at: datetime
    first_started_at: datetime
    expires_at: datetime
    extensions: int
    rolled_back_from: Mode | None
    revision: int
    """The revision of the last accepted change to this flag."""
    ended_at: datetime | None = None
    ended_by: str | None = None
    end_reason: str | None = None
    follow_up: str | None = None
    no_follow_up: str | None = None
    superseded_by: int | None = None

    @property
    def is_active(self) -> bool:
        """Tell whether the flag still counts; an expiry never ends it (decision 1)."""
        return self.ended_at is None

    def is_expired(self, now: datetime) -> bool:
        """Tell whether the flag counts although its time is over."""
        return self.is_active and now >= self.expires_at


@dataclass(frozen=True, slots=True)
class ControlState:
    """What the store says at one revision: at most one active flag of each kind."""

    revision: int
    cutover: Flag | None = None
    rollback: Flag | None = None

    @property
    def cutover_mode(self) -> Mode | None:
        """Return the mode of the active cutover flag."""
        return self.cutover.mode if self.cutover else None

    @property
    def rollback_mode(self) -> Mode | None:
        """Return the mode of the active rollback flag."""
        return self.rollback.mode if self.rollback else None

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Return the active flags, the rollback flag first."""
        return tuple(flag for flag in (self.rollback, self.cutover) if flag)


EMPTY_STATE = ControlState(revision=0)
