"""What an adapter process sees and the trail is to tell: break-glass, pins, the policy file."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from flagctl.domain.change import Actor, TakeOverBreakGlass
from flagctl.domain.effective import by_flags
from flagctl.domain.flag import ControlState
from flagctl.domain.gate import Facts
from flagctl.errors import FlagctlError
from flagctl.store.break_glass import BreakGlass, look
from flagctl.store.facts import gather_facts
from flagctl.store.files import DataFiles
from flagctl.store.mode_reader import Reading
from flagctl.store.sightings import record_sighting, was_told
from flagctl.store.trouble import StoreTroubleError, Trouble
from flagctl.store.writing import ControlStore, Receipt
from flagctl.vocabulary import Action, Door, Mode, Outcome, Part, Role

log = logging.getLogger(__name__)

BREAK_GLASS_ACTOR: Final = "break-glass"


@dataclass(frozen=True, slots=True)
class Place:
    """Where this process runs, and with which configuration."""

    host: str
    part: Part
    pin: Mode | None
    policy_path: Path | None


class Sightings:
    """Tells each sighting once, by the one write path; for one thread.

    What the store can't take now is told with a later turn.

    Args:
        files: the data directory.
        store: the writer of control.db.
        place: where this process runs.
        clock: tells the time, aware and in UTC.
        policy_sha256: tells the hash of the queue policy file; `None` when it can't be read.

    """

    def __init__(
        self,
        files: DataFiles,
        store: ControlStore,
        place: Place,
        clock: Callable[[], datetime],
        policy_sha256: Callable[[], str | None],
    ) -> None:
        self._files = files
        self._store = store
        self._place = place
        self._clock = clock
        self._policy_sha256 = policy_sha256
        self._glass_seen: BreakGlass | None = None
        self._glass_told: BreakGlass | None = None
        self._glass_told_revision: int | None = None
        self._pin_told = False
        self._policy_told: str | None = None
        self._problem: str | None = None

    def tell(self, reading: Reading) -> None:
        """Tell what is new in `reading` and around it."""
        self._see_break_glass(reading)
        problem = None
        try:
            self._tell_break_glass(reading)
            self._tell_pin(reading)
            self._tell_policy()
        except FlagctlError as error:
            problem = str(error)
            if problem != self._problem:
                log.warning("A sighting waits for the store: %s", problem)
        self._problem = problem

    @property
    def is_all_told(self) -> bool:
        """Tell whether nothing waits for the store, and the policy file is the one last told."""
        return self._problem is None and self._policy_sha256() in (None, self._policy_told)

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def let_go(self, trouble: StoreTroubleError | None) -> None:
        """Close the store while its WAL is gone: as long as it is open here, no other is found."""
        if trouble is not None and trouble.trouble is Trouble.WAL_REMOVED:
            self._store.close()

    def is_kept(self, glass: BreakGlass, reading: Reading) -> bool:
        """Tell whether this file may go: the flags keep its mode, or had no need to."""
        return glass == self._glass_told or _covers(reading.state, glass)

    def _see_break_glass(self, reading: Reading) -> None:
        """Remember the safest file not told yet, also when another one lies there since."""
        glass, seen = reading.break_glass, self._glass_seen
        if glass is not None and (seen is None or glass.mode.rung <= seen.mode.rung):
            self._glass_seen = glass
        elif glass is None and seen is not None and _covers(reading.state, seen):
            self._glass_seen = None

    def _tell_break_glass(self, reading: Reading) -> None:
        glass = self._glass_seen
        if glass is not None and not self._is_told(glass, reading):
            self._take_over(glass)
        self._glass_seen = None

    def _is_told(self, glass: BreakGlass, reading: Reading) -> bool:
        """Tell whether nothing is left to do; a file that still lies there outlives its flag."""
        if glass != self._glass_told:
            return False
        state = reading.state
        return state is None or _covers(state, glass) or state.revision == self._glass_told_revision

    def _take_over(self, glass: BreakGlass) -> None:
        change = _change_for(glass)
        if self._is_over(change):
            self._glass_told = glass
            return
        actor = Actor(BREAK_GLASS_ACTOR, Role.OPERATOR, Door.RUNTIME, claim=glass.file_owner)
        receipt = self._store.apply(change, actor, self._facts())
        self._glass_told, self._glass_told_revision = glass, receipt.revision
        _log_taken_over(receipt)

    def _is_over(self, change: TakeOverBreakGlass) -> bool:
        """Tell whether the file is gone and another process took it over: its flag may be ended."""
        gone = look(self._files.break_glass) is None
        return gone and was_told(self._files, Action.BREAK_GLASS, change.detail)

    def _facts(self) -> Facts:
        facts = gather_facts(self._files, self._clock())
        # Whether or not runtime.db can be read, this process is one of the live ones.
        return replace(facts, pins=(*facts.pins, self._place.pin))

    def _tell_pin(self, reading: Reading) -> None:
        pin, state = self._place.pin, reading.state
        if self._pin_told or pin is None or state is None or pin.rung >= by_flags(state).rung:
            return
        detail = {"host": self._place.host, "role": str(self._place.part), "pin": str(pin)}
        self._record(Action.PIN_SEEN, detail, about=("host", "role"))
        self._pin_told = True

    def _tell_policy(self) -> None:
        path, sha256 = self._place.policy_path, self._policy_sha256()
        if path is None or sha256 is None or sha256 == self._policy_told:
            return
        detail = {"host": self._place.host, "path": str(path.absolute()), "sha256": sha256}
        self._record(Action.POLICY_SEEN, detail, about=("host", "path"))
        self._policy_told = sha256

    def _record(self, action: Action, detail: dict[str, str], *, about: tuple[str, ...]) -> None:
        # Any process of the host would tell the same, so the host is who tells it.
        actor = Actor(f"host:{self._place.host}", Role.VIEWER, Door.RUNTIME)
        record_sighting(self._store, actor, action, detail, about=about)


def _change_for(glass: BreakGlass) -> TakeOverBreakGlass:
    return TakeOverBreakGlass(
        mode=glass.mode,
        host=glass.host,
        path=str(glass.path.absolute()),
        file_owner=glass.file_owner,
        modified_at=glass.modified_at,
    )


def _covers(state: ControlState | None, glass: BreakGlass) -> bool:
    """Tell whether an active rollback flag is at least as safe as the file."""
    mode = state.rollback_mode if state else None
    return mode is not None and mode.rung <= glass.mode.rung


def _log_taken_over(receipt: Receipt) -> None:
    if receipt.outcome is Outcome.ACCEPTED and receipt.flag is not None:
        log.warning(
            "The break-glass file is rollback flag %d now, at revision %d; audit head %s.",
            receipt.flag.id,
            receipt.revision,
            receipt.event.hash,
        )
