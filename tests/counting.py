"""Counts of resolutions as processes would have left them in runtime.db."""

from datetime import datetime, timedelta

from flagctl.domain.impact import CountKey, Counts, minute_of
from flagctl.store.files import DataFiles
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.vocabulary import Mode, ResolutionOutcome
from tests.reports import report

STUB = Mode.STUB_POLICY
RESOLVED = ResolutionOutcome.RESOLVED


def key(
    at: datetime,
    mode: Mode = STUB,
    outcome: ResolutionOutcome = RESOLVED,
    revision: int | None = 0,
) -> CountKey:
    """What is counted under in the minute of a time."""
    return CountKey(minute_of(at), mode, outcome, revision)


def leave(files: DataFiles, now: datetime, counts: Counts) -> None:
    """Let a process write counts, and stop."""
    registry = ProcessRegistry(files)
    assert registry.beat(report("counting", heard_at=now), counts)
    assert registry.goodbye("counting")


def an_hour(now: datetime, revision: int) -> Counts:
    """What a busy hour leaves: resolutions in two modes, denied queues, errors, and a gap."""
    counts = {}
    for ago in (*range(40), *range(45, 64)):
        at = now - timedelta(minutes=ago)
        counts[key(at, revision=revision)] = 40 + ago % 7
        counts[key(at, outcome=ResolutionOutcome.DENIED, revision=revision)] = ago % 3
        counts[key(at, Mode.REAL_POLICY, ResolutionOutcome.UNAVAILABLE, revision)] = ago % 5
    return counts
