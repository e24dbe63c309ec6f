"""What a person types, checked: each function returns the clean value or says what is wrong."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Final

from flagctl.errors import InvalidError
from flagctl.vocabulary import LADDER, Mode

REASON_MAX_CHARS: Final = 500
NAME_MAX_CHARS: Final = 100
LINK_MAX_CHARS: Final = 500
NOTIFY_SCHEMES: Final = frozenset(
    {"discord", "mailtos", "msteams", "ntfys", "opsgenie", "pagerduty", "pover", "slack", "tgram",
     "twilio", "wxteams", "zulip"}
)  # fmt: skip

_DURATION = re.compile(r"(?P<count>[0-9]{1,9})(?P<unit>[smhd])")
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_EXPIRY_EXAMPLES: Final = "for example 90s, 15m, 4h, 2d or 2026-05-01T12:00:00Z"


_CONTROLS: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode's categories of control characters, surrogates, and ends of lines and paragraphs."""

_INVISIBLE: Final = frozenset({"Cf", "Zs"})


def _text(value: str, field: str, max_chars: int) -> str:
    """Return one line of text, trimmed; any script and any markup is just text."""
    clean = value.strip()
    if all(unicodedata.category(char) in _INVISIBLE for char in clean):
        raise InvalidError(f"{field} is blank. Say it in a few words.", field)
    if len(clean) > max_chars:
        raise InvalidError(f"{field} has {len(clean)} characters; at most {max_chars} fit.", field)
    if any(unicodedata.category(char) in _CONTROLS for char in clean):
        raise InvalidError(
            f"{field} holds a control character (a line break, a tab, an escape). "
            "Write it on one line of plain text.",
            field,
        )
    return clean


def reason(value: str) -> str:
    """Return why somebody acts: one line of at most 500 characters."""
    return _text(value, "reason", REASON_MAX_CHARS)


def name(value: str, field: str) -> str:
    """Return a person's, a token's or a tenant's name: one line of at most 100 characters."""
    return _text(value, field, NAME_MAX_CHARS)


def link(value: str, field: str) -> str:
    """Return a link or a ticket's name, such as `INC-42`: one line of at most 500 characters."""
    return _text(value, field, LINK_MAX_CHARS)


def time_zone(value: str, field: str = "time_zone") -> str:
    """Return the IANA name of a time zone that this machine knows; `UTC` always is."""
    from zoneinfo import ZoneInfo

    name = value.strip()
    try:
        return name if name == "UTC" else ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise InvalidError(
            f"{field} {value!r} is no time zone that this machine knows. Take one such as UTC or "
            "Europe/Berlin.",
            field,
        ) from None


def notify_url(value: str, field: str = "notify_url") -> str:
    """Return an Apprise URL of a service that reaches one person.

    Schemes that would let somebody make this machine call any address are not taken.
    """
    address = _text(value, field, LINK_MAX_CHARS)
    if address.partition("://")[0].lower() not in NOTIFY_SCHEMES:
        known = ", ".join(sorted(NOTIFY_SCHEMES))
        raise InvalidError(f"{field} must begin with one of {known}, and then ://.", field)
    return address


def mode(value: str, field: str = "mode") -> Mode:
    """Return the mode with this name."""
    try:
        return Mode(value)
    except ValueError:
        known = ", ".join(LADDER)
        raise InvalidError(
            f"{value!r} is not a mode. The modes are, safest first: {known}.", field
        ) from None


def duration(value: str, field: str = "expires") -> timedelta:
    """Return a span of time such as `90s`, `15m`, `4h` or `2d`."""
    found = _DURATION.fullmatch(value.strip())
    if not found:
        raise InvalidError(f"{field} {value!r} can't be read; {_EXPIRY_EXAMPLES}.", field)
    return timedelta(seconds=int(found["count"]) * _UNIT_S[found["unit"]])


def expiry(value: str, now: datetime, field: str = "expires") -> datetime:
    """Return when something ends: a span counted from `now`, or an RFC 3339 time with a zone."""
    text = value.strip()
    if "T" not in text.upper():
        span = duration(text, field)
        try:
            return now + span
        except OverflowError:
            raise _beyond_calendar(field) from None
    return moment(text, field)


def moment(value: str, field: str) -> datetime:
    """Return an RFC 3339 time with its zone, in UTC."""
    text = value.strip()
    try:
        when = datetime.fromisoformat(text.upper())
    except ValueError:
        raise InvalidError(f"{field} {value!r} can't be read; {_EXPIRY_EXAMPLES}.", field) from None
    if when.tzinfo is None:
        raise InvalidError(
            f"{field} {value!r} has no time zone. Add one: {text}Z is UTC, {text}+01:00 is not.",
            field,
        )
    try:
        return when.astimezone(UTC)
    except OverflowError:
        raise _beyond_calendar(field) from None


def _beyond_calendar(field: str) -> InvalidError:
    return InvalidError(f"{field} lies beyond the calendar.", field)


def between(when: datetime, now: datetime, maximum: timedelta, field: str = "expires") -> datetime:
    """Return `when` if it is after `now` and at most `maximum` later."""
    if when.tzinfo is None:
        raise InvalidError(f"{field} {when} has no time zone.", field)
    if when <= now:
        raise InvalidError(f"{field} is not in the future. Give a later time, such as 4h.", field)
    if when > now + maximum:
        raise InvalidError(f"{field} is too far away: at most {describe(maximum)} from now.", field)
    return when


def describe(span: timedelta) -> str:
    """Return a span in the two largest units that say it, such as `4 h 38 min`."""
    total_s = max(0, int(span.total_seconds()))
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    parts = []
    for unit, size_s in units:
        count, total_s = divmod(total_s, size_s)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
