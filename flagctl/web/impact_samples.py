"""The impact strip in every state, for the pattern page."""

from __future__ import annotations

from datetime import datetime, timedelta

from flagctl.domain.audit import AuditEvent
from flagctl.domain.impact import STRIP_MINUTES, CountKey, LastHour, impact, minute_of, strip
from flagctl.present.impact import flip_record, impact_record
from flagctl.vocabulary import LADDER, ResolutionOutcome
from flagctl.web.impact import Around, Strip, around, strip_of

QUIET, BUSY, HURT = 0, 40, 9
FLIPPED_AGO = timedelta(minutes=20, seconds=24)
ABSENT_MINUTES = 8

UNREADABLE = LastHour((), (), is_readable=False, has_more=False)


def strips(event: AuditEvent) -> dict[str, Strip]:
    """Return the strip by the name of its state; `event` is what its flip looks like."""
    now = event.at + FLIPPED_AGO
    last = minute_of(now)
    hour = range(last - STRIP_MINUTES + 1, last + 1)
    quiet = {_key(minute): QUIET for minute in hour[ABSENT_MINUTES:]}
    busy = {_key(minute): BUSY + minute * 7 % 11 for minute in hour}
    return {
        "without a process": _strip({}, [], now),
        "that can't be read": strip_of(
            impact_record(LastHour((), (), is_readable=False, has_more=False), now)
        ),
        "quiet": _strip(quiet, [], now),
        "busy": _strip(busy, [], now),
        "with two modes at once": _strip({**busy, **_pinned(busy)}, [], now),
        "with a flip": _strip(_hurt(event, hour), [event], now),
    }


def around_sample(event: AuditEvent) -> Around:
    """Return a flip with its two sides."""
    minute = minute_of(event.at)
    counts = _hurt(event, range(minute - STRIP_MINUTES, minute + STRIP_MINUTES))
    return around(flip_record(impact(event, [event], counts), event.at + FLIPPED_AGO))


def _strip(counts: dict[CountKey, int], flips: list[AuditEvent], now: datetime) -> Strip:
    impacts = tuple(impact(flip, flips, counts) for flip in flips)
    hour = LastHour(strip(counts, flips, now), impacts, is_readable=True, has_more=False)
    return strip_of(impact_record(hour, now))


def _pinned(counts: dict[CountKey, int]) -> dict[CountKey, int]:
    """Return what a process pinned to the safest mode adds: half as much."""
    return {key._replace(mode=LADDER[0]): count // 2 for key, count in counts.items()}


def _hurt(event: AuditEvent, minutes: range) -> dict[CountKey, int]:
    """Return counts that show errors up to the flip and denied queues after it."""
    flipped, revision = minute_of(event.at), event.revision or 0
    counts: dict[CountKey, int] = {}
    for minute in minutes:
        before = _key(minute)._replace(mode=LADDER[-1], revision=revision - 1)
        after = _key(minute)._replace(revision=revision)
        if minute <= flipped:
            counts[before] = BUSY
            counts[before._replace(outcome=ResolutionOutcome.UNAVAILABLE)] = HURT
        if minute >= flipped:
            counts[after] = BUSY
            counts[after._replace(outcome=ResolutionOutcome.DENIED)] = 2
    return counts


def _key(minute: int) -> CountKey:
    return CountKey(minute, LADDER[1], ResolutionOutcome.RESOLVED, 1)
