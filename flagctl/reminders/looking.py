"""What there is to tell now: stages that have come, sights that are gone, processes that lag."""

from __future__ import annotations

import socket
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from flagctl.domain.audit import AuditEvent
from flagctl.domain.effective import by_flags
from flagctl.domain.flag import ControlState
from flagctl.domain.process import (
    Convergence,
    Heard,
    ProcessReport,
    convergence,
    follows,
    laggards,
)
from flagctl.domain.reminder_words import ReminderKind
from flagctl.store.audit_log import committed_at
from flagctl.store.break_glass import look as look_at_break_glass
from flagctl.store.files import DataFiles
from flagctl.store.heard import listen
from flagctl.store.outbox import NewReminder
from flagctl.store.planning import due_stages
from flagctl.store.reading import read_state
from flagctl.store.reminder_reading import (
    is_known,
    read_channels_due,
    read_untold,
)
from flagctl.store.sightings import open_sightings
from flagctl.store.uptime import Uptime
from flagctl.vocabulary import Action, Mode


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is seen besides the flags: the processes, and whether a break-glass file lies there."""

    host: str
    heard: Heard
    break_glass_path: str
    is_glass_there: bool

    def convergence(self, revision: int, now: datetime) -> Convergence:
        """Return who follows the revision."""
        return convergence(self.heard.reports, revision, now, gap=self.heard.gap)


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be done now; `channels` are those for which a delivery is due."""

    new: tuple[NewReminder, ...]
    gone: tuple[AuditEvent, ...]
    has_untold: bool
    channels: tuple[str, ...]

    @property
    def is_to_be_written(self) -> bool:
        """Tell whether something must be written before anything can be delivered."""
        return bool(self.new or self.gone or self.has_untold)


def look_around(files: DataFiles, now: datetime) -> Surroundings:
    """Return what is seen from this host now."""
    return Surroundings(
        host=socket.gethostname(),
        heard=listen(files, now),
        break_glass_path=str(files.break_glass.absolute()),
        is_glass_there=look_at_break_glass(files.break_glass) is not None,
    )


def find(connection: sqlite3.Connection, around: Surroundings, now: datetime, up: Uptime) -> Found:
    """Return what is to be told, given out or delivered now."""
    state = read_state(connection)
    pins = open_sightings(connection, Action.PIN_SEEN)
    lowering = [seen for seen in pins if _lowers(seen, state, around, now)]
    return Found(
        new=(
            *due_stages(connection, state, lowering, now),
            *_lagging(connection, state, around, now),
        ),
        gone=(
            *(seen for seen in pins if _is_pin_gone(seen, around, now)),
            *_glass_gone(connection, around),
        ),
        has_untold=bool(read_untold(connection)),
        channels=tuple(read_channels_due(connection, now, up)),
    )


def _same_service(seen: AuditEvent, around: Surroundings, now: datetime) -> list[ProcessReport]:
    """Return the live processes of the host and the part that a pin was seen in."""
    host, role = seen.detail.get("host"), seen.detail.get("role")
    return [
        report
        for report in around.heard.reports
        if report.is_live(now) and (report.host, report.role) == (host, role)
    ]


def _lowers(seen: AuditEvent, state: ControlState, around: Surroundings, now: datetime) -> bool:
    pins = {report.pin for report in _same_service(seen, around, now)}
    pin = next((each for each in pins if each == seen.detail.get("pin")), None)
    return pin is not None and Mode(pin).rung < by_flags(state).rung


def _is_pin_gone(seen: AuditEvent, around: Surroundings, now: datetime) -> bool:
    """Tell whether the service lives without the pin.

    While it is down nobody can say, nor while there may be more of its processes.
    """
    if around.heard.gap is not None:
        return False
    alive = _same_service(seen, around, now)
    return bool(alive) and all(report.pin != seen.detail.get("pin") for report in alive)


def _glass_gone(connection: sqlite3.Connection, around: Surroundings) -> list[AuditEvent]:
    if around.is_glass_there:
        return []
    here = {"host": around.host, "path": around.break_glass_path}.items()
    seen = open_sightings(connection, Action.BREAK_GLASS)
    return [event for event in seen if here <= event.detail.items()]


def _lagging(
    connection: sqlite3.Connection, state: ControlState, around: Surroundings, now: datetime
) -> list[NewReminder]:
    if all(follows(report, state.revision) for report in around.heard.reports):
        return []
    since = committed_at(connection, state.revision)
    if since is None:
        return []
    late = laggards(around.heard.reports, state.revision, since, now)
    found = [_of_laggard(report, state.revision, since) for report in late]
    return [new for new in found if not is_known(connection, new.key)]


def _of_laggard(report: ProcessReport, revision: int, committed_at: datetime) -> NewReminder:
    return NewReminder(
        key=f"lagging/{report.id}/{revision}",
        kind=ReminderKind.LAGGING,
        at=committed_at,
        detail={
            "pid": report.pid,
            "host": report.host,
            "revision": revision,
            "used": report.revision,
            "mode": report.mode,
        },
    )
