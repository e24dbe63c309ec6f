"""What an act's decision needs to know besides the flags, taken before its transaction."""

from __future__ import annotations

from datetime import datetime

from flagctl.domain.gate import Facts
from flagctl.domain.readiness import Judge, judges, verdicts_for_gate
from flagctl.store.break_glass import look
from flagctl.store.files import DataFiles
from flagctl.store.heard import heard_of, listen
from flagctl.store.judgements import read_judgements
from flagctl.store.last_known_good import LastKnownGoodFile


def gather_facts(files: DataFiles, now: datetime) -> Facts:
    """Return the pins and verdicts of the live adapter processes, and what a break-glass file asks.

    With a runtime.db that can't be read nobody knows all pins, and any may be there. Never raises.
    """
    glass, heard = look(files.break_glass), listen(files, now)
    live = judges(heard.reports, read_judgements(files, compared=False), now)
    return Facts(
        pins=tuple(each.process.pin for each in live),
        are_pins_known=heard.trouble is None,
        verdicts=verdicts_for_gate(live, now),
        break_glass=glass.mode if glass else None,
        newest_revision=LastKnownGoodFile(files.last_known_good).read().revision,
    )


def live_judges(files: DataFiles, now: datetime) -> tuple[Judge, ...]:
    """Return the live adapter processes, each with what it thinks of the top mode."""
    return judges(heard_of(files), read_judgements(files), now)
