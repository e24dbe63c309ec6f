"""What an idle process need not say again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from flagctl.domain.impact import SECONDS_A_MINUTE
from flagctl.store.mode_reader import Reading

ALL_SAID_FOR_S: Final = 30.0
"""How often even an idle process looks at everything and says all. And in each minute anew, for
its counts."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was said and told in full, and between which times that will do (s since 1970)."""

    reading: Reading
    entries: tuple[int, int, int]
    at_s: float
    until_s: float

    @classmethod
    def at(cls, now: datetime, reading: Reading, entries: tuple[int, int, int]) -> Self:
        """Return that all was said and told at this time."""
        at_s = now.timestamp()
        next_minute_s = (at_s // SECONDS_A_MINUTE + 1) * SECONDS_A_MINUTE
        return cls(reading, entries, at_s, min(at_s + ALL_SAID_FOR_S, next_minute_s))
