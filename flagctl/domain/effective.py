"""The mode rule (architecture, section 2): which mode is in force, and what decides it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flagctl.domain.flag import ControlState
from flagctl.vocabulary import DEFAULT_MODE, Freshness, Mode, Source, safest


@dataclass(frozen=True, slots=True)
class EffectiveMode:
    """The mode in force for one process, with everything needed to explain it.

    `revision` is that of the flags used; `None` when no store was ever read.
    """

    mode: Mode
    configured: Mode
    source: Source
    freshness: Freshness
    revision: int | None


def by_flags(state: ControlState) -> Mode:
    """Return the mode by flags alone: one fact for the whole store."""
    return safest(state.cutover_mode or DEFAULT_MODE, state.rollback_mode)


def configured(state: ControlState, pin: Mode | None) -> Mode:
    """Return the configured mode of a process whose environment pins `pin`."""
    return pin or state.cutover_mode or DEFAULT_MODE


def in_force(state: ControlState, pin: Mode | None) -> Mode:
    """Return the mode of a process with this pin, were there no break-glass file."""
    return safest(configured(state, pin), state.rollback_mode)


def lowers_nobody(break_glass: Mode, rollback: Mode | None) -> bool:
    """Tell whether an active rollback flag is as low as the break-glass file, or lower."""
    return rollback is not None and rollback.rung <= break_glass.rung


def effective(
    state: ControlState,
    *,
    pin: Mode | None,
    break_glass: Mode | None,
    freshness: Freshness = Freshness.FRESH,
) -> EffectiveMode:
    """Return the effective mode: the safest of configured, rollback flag and break-glass file."""
    wanted = configured(state, pin)
    mode = safest(wanted, state.rollback_mode, break_glass)
    claims = (
        (Source.BREAK_GLASS, break_glass),
        (Source.ROLLBACK_FLAG, state.rollback_mode),
        (Source.ENV, pin),
        (Source.CUTOVER_FLAG, state.cutover_mode if pin is None else None),
    )
    return EffectiveMode(mode, wanted, _first(claims, mode), freshness, state.revision)


@dataclass(frozen=True, slots=True)
class LastKnown:
    """What some process read of the store when it could be read last: the active flags' modes."""

    revision: int
    cutover_mode: Mode | None
    rollback_mode: Mode | None


NOTHING_KNOWN = LastKnown(revision=0, cutover_mode=None, rollback_mode=None)


def without_store(
    *, pin: Mode | None, break_glass: Mode | None, last_known: LastKnown = NOTHING_KNOWN
) -> EffectiveMode:
    """Return the mode of a process that never could read the store (decision 6).

    The safest of configured, `stub-policy`, the break-glass file and what was known last, which
    can only lower: `real-policy` never runs on ignorance.
    """
    wanted = pin or safest(DEFAULT_MODE, last_known.cutover_mode)
    mode = safest(wanted, DEFAULT_MODE, last_known.rollback_mode, break_glass)
    claims = (
        (Source.BREAK_GLASS, break_glass),
        (Source.ROLLBACK_FLAG, last_known.rollback_mode),
        (Source.ENV, pin),
        (Source.CUTOVER_FLAG, last_known.cutover_mode if pin is None else None),
    )
    return EffectiveMode(mode, wanted, _first(claims, mode), Freshness.NO_STORE, revision=None)


def _first(claims: Iterable[tuple[Source, Mode | None]], mode: Mode) -> Source:
    return next((source for source, claim in claims if claim is mode), Source.DEFAULT)
