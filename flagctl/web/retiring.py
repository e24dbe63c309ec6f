"""What is left to clean up once the cutover flag is retired, told before and after the act."""

from __future__ import annotations

from dataclasses import replace

from flagctl.domain.flag import ControlState, Flag
from flagctl.present.cleanup import what_remains
from flagctl.present.receipt import Done
from flagctl.present.records import ReceiptRecord
from flagctl.store.break_glass import look as look_for_break_glass
from flagctl.store.follow_ups import read_follow_ups
from flagctl.store.reading import reading
from flagctl.vocabulary import Action
from flagctl.web.services import Services


def remains(services: Services, retired: Flag, state: ControlState) -> tuple[str, ...]:
    """Return what a person has still to do once this flag is retired, in words."""
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        follow_ups = read_follow_ups(connection)
    glass = look_for_break_glass(services.files.break_glass)
    path = str(glass.path.absolute()) if glass else None
    return what_remains(retired, state, path, follow_ups)


def with_what_remains(services: Services, done: Done, record: ReceiptRecord) -> ReceiptRecord:
    """Return the receipt; that of a retirement says what remains to be cleaned up."""
    if done.event.action is not Action.RETIRE or done.flag is None:
        return record
    # Pinned is what every process is meant to be now, so that is nothing to warn of.
    return replace(record, next_steps=remains(services, done.flag, done.state), warnings=())
