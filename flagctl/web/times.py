"""Times as pages show them: relative, in UTC, and beside it as the person's own clock says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from flagctl.present import wording

IN_UTC: Final = ZoneInfo("UTC")

_here: ContextVar[ZoneInfo] = ContextVar("here", default=IN_UTC)


@contextmanager
def shown_in(zone: ZoneInfo) -> Iterator[None]:
    """Let the filters below say what this zone's clocks say too."""
    token = _here.set(zone)
    try:
        yield
    finally:
        _here.reset(token)


def utc(when: datetime) -> str:
    """Return a time with its date and zone, for a person."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def everywhere(when: datetime) -> str:
    """Return a time with its date in UTC and where the person is."""
    zone = _here.get()
    if zone is IN_UTC:
        return utc(when)
    return f"{utc(when)}, {when.astimezone(zone):%Y-%m-%d %H:%M:%S} {zone.key}"


def clock(when: datetime, now: datetime) -> str:
    """Return a time of day, with its date if it is another day's: `11:25 UTC, 13:25 Berlin`."""
    there = wording.clock_in(_here.get(), when)
    return ", ".join(filter(None, (wording.clock(when, now), there)))


def iso(when: datetime) -> str:
    """Return a time as `<time datetime>` takes it."""
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def hour_and_minute(when: datetime) -> str:
    """Return a time of day in UTC, where the zone is said once for many."""
    return f"{when.astimezone(UTC):%H:%M}"


FILTERS: Final = {
    "utc": utc,
    "everywhere": everywhere,
    "iso": iso,
    "ago": wording.ago,
    "until": wording.until,
    "clock": clock,
    "hour_and_minute": hour_and_minute,
}
"""What templates make of times."""
