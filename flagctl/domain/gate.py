"""The upward gate: whether the facts allow a live process to get `real-policy` (section 3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from flagctl.domain.effective import in_force
from flagctl.domain.flag import ControlState
from flagctl.errors import PreconditionError
from flagctl.vocabulary import LADDER, Mode

VERDICT_MAX_AGE: Final = timedelta(seconds=15)

Pins = tuple[Mode | None, ...]


@dataclass(frozen=True, slots=True)
class SlurmVerdict:
    """Whether the preconditions of `real-policy` hold; `None` means nobody knows.

    Without `taken_at` no cluster was seen for it; that they hold can't be told then.
    """

    holds: bool | None
    detail: str
    taken_at: datetime | None = None


UNKNOWN_VERDICT: Final = SlurmVerdict(holds=None, detail="no live process has checked Slurm for it")


@dataclass(frozen=True, slots=True)
class Facts:
    """What was learnt before the transaction.

    `pins` has one entry for each live adapter process: the mode that its environment pins, or
    `None`. Without any live process a process without a pin is assumed, so that a gate never
    opens because nobody is there to object. Where `are_pins_known` is false, processes of any pin
    may live besides: one without a pin and one pinned to the top are assumed then. `verdicts` are
    those of the live ones, in the same order; `verdict` counts for a process without one.
    `newest_revision` is the newest that processes put down when they had read it.
    """

    pins: Pins = ()
    verdict: SlurmVerdict = UNKNOWN_VERDICT
    break_glass: Mode | None = None
    are_pins_known: bool = True
    verdicts: tuple[SlurmVerdict, ...] = ()
    newest_revision: int = 0

    @property
    def possible_pins(self) -> Pins:
        """Return the pins of the live processes, and of those that nobody can rule out."""
        return self.pins if self.are_pins_known else (*self.pins, None, LADDER[-1])

    @property
    def assumed_pins(self) -> Pins:
        """Return the possible pins, or of one process without a pin."""
        return self.possible_pins or (None,)

    @property
    def assumed_verdicts(self) -> tuple[tuple[Mode | None, SlurmVerdict], ...]:
        """Return each assumed pin with the verdict of its process."""
        own = iter(self.verdicts)
        return tuple((pin, next(own, self.verdict)) for pin in self.assumed_pins)

    def with_verdict(self, verdict: SlurmVerdict) -> Facts:
        """Return the facts as they were if every process said this."""
        return replace(self, verdict=verdict, verdicts=())


def require_preconditions(
    before: ControlState, after: ControlState, facts: Facts, now: datetime
) -> None:
    """Refuse `after` if it newly gives a process `real-policy` whose verdict is not a yes.

    Raises:
        PreconditionError: such a verdict is negative, unknown or older than 15 s.

    """
    for pin, verdict in facts.assumed_verdicts:
        problem = _problem(verdict, now)
        if problem and _gets_real_policy(before, after, pin):
            raise PreconditionError(
                f"Refused: {Mode.REAL_POLICY} would come into force and {problem}. "
                "The mode stays as it is. There is no override."
            )


def is_stale(taken_at: datetime, now: datetime) -> bool:
    """Tell whether a verdict is too old to count.

    By its distance: after the clock was set back, an old one would be young for long.
    """
    return abs(now - taken_at) > VERDICT_MAX_AGE


def _gets_real_policy(before: ControlState, after: ControlState, pin: Mode | None) -> bool:
    return (
        in_force(after, pin) is Mode.REAL_POLICY and in_force(before, pin) is not Mode.REAL_POLICY
    )


def _problem(verdict: SlurmVerdict, now: datetime) -> str | None:
    if verdict.holds is None or (verdict.holds and verdict.taken_at is None):
        return f"its preconditions are unknown: {verdict.detail}"
    if verdict.taken_at is not None and is_stale(verdict.taken_at, now):
        return "the last check of its preconditions is too old"
    if not verdict.holds:
        return f"a precondition does not hold: {verdict.detail}"
    return None
