"""What a process knows of the store, and the answer that it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flagctl.domain.access import RuntimeScope
from flagctl.domain.effective import (
    NOTHING_KNOWN,
    EffectiveMode,
    LastKnown,
    effective,
    in_force,
    without_store,
)
from flagctl.domain.flag import ControlState
from flagctl.store.break_glass import BreakGlass
from flagctl.store.reading import Snapshot
from flagctl.store.trouble import StoreTroubleError, Trouble
from flagctl.vocabulary import Freshness, Mode


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer: all that a request needs of control state, all of one moment.

    `scopes` and `state` are `None` when the store was never read; `trouble` says what is wrong
    with it now.
    """

    effective: EffectiveMode
    scopes: Mapping[str, RuntimeScope] | None
    trouble: StoreTroubleError | None
    break_glass: BreakGlass | None
    state: ControlState | None


@dataclass(frozen=True, slots=True)
class Known:
    """All that a process knows.

    With `trouble` the store can't be read; with `doubt` it can, but nobody can tell whether it is
    still the file in place.
    """

    snapshot: Snapshot | None = None
    trouble: StoreTroubleError | None = None
    doubt: StoreTroubleError | None = None
    break_glass: BreakGlass | None = None
    last_known: LastKnown = NOTHING_KNOWN

    def require_no_way_back(self, newer: Snapshot, path: Path, pin: Mode | None) -> None:
        """Refuse an earlier revision that would raise the mode: it is no act, but a loss.

        Revisions are never used again, and a restore goes above all: whoever rolled back would be
        undone by a WAL that was removed, or by an older file that was put there (decision 7).

        Raises:
            StoreTroubleError: what was read before stays.

        """
        if self.snapshot is None:
            return
        before, now = self.snapshot.state, newer.state
        is_higher = in_force(now, pin).rung > in_force(before, pin).rung
        if now.revision < before.revision and is_higher:
            cause = f"revision {now.revision} after {before.revision}"
            raise StoreTroubleError(Trouble.WENT_BACK, path, cause)

    def reading(self, pin: Mode | None) -> Reading:
        """Return the answer of a process whose environment pins `pin`."""
        trouble, snapshot, break_glass = self.trouble or self.doubt, self.snapshot, self.break_glass
        lowered = break_glass.mode if break_glass else None
        if snapshot is None:
            mode = without_store(pin=pin, break_glass=lowered, last_known=self.last_known)
            return Reading(mode, None, trouble, break_glass, None)
        freshness = Freshness.LAST_KNOWN_GOOD if trouble else Freshness.FRESH
        mode = effective(snapshot.state, pin=pin, break_glass=lowered, freshness=freshness)
        return Reading(mode, snapshot.scopes, trouble, break_glass, snapshot.state)
