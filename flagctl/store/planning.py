"""Which stages of the schedules have come: read from the flags and from what was told already."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime

from flagctl.domain.audit import AuditEvent
from flagctl.domain.flag import ControlState, Flag
from flagctl.domain.reminder import Due, due, flag_plan, pin_plan
from flagctl.domain.reminder_words import ReminderKind
from flagctl.store.outbox import NewReminder
from flagctl.store.reminder_reading import read_term, read_told_of_event, read_told_of_flag


def due_stages(
    connection: sqlite3.Connection,
    state: ControlState,
    lowering_pins: Iterable[AuditEvent],
    now: datetime,
) -> Iterator[NewReminder]:
    """Return the reminders to be added now.

    Args:
        connection: control.db, for reading or inside the transaction that adds them.
        state: the flags of the same moment.
        lowering_pins: the sightings of pins that lower a live process under no rollback.
        now: the time, aware and in UTC.

    """
    for flag in state.flags:
        new = due_stage_of_flag(connection, flag, now)
        if new is not None:
            yield new
    for seen in lowering_pins:
        found = due(pin_plan(seen.at), now, read_told_of_event(connection, seen.id))
        if found is not None:
            key = f"pin/{seen.id}/{found.stage.name}"
            yield _stage(found, key=key, event_id=seen.id)


def due_stage_of_flag(
    connection: sqlite3.Connection, flag: Flag, now: datetime
) -> NewReminder | None:
    """Return the stage of the flag that is to be told now."""
    plan = flag_plan(flag, read_term(connection, flag))
    found = plan and due(plan, now, read_told_of_flag(connection, flag))
    if not found:
        return None
    key = f"flag/{flag.id}/{flag.revision}/{found.stage.name}"
    return _stage(found, key=key, flag=flag)


def _stage(
    found: Due, *, key: str, flag: Flag | None = None, event_id: int | None = None
) -> NewReminder:
    return NewReminder(
        key=key,
        kind=ReminderKind.STAGE,
        at=found.stage.at,
        flag_id=flag.id if flag else None,
        generation=flag.revision if flag else None,
        stage=found.stage.name,
        event_id=event_id,
        missed=len(found.missed),
        detail={"tells": " ".join(found.stage.tells)},
    )
