"""When somebody is reminded: a schedule as data, and what of it is due (decision 1).

Everything is counted in spans from one moment in UTC, so neither a time zone nor daylight saving
can shift a stage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from types import MappingProxyType
from typing import Final

from flagctl.domain.flag import Flag
from flagctl.domain.reminder_words import Recipient
from flagctl.vocabulary import FlagKind

SNOOZE_MAX: Final = timedelta(hours=1)
CLOCK_SLACK: Final = timedelta(minutes=15)
"""A clock set back by less is believed; what was told further in the future was told by mistake."""

EXPIRING: Final = "expiring"
EXPIRED: Final = "expired"

_OWNER: Final = (Recipient.OWNER,)
_OPERATORS: Final = (Recipient.OWNER, Recipient.OPERATORS)
_EVERYBODY: Final = (Recipient.OWNER, Recipient.OPERATORS, Recipient.ADMINS)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a schedule: `after` is counted from the plan's anchor."""

    name: str
    after: timedelta
    tells: tuple[Recipient, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The stages of one kind of reminder.

    `lead` is how long before the anchor the first stage comes, at most `lead_share` of the life
    when there is one; `steps` follow it, and `repeated` comes every `repeated.after` for ever.
    """

    steps: tuple[Step, ...]
    repeated: Step
    lead: timedelta | None = None
    lead_share: float | None = None


ROLLBACK: Final = Schedule(
    lead=timedelta(minutes=15),
    lead_share=0.1,
    steps=(
        Step(EXPIRED, timedelta(0), _OPERATORS),
        Step("hour-1", timedelta(hours=1), _OPERATORS),
        Step("hour-4", timedelta(hours=4), _EVERYBODY),
    ),
    repeated=Step("day", timedelta(days=1), _EVERYBODY),
)
CUTOVER: Final = Schedule(
    lead=timedelta(days=3),
    steps=(Step(EXPIRED, timedelta(0), _OPERATORS),),
    repeated=Step("week", timedelta(weeks=1), _OPERATORS),
)
PIN: Final = Schedule(steps=(), repeated=Step("day", timedelta(days=1), (Recipient.OPERATORS,)))
"""A pin that lowers a process and that no rollback covers: nobody owns it."""

SCHEDULES: Final[Mapping[FlagKind, Schedule]] = MappingProxyType(
    {FlagKind.ROLLBACK: ROLLBACK, FlagKind.CUTOVER: CUTOVER}
)


@dataclass(frozen=True, slots=True)
class Stage:
    """One reminder of a plan: its name, when it comes, and who is told."""

    name: str
    at: datetime
    tells: tuple[Recipient, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A stage that was told: when it was to come, and what the clock said when it was told."""

    stage: str
    at: datetime
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """The stage to tell now. `missed` names the earlier ones that it stands for."""

    stage: Stage
    missed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """What the trail says of a flag as it is now.

    `generation` is the revision of its last change, made at `since`; `granted_at` is when it got
    the time that it has, so a handing over does not move it.
    """

    generation: int
    since: datetime
    granted_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule pinned to the calendar.

    Stages up to `since` do not come: the act of that moment told the same already.
    """

    schedule: Schedule
    anchor: datetime
    since: datetime
    life: timedelta | None = None

    def stages(self) -> Iterator[Stage]:
        """Return every stage, by its time; it never ends."""
        # In UTC: a sum in a zone with daylight saving is one of wall clocks.
        anchor, lead = self.anchor.astimezone(UTC), self._lead()
        if lead is not None:
            yield Stage(EXPIRING, anchor - lead, _OWNER)
        for step in self.schedule.steps:
            yield Stage(step.name, anchor + step.after, step.tells)
        repeated = self.schedule.repeated
        for number in count(1):
            at = anchor + number * repeated.after
            yield Stage(f"{repeated.name}-{number}", at, repeated.tells)

    def _lead(self) -> timedelta | None:
        lead, share = self.schedule.lead, self.schedule.lead_share
        if lead is None or share is None or self.life is None:
            return lead
        return min(lead, max(self.life, timedelta(0)) * share)


def flag_plan(flag: Flag, term: Term) -> Plan | None:
    """Return the plan of a flag; an ended one has none."""
    if not flag.is_active:
        return None
    return Plan(
        SCHEDULES[flag.kind],
        anchor=flag.expires_at,
        since=term.since,
        life=flag.expires_at - term.granted_at,
    )


def pin_plan(seen_at: datetime) -> Plan:
    """Return the plan of a pin that lowers a process, first seen at that time."""
    return Plan(PIN, anchor=seen_at, since=seen_at)


def due(plan: Plan, now: datetime, told: Iterable[Told]) -> Due | None:
    """Return what is to be told now: the newest stage that has come, which stands for the others.

    However often it is asked and however the clock jumps, no stage comes twice. What was told
    under a clock that ran ahead silences nothing but that very stage.
    """
    come = _come(plan, now)
    known = tuple(told)
    names = {each.stage for each in known}
    if not come or come[-1].name in names:
        return None
    newest = come[-1]
    believed = [each.at for each in known if each.told_at <= now + CLOCK_SLACK]
    if any(at > newest.at for at in believed):
        return None
    return Due(newest, tuple(_missed(come[:-1], names, believed)))


def upcoming(plan: Plan, now: datetime, told: Iterable[Told]) -> Stage:
    """Return the next stage that is still to come."""
    names = {each.stage for each in told}
    since = _since(plan, now)
    return next(
        stage for stage in plan.stages() if stage.at > max(now, since) and stage.name not in names
    )


def current(plan: Plan, now: datetime) -> Stage | None:
    """Return the newest stage that has come, whether or not it was told."""
    come = _come(plan, now)
    return come[-1] if come else None


def snooze_end(now: datetime, span: timedelta, next_stage: datetime) -> datetime:
    """Return until when a snooze holds: at most an hour, and never beyond the next stage."""
    return min(now + min(span, SNOOZE_MAX), next_stage)


def _come(plan: Plan, now: datetime) -> list[Stage]:
    since = _since(plan, now)
    come: list[Stage] = []
    for stage in plan.stages():
        if stage.at > now:
            return come
        if stage.at > since:
            come.append(stage)
    return come


def _since(plan: Plan, now: datetime) -> datetime:
    """Return from when on stages come; a change dated in the future was dated by a wrong clock."""
    return plan.since if plan.since <= now + CLOCK_SLACK else datetime.min.replace(tzinfo=UTC)


def _missed(earlier: list[Stage], names: set[str], believed: list[datetime]) -> Iterator[str]:
    for stage in earlier:
        if stage.name not in names and not any(at >= stage.at for at in believed):
            yield stage.name
