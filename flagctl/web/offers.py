"""What may be done now, as the buttons of the first page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from flagctl.domain.change import Actor, EndRollback, RaiseRollback, RollBack
from flagctl.domain.effective import by_flags
from flagctl.domain.flag import ControlState
from flagctl.vocabulary import DEFAULT_MODE, LADDER, FlagKind, Mode, Role, Source
from flagctl.web.outlook import Outlook, try_out

TRIED: Final = "tried"
"""Stands for the reason that its author has not typed yet."""


class Direction(StrEnum):
    """Whether an act leads toward safe, toward risky, or keeps the mode."""

    SAFER = "safer"
    RISKIER = "riskier"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Offer:
    """A button: where it leads, or what wins over it now."""

    label: str
    path: str
    direction: Direction
    lock: Source | None = None
    about: FlagKind | None = None
    """The flag beside which it stands; `None` for what stands beside the mode itself."""


def offers(outlook: Outlook, actor: Actor) -> list[Offer]:
    """Return what the actor may do now, the way to safety first."""
    if not actor.role.includes(Role.OPERATOR):
        return []
    return [*_down(outlook, actor), *_kept(outlook.state), *_up(outlook, actor)]


def lower_modes(state: ControlState) -> list[Mode]:
    """Return the modes that a rollback may lead to, the nearest first."""
    return [mode for mode in reversed(LADDER) if mode.rung < by_flags(state).rung]


def modes_between(state: ControlState) -> list[Mode]:
    """Return the modes that the rollback may be raised to, the nearest first."""
    ceiling = state.cutover_mode or DEFAULT_MODE
    floor = state.rollback_mode or ceiling
    return [mode for mode in LADDER if floor.rung < mode.rung < ceiling.rung]


def other_modes(state: ControlState) -> list[Mode]:
    """Return the modes that the cutover may lead to, the safest first."""
    return [mode for mode in LADDER if mode is not (state.cutover_mode or DEFAULT_MODE)]


def _down(outlook: Outlook, actor: Actor) -> Iterator[Offer]:
    further = "further " if outlook.state.rollback else ""
    for mode in lower_modes(outlook.state):
        lock = try_out(outlook, actor, RollBack(mode, TRIED)).lock
        label = f"Roll back {further}to {mode}…"
        yield Offer(label, f"/rollback?mode={mode}", Direction.SAFER, lock)


def _kept(state: ControlState) -> Iterator[Offer]:
    if state.rollback:
        yield Offer("Extend…", "/extend", Direction.SAME, about=FlagKind.ROLLBACK)
    if state.flags:
        yield Offer("Hand over…", "/handover", Direction.SAME, about=state.flags[0].kind)


def _up(outlook: Outlook, actor: Actor) -> Iterator[Offer]:
    state, revision = outlook.state, outlook.state.revision
    for mode in modes_between(state):
        raised = try_out(outlook, actor, RaiseRollback(mode, TRIED, revision))
        label = f"Raise the rollback to {mode}…"
        yield Offer(label, f"/raise?mode={mode}", Direction.RISKIER, raised.lock)
    if state.rollback:
        configured = state.cutover_mode or DEFAULT_MODE
        change = EndRollback(TRIED, no_follow_up=TRIED, revision=revision)
        lock = try_out(outlook, actor, change).lock
        yield Offer(f"End the rollback → {configured}…", "/end", Direction.RISKIER, lock)
    yield from _cutovers(outlook, actor)


def _cutovers(outlook: Outlook, actor: Actor) -> Iterator[Offer]:
    state, is_admin = outlook.state, actor.role is Role.ADMIN
    configured = state.cutover_mode or DEFAULT_MODE
    for mode in other_modes(state):
        is_up = mode.rung > configured.rung
        if is_admin or not is_up:
            direction = Direction.RISKIER if is_up else Direction.SAFER
            yield Offer(
                f"Cut over to {mode}…", f"/cutover?mode={mode}", direction, about=FlagKind.CUTOVER
            )
    if is_admin and state.cutover:
        yield Offer("Retire it…", "/retire", Direction.SAME, about=FlagKind.CUTOVER)
