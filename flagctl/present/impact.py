"""What flips did to resolutions, as pages, the JSON API and the command line show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flagctl.domain.impact import Impact, LastHour, Minute, Side, Totals, begin_of
from flagctl.present.sentence import sentence
from flagctl.present.wording import clock, plural
from flagctl.vocabulary import RESOLUTIONS, Mode, ResolutionOutcome

NOBODY: Final = "nobody counted"
NOTHING: Final = "nothing to resolve"
_TENTH: Final = 0.001


@dataclass(frozen=True, slots=True)
class ResolutionsRecord:
    """How many resolutions in one mode ended in one way."""

    mode: Mode
    """The mode in which queues were resolved."""
    outcome: ResolutionOutcome
    """How that ended."""
    count: int
    """How many there were."""


@dataclass(frozen=True, slots=True)
class MinuteRecord:
    """The resolutions of one minute."""

    at: datetime
    """When the minute began."""
    is_counted: bool
    """Whether any process counted: without one, nothing is known of this minute."""
    is_running: bool
    """Whether the minute is not over yet."""
    modes: tuple[Mode, ...]
    """The modes that processes had, also those in which nothing was resolved."""
    total: int
    """How many resolutions there were."""
    resolutions: tuple[ResolutionsRecord, ...]
    """The same by mode and outcome, without zeros."""
    revisions: tuple[int, ...]
    """The revisions of the flips that were committed within it."""
    sentence: str
    """The same for a person."""


@dataclass(frozen=True, slots=True)
class SideRecord:
    """The resolutions on one side of a flip."""

    since: datetime
    """The begin of what was counted."""
    until: datetime
    """The end of what was counted; ahead of the answer's time while it goes on."""
    is_counted: bool
    """Whether any process counted."""
    is_over: bool
    """Whether nothing more can come."""
    total: int
    """How many resolutions there were."""
    errors: int
    """How many of them ended so that somebody must mend something."""
    denied: int
    """How many of them the queue policy denied."""
    resolutions: tuple[ResolutionsRecord, ...]
    """All of them by mode and outcome, without zeros."""


@dataclass(frozen=True, slots=True)
class FlipRecord:
    """A flip, with five minutes before and after it, or less where another flip lies nearer."""

    event_id: int
    """The flip's event in the audit trail."""
    at: datetime
    """When it was committed."""
    revision: int
    """The revision that it made."""
    flag_id: int | None
    """The flag that it is about."""
    act: str
    """Who did what, for a person."""
    before: SideRecord
    """What was resolved before it."""
    after: SideRecord
    """What was resolved after it."""
    sentence: str
    """What changed, for a person: `errors 0.2 % → 14 %`."""


@dataclass(frozen=True, slots=True)
class ImpactRecord:
    """The resolutions of the last hour with its flips."""

    at: datetime
    """The time of the answer."""
    is_readable: bool
    """Whether the counts could be read."""
    has_more_flips: bool
    """Whether there were too many flips to tell of them all."""
    minutes: tuple[MinuteRecord, ...]
    """Each minute, the running one last."""
    flips: tuple[FlipRecord, ...]
    """Each flip, the newest first."""
    sentence: str
    """The same for a person."""


def impact_record(hour: LastHour, now: datetime) -> ImpactRecord:
    """Return the last hour as it is shown."""
    minutes = tuple(minute_record(minute, now) for minute in hour.minutes)
    flips = tuple(flip_record(each, now) for each in hour.impacts)
    told = _hour(minutes, now) if hour.is_readable else "The counts can't be read now."
    return ImpactRecord(now, hour.is_readable, hour.has_more, minutes, flips, told)


def minute_record(minute: Minute, now: datetime) -> MinuteRecord:
    """Return one minute as it is shown."""
    at = begin_of(minute.minute)
    revisions = tuple(flip.revision for flip in minute.flips if flip.revision is not None)
    made = "".join(f"; revision {each} was committed" for each in revisions)
    so_far = " so far" if minute.is_running else ""
    return MinuteRecord(
        at=at,
        is_counted=minute.is_counted,
        is_running=minute.is_running,
        modes=minute.modes,
        total=sum(minute.totals.values()),
        resolutions=_resolutions(minute.totals),
        revisions=revisions,
        sentence=f"{clock(at, now)}{so_far}: {_by_mode(minute)}{made}",
    )


