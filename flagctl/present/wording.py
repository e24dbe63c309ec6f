"""Times, names and quoted text as a person reads them; the same on pages and on terminals."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from flagctl.domain.access import short_name
from flagctl.domain.fields import describe


def clock(when: datetime, now: datetime) -> str:
    """Return the time in UTC, with its date when that is another one than `now`'s."""
    there, here = when.astimezone(UTC), now.astimezone(UTC)
    pattern = "%H:%M UTC" if there.date() == here.date() else "%Y-%m-%d %H:%M UTC"
    return there.strftime(pattern)


def clock_in(zone: ZoneInfo, when: datetime) -> str:
    """Return the time where a person is, such as `13:25 Berlin`; blank where that is UTC.

    It stands beside the time in UTC, and has a date where that is another one there.
    """
    place = place_of(zone)
    if place == "UTC":
        return ""
    there = when.astimezone(zone)
    pattern = "%H:%M" if there.date() == when.astimezone(UTC).date() else "%Y-%m-%d %H:%M"
    return f"{there.strftime(pattern)} {place}"


def place_of(zone: ZoneInfo) -> str:
    """Return what people call a time zone: `New York` for `America/New_York`."""
    area, _, city = zone.key.rpartition("/")
    # What stands under Etc is no city: `Etc/GMT+1` alone would read as an hour ahead.
    return zone.key if area == "Etc" and city != "UTC" else city.replace("_", " ")


def ago(when: datetime, now: datetime) -> str:
    """Return how long ago something was, such as `4 h 38 min ago`."""
    return f"{span(now - when)} ago" if when < now else "just now"


def until(when: datetime, now: datetime) -> str:
    """Return how far something is away on either side of now: `in 3 h 22 min`, `38 min ago`."""
    return f"in {span(when - now)}" if when > now else ago(when, now)


def span(length: timedelta) -> str:
    """Return a length of time in words: to 0.1 s when short, to the minute from an hour on."""
    if length < timedelta(seconds=10):
        return f"{max(0.0, length.total_seconds()):.1f} s"
    if length >= timedelta(minutes=59, seconds=30):
        length += timedelta(seconds=30)
        length -= length % timedelta(minutes=1)
    return describe(length)


def quoted(text: str) -> str:
    """Return somebody's own words, marked as such."""
    return f"“{text}”"


def who(actor: str, claim: str | None) -> str:
    """Return who acted: the name, how it is proven, and what was only claimed."""
    said = f", says {quoted(claim)}" if claim else ""
    short = short_name(actor)
    if short == actor:
        return f"{actor} ({said.removeprefix(', ')})" if said else actor
    return f"{short} ({actor}{said})"


def plural(count: int, noun: str, nouns: str = "") -> str:
    """Return a count with its noun: `1 process`, `4 processes`."""
    return f"{count} {noun if count == 1 else nouns or noun + 's'}"


def printable(text: str) -> str:
    r"""Return one line in which nothing can steer a terminal or reorder what is read.

    Control, format (bidi among them), surrogate and line separating characters are written as
    `\u{202e}`.
    """
    return "".join(_escaped(char) if _is_steering(char) else char for char in text)


def _is_steering(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _escaped(char: str) -> str:
    return f"\\u{{{ord(char):04x}}}"
