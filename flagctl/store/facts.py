"""What an act's decision needs to know besides the flags, taken before its transaction."""

from __future__ import annotations

from datetime import datetime

from flagctl.domain.gate import UNKNOWN_VERDICT, Facts, SlurmVerdict
from flagctl.store.break_glass import look
from flagctl.store.files import DataFiles
from flagctl.store.runtime_db import heard_of


def gather_facts(files: DataFiles, now: datetime, verdict: SlurmVerdict = UNKNOWN_VERDICT) -> Facts:
    """Return the pins of the live adapter processes and what a break-glass file asks for.

    An unreadable runtime.db counts as no process heard of, and the gate then assumes one without
    a pin. Never raises.
    """
    glass = look(files.break_glass)
    return Facts(
        pins=tuple(report.pin for report in heard_of(files) if report.is_live(now)),
        verdict=verdict,
        break_glass=glass.mode if glass else None,
    )
