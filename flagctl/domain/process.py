"""The adapter processes heard of, and which of them follow a revision (decision 14)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from flagctl.domain.effective import EffectiveMode
from flagctl.vocabulary import Freshness, Mode, Part, Source

PROCESS_SILENT_AFTER: Final = timedelta(seconds=10)
"""A process not heard of for longer is named as silent and holds no receipt up."""

FIRST_USES_KEPT: Final = 20
"""Of how many revisions a process remembers when it first used them."""


FOLLOWS_WITHIN: Final = timedelta(seconds=10)
"""How long a process may take to follow a flip before people are told."""


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """What an adapter process last said of itself. All times are aware and in UTC.

    Every process that answers through the adapter reports; the web and the command line don't,
    because no mode is in force in them. `id` is new with each start, so that a restart on the
    same pid is another process. `revision` is that of the flags it used last, `None` when it
    never could read the store; `first_used` says of that one, and of at most 19 before it, when it
    used them first. `in_flight` counts its submissions not yet answered, each under the mode that
    it began with.
    """

    id: str
    host: str
    pid: int
    role: Part
    version: str
    started_at: datetime
    heard_at: datetime
    pin: Mode | None
    mode: Mode
    configured: Mode
    source: Source
    freshness: Freshness
    revision: int | None
    in_flight: Mapping[Mode, int]
    first_used: Mapping[int, datetime] = field(default_factory=dict)

    @property
    def in_force(self) -> EffectiveMode:
        """Return the mode in force in this process, as it said."""
        return EffectiveMode(self.mode, self.configured, self.source, self.freshness, self.revision)

    def is_live(self, now: datetime) -> bool:
        """Tell whether the process was heard of lately enough to count."""
        return was_heard_lately(self.heard_at.timestamp(), now)


@dataclass(frozen=True, slots=True)
class Heard:
    """Every process on record, by host and start, and why there may be more of them.

    `trouble` says it in full; `unrecorded` counts those that live and are not on record.
    """

    reports: Sequence[ProcessReport] = ()
    trouble: str | None = None
    unrecorded: int = 0

    @property
    def gap(self) -> str | None:
        """Return in a few words why there may be more of them; `None` when these are all."""
        if self.unrecorded:
            verb = "lives" if self.unrecorded == 1 else "live"
            return f"runtime.db has no record of {self.unrecorded} that {verb}"
        return "runtime.db can't be read" if self.trouble else None


def was_heard_lately(heard_s: float, now: datetime) -> bool:
    """Tell whether who was heard of at that time (s since 1970) counts as live.

    A time ahead of `now` counts by its distance too: after the clock was set back, a dead process
    would else be live until the clock had caught up.
    """
    return abs(now.timestamp() - heard_s) <= PROCESS_SILENT_AFTER.total_seconds()


def follows(report: ProcessReport, revision: int) -> bool:
    """Tell whether the process has used the flags of `revision` or of a later one.

    One that lost the store since still follows: it keeps what it read (decision 6).
    """
    return report.revision is not None and report.revision >= revision


def followed_at(report: ProcessReport, revision: int) -> datetime | None:
    """Return when the process first used `revision` or a later one; `None` when nobody knows."""
    used = report.first_used
    is_on_record = len(used) < FIRST_USES_KEPT or any(each < revision for each in used)
    return min((at for each, at in used.items() if each >= revision and is_on_record), default=None)


@dataclass(frozen=True, slots=True)
class Convergence:
    """Which processes heard of on this host follow `revision`: the receipt of an act.

    `silent` ones were not heard of for 10 s; they are named and hold nothing up. `finishing`
    counts submissions of live processes that still run in another mode than their process has
    in force now: a submission ends in the mode that it began with. `took` is the time from the
    commit to when the last live process first used the revision, as each wrote down itself; `None`
    as long as one is behind, and when nobody can tell. `gap` says why there may be more processes.
    """

    revision: int
    following: tuple[ProcessReport, ...]
    behind: tuple[ProcessReport, ...]
    silent: tuple[ProcessReport, ...]
    finishing: Mapping[Mode, int]
    took: timedelta | None = None
    gap: str | None = None

    @property
    def live(self) -> int:
        """Return how many live processes there are: the 4 of "3 of 4"."""
        return len(self.following) + len(self.behind)

    @property
    def is_proven(self) -> bool:
        """Tell whether every live process follows.

        With none heard of nothing is proven, nor while there may be more.
        """
        return bool(self.following) and not self.behind and self.gap is None

    @property
    def without_store(self) -> tuple[ProcessReport, ...]:
        """Return the live processes that can't read the store, so would miss the next flip."""
        live = (*self.following, *self.behind)
        return tuple(report for report in live if report.freshness is not Freshness.FRESH)


def convergence(
    reports: Iterable[ProcessReport],
    revision: int,
    now: datetime,
    committed_at: datetime | None = None,
    gap: str | None = None,
) -> Convergence:
    """Return who follows `revision`, from what the processes last said of themselves.

    `committed_at` is when the revision came to be; `None` when nobody knows. `gap` is why there
    may be more processes than `reports`.
    """
    every = tuple(reports)
    live = tuple(report for report in every if report.is_live(now))
    return Convergence(
        revision=revision,
        following=tuple(report for report in live if follows(report, revision)),
        behind=tuple(report for report in live if not follows(report, revision)),
        silent=tuple(report for report in every if not report.is_live(now)),
        finishing=_finishing(live),
        took=_took(live, revision, committed_at) if committed_at and gap is None else None,
        gap=gap,
    )


def _took(live: Iterable[ProcessReport], revision: int, committed_at: datetime) -> timedelta | None:
    # One that was started since never used anything older, so nobody waited for it.
    waited_for = [report for report in live if report.started_at <= committed_at]
    known = [at for report in waited_for if (at := followed_at(report, revision))]
    if not known or len(known) < len(waited_for):
        return None
    return max(max(known) - committed_at, timedelta(0))


def laggards(
    reports: Iterable[ProcessReport], revision: int, committed_at: datetime, now: datetime
) -> list[ProcessReport]:
    """Return the processes that had 10 s to follow `revision` and did not.

    Also one that fell silent instead, unless it was silent when the change was committed: that one
    was told of by being silent.
    """
    return [
        report
        for report in reports
        if not follows(report, revision)
        and report.heard_at >= committed_at - PROCESS_SILENT_AFTER
        and had_time(report.started_at, committed_at, now)
    ]


def had_time(started_at: datetime, committed_at: datetime, now: datetime) -> bool:
    """Tell whether a process had 10 s to follow what was committed then."""
    return now - max(committed_at, started_at) > FOLLOWS_WITHIN


def _finishing(live: Iterable[ProcessReport]) -> Mapping[Mode, int]:
    counts: Counter[Mode] = Counter()
    for report in live:
        for mode, count in report.in_flight.items():
            if mode is not report.mode:
                counts[mode] += count
    return {mode: count for mode, count in counts.items() if count}