def _by_mode(minute: Minute) -> str:
    return "; ".join(f"{mode}: {_outcomes(minute.totals, mode)}" for mode in minute.modes) or NOBODY


def _outcomes(totals: Totals, mode: Mode) -> str:
    said = [
        f"{count} {RESOLUTIONS[outcome].label}"
        for (its_mode, outcome), count in totals.items()
        if its_mode is mode
    ]
    return ", ".join(said) or NOTHING


def flip_record(found: Impact, now: datetime) -> FlipRecord:
    """Return a flip with what was before and after it, as it is shown."""
    flip = found.flip
    before, after = _side(found.before, now), _side(found.after, now)
    return FlipRecord(
        event_id=flip.id,
        at=flip.at,
        revision=flip.revision or 0,
        flag_id=flip.flag_id,
        act=sentence(flip),
        before=before,
        after=after,
        sentence=_comparison(before, after),
    )


def _side(side: Side, now: datetime) -> SideRecord:
    found = _resolutions(side.totals)
    return SideRecord(
        since=side.since,
        until=side.until,
        is_counted=side.is_counted,
        is_over=side.until <= now,
        total=sum(each.count for each in found),
        errors=_errors(found),
        denied=_denied(found),
        resolutions=found,
    )


def _errors(found: Iterable[ResolutionsRecord]) -> int:
    return sum(each.count for each in found if each.outcome.is_error)


def _denied(found: Iterable[ResolutionsRecord]) -> int:
    return sum(each.count for each in found if each.outcome is ResolutionOutcome.DENIED)


def _resolutions(totals: Totals) -> tuple[ResolutionsRecord, ...]:
    return tuple(ResolutionsRecord(*kind, count) for kind, count in totals.items())


def _comparison(before: SideRecord, after: SideRecord) -> str:
    if not before.total or not after.total:
        return f"before: {_alone(before)}; after{_so_far(after)}: {_alone(after)}"
    kinds = [("errors", before.errors, after.errors)]
    if before.denied or after.denied:
        kinds.append(("denied", before.denied, after.denied))
    shares = (
        f"{word} {percent(a, before.total)} → {percent(b, after.total)}" for word, a, b in kinds
    )
    of = f"of {before.total} before and {after.total} after{_so_far(after)}"
    return f"{', '.join(shares)} ({of})"


def _alone(side: SideRecord) -> str:
    if not side.total:
        return NOTHING if side.is_counted else NOBODY
    denied = f", denied {percent(side.denied, side.total)}" if side.denied else ""
    return f"errors {percent(side.errors, side.total)}{denied} of {side.total}"


def _so_far(side: SideRecord) -> str:
    return "" if side.is_over else " so far"


def percent(part: int, whole: int) -> str:
    """Return a share in words; neither 0 % nor 100 % unless it is none or all."""
    share = part / whole
    if 0 < share < _TENTH:
        return "under 0.1 %"
    if 1 - _TENTH < share < 1:
        return "over 99.9 %"
    digits = 0 if share in (0, 1) or 0.1 <= share < 0.99 else 1
    return f"{100 * share:.{digits}f}".removesuffix(".0") + " %"


def _hour(minutes: tuple[MinuteRecord, ...], now: datetime) -> str:
    if not any(minute.is_counted for minute in minutes):
        return "No process counted anything in the last hour."
    first, last = (clock(minutes[end].at, now) for end in (0, -1))
    every = [each for minute in minutes for each in minute.resolutions]
    total, errors, denied = sum(each.count for each in every), _errors(every), _denied(every)
    flips = sum(len(minute.revisions) for minute in minutes)
    shares = f", errors {percent(errors, total)}, denied {percent(denied, total)}" if total else ""
    return f"{first} to {last}: {plural(total, 'resolution')}{shares}; {plural(flips, 'flip')}."
