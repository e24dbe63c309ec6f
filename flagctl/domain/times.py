"""How times are written in the store: UTC text that sorts as the times do."""

from __future__ import annotations

from datetime import UTC, datetime


def to_text(when: datetime) -> str:
    """Return an aware time as `2026-05-01T12:00:00.000000Z`."""
    if when.tzinfo is None:
        raise ValueError(f"{when!r} has no time zone")
    return when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """Return the aware time, in UTC, that `to_text` wrote."""
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return when.astimezone(UTC)
