"""What an act's decision needs to know besides the flags, taken before its transaction."""

from __future__ import annotations

from datetime import datetime

from flagctl.domain.gate import UNKNOWN_VERDICT, Facts, SlurmVerdict
from flagctl.store.break_glass import look
from flagctl.store.files import DataFiles
from flagctl.store.runtime_db import listen


def gather_facts(files: DataFiles, now: datetime, verdict: SlurmVerdict = UNKNOWN_VERDICT) -> Facts:
    """Return the pins of the live adapter processes and what a break-glass file asks for.

    With a runtime.db that can't be read nobody knows all pins, and any may be there. Never raises.
    """
    glass, heard = look(files.break_glass), listen(files)
    return Facts(
        pins=tuple(report.pin for report in heard.reports if report.is_live(now)),
        are_pins_known=heard.trouble is None,
        verdict=verdict,
        break_glass=glass.mode if glass else None,
    )
