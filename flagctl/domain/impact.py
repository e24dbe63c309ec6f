"""What flips did to resolutions: counts by minute, laid out around the flips."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

from flagctl.vocabulary import Mode, ResolutionOutcome

SECONDS_A_MINUTE: Final = 60


class CountKey(NamedTuple):
    """What resolutions are counted under.

    `minute` is that of the wall clock, in whole minutes since 1970, UTC. `revision` is that of the
    flags which the resolution used, `None` without a store: it tells on which side of a flip a
    resolution of the flip's own minute lies.
    """

    minute: int
    mode: Mode
    outcome: ResolutionOutcome
    revision: int | None


def minute_of(when: datetime) -> int:
    """Return the minute that an aware time lies in."""
    return int(when.timestamp() // SECONDS_A_MINUTE)


def begin_of(minute: int) -> datetime:
    """Return the time at which a minute begins, aware and in UTC."""
    return datetime.fromtimestamp(minute * SECONDS_A_MINUTE, UTC)
