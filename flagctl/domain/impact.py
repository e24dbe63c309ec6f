"""What flips did to resolutions: counts by minute, laid out over an hour and around each flip."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from flagctl.domain.audit import AuditEvent
from flagctl.vocabulary import Action, Mode, Outcome, ResolutionOutcome

SECONDS_A_MINUTE: Final = 60
STRIP_MINUTES: Final = 60
"""The hour of the strip, its last minute being the one that runs."""

SIDE_MINUTES: Final = 5
"""Whole minutes on each side of a flip, besides its part of the flip's own minute."""

FLIPS: Final = (
    Action.ROLL_BACK,
    Action.RAISE_ROLLBACK,
    Action.END_ROLLBACK,
    Action.CUT_OVER,
    Action.RETIRE,
    Action.BREAK_GLASS,
    Action.RESTORE,
)
"""The acts after which a process may have another mode, also when the mode by flags is the same:
a rollback may lower a pinned process only."""


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


_KINDS: Final = tuple((mode, outcome) for mode in Mode for outcome in ResolutionOutcome)

Counts = Mapping[CountKey, int]
Totals = Mapping[tuple[Mode, ResolutionOutcome], int]


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of the strip. `totals` has no zeros.

    `modes` are those that some process had, also when it resolved nothing; without any, nobody
    counted. `is_running` means that it is not over yet. `flips` are those committed within it.
    """

    minute: int
    modes: tuple[Mode, ...]
    totals: Totals
    is_running: bool
    flips: tuple[AuditEvent, ...]

    @property
    def is_counted(self) -> bool:
        """Tell whether some process counted: nothing counted is another thing than nobody there."""
        return bool(self.modes)


@dataclass(frozen=True, slots=True)
class Side:
    """What was resolved on one side of a flip. `until` may be ahead: then it is not over."""

    since: datetime
    until: datetime
    totals: Totals
    is_counted: bool


@dataclass(frozen=True, slots=True)
class Impact:
    """A flip between what was before and what came after it.

    A side ends where the next flip lies, so that a rollback is not held against the cutover that
    it took back. `next_flip` and `flip_before` are those neighbours, if there are any so near.
    """

    flip: AuditEvent
    before: Side
    after: Side
    flip_before: AuditEvent | None
    next_flip: AuditEvent | None


@dataclass(frozen=True, slots=True)
class LastHour:
    """The strip, and what each of its flips came to, the newest first.

    `is_readable` tells whether the counts could be read; `has_more` that there were too many
    flips to mark them all.
    """

    minutes: tuple[Minute, ...]
    impacts: tuple[Impact, ...]
    is_readable: bool
    has_more: bool


def minute_of(when: datetime) -> int:
    """Return the minute that an aware time lies in."""
    return int(when.timestamp() // SECONDS_A_MINUTE)


def begin_of(minute: int) -> datetime:
    """Return the time at which a minute begins, aware and in UTC."""
    return datetime.fromtimestamp(minute * SECONDS_A_MINUTE, UTC)


def is_flip(event: AuditEvent) -> bool:
    """Tell whether an event changed flags in a way that may change the mode of some process."""
    return (
        event.outcome is Outcome.ACCEPTED and event.action in FLIPS and event.revision is not None
    )


def strip(counts: Counts, flips: Iterable[AuditEvent], now: datetime) -> tuple[Minute, ...]:
    """Return the last hour, minute by minute, the running one last."""
    last = minute_of(now)
    counted: dict[int, dict[CountKey, int]] = defaultdict(dict)
    for key, count in counts.items():
        counted[key.minute][key] = count
    marked: dict[int, list[AuditEvent]] = defaultdict(list)
    for flip in flips:
        marked[minute_of(flip.at)].append(flip)
    return tuple(
        Minute(
            minute,
            modes=_modes(counted[minute]),
            totals=_totals(counted[minute]),
            is_running=minute == last,
            flips=tuple(marked[minute]),
        )
        for minute in range(last - STRIP_MINUTES + 1, last + 1)
    )


def _modes(counts: Counts) -> tuple[Mode, ...]:
    found = {key.mode for key in counts}
    return tuple(mode for mode in Mode if mode in found)


class _Place(NamedTuple):
    """Where a flip lies among the counts."""

    minute: int
    revision: int


def impact(flip: AuditEvent, flips: Sequence[AuditEvent], counts: Counts) -> Impact:
    """Return what was resolved around a flip; `flips` are those that may lie near it."""
    middle = minute_of(flip.at)
    first, last = middle - SIDE_MINUTES, middle + SIDE_MINUTES
    near = [each for each in flips if first <= minute_of(each.at) <= last]
    earlier = [each for each in near if _revision(each) < _revision(flip)]
    later = [each for each in near if _revision(each) > _revision(flip)]
    flip_before = max(earlier, key=_revision, default=None)
    next_flip = min(later, key=_revision, default=None)
    around = {key: count for key, count in counts.items() if first <= key.minute <= last}
    return Impact(
        flip,
        before=_side(
            _between(around, _place(flip_before), _place(flip)),
            since=flip_before.at if flip_before else begin_of(first),
            until=flip.at,
        ),
        after=_side(
            _between(around, _place(flip), _place(next_flip)),
            since=flip.at,
            until=next_flip.at if next_flip else begin_of(last + 1),
        ),
        flip_before=flip_before,
        next_flip=next_flip,
    )


def _place(flip: AuditEvent | None) -> _Place | None:
    return None if flip is None else _Place(minute_of(flip.at), _revision(flip))


def _between(counts: Counts, begin: _Place | None, end: _Place | None) -> Counts:
    """Return what came after one flip and not after the other; without one, all on its side."""
    return {
        key: count
        for key, count in counts.items()
        if (begin is None or _came_after(key, begin)) and not (end and _came_after(key, end))
    }


def _came_after(key: CountKey, flip: _Place) -> bool:
    """Tell on which side a count lies: by its minute, in the flip's own by what it used."""
    if key.minute != flip.minute:
        return key.minute > flip.minute
    return key.revision is not None and key.revision >= flip.revision


def _revision(flip: AuditEvent) -> int:
    return flip.revision or 0


def _side(counts: Counts, *, since: datetime, until: datetime) -> Side:
    return Side(since, until, _totals(counts), is_counted=bool(counts))


def _totals(counts: Counts) -> Totals:
    totals: Counter[tuple[Mode, ResolutionOutcome]] = Counter()
    for key, count in counts.items():
        totals[key.mode, key.outcome] += count
    return {kind: totals[kind] for kind in _KINDS if totals[kind] > 0}
