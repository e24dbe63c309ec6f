"""What a process might say of itself; a test changes the words that matter to it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flagctl.domain.process import ProcessReport
from flagctl.vocabulary import Freshness, Mode, Part, Source

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)

STAYS_LIVE = timedelta(seconds=9)
"""Heard of this far ahead of the real clock, a process counts for 19 s, not 10: commands that a
test runs meanwhile may be slow."""


def report(name: str = "a", **changes: Any) -> ProcessReport:
    words: dict[str, Any] = {
        "id": name,
        "host": "node1",
        "pid": sum(name.encode()),
        "role": Part.RUNTIME,
        "version": "1.0",
        "started_at": NOON,
        "heard_at": NOON,
        "pin": None,
        "mode": Mode.STUB_POLICY,
        "configured": Mode.STUB_POLICY,
        "source": Source.DEFAULT,
        "freshness": Freshness.FRESH,
        "revision": 7,
        "in_flight": {},
    }
    words |= changes
    revision = words["revision"]
    words.setdefault("first_used", {} if revision is None else {revision: words["heard_at"]})
    return ProcessReport(**words)
