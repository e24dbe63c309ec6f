"""What makes an act useless now: a pin or a break-glass file that decides whatever flags say."""

from __future__ import annotations

from flagctl.domain.effective import effective
from flagctl.domain.flag import ControlState
from flagctl.domain.gate import Facts
from flagctl.vocabulary import Mode, Source


def lock_on(before: ControlState, after: ControlState, facts: Facts) -> Source | None:
    """Return what keeps a change of the flags from reaching any live process, if something does.

    A change that would lower or raise nobody anyway, such as a new owner, is not locked.
    """
    if not _reaches(before, after, (None,), break_glass=None):
        return None
    if _reaches(before, after, facts.assumed_pins, facts.break_glass):
        return None
    pins_alone = _reaches(before, after, facts.assumed_pins, break_glass=None)
    return Source.BREAK_GLASS if pins_alone else Source.ENV


def _reaches(
    before: ControlState,
    after: ControlState,
    pins: tuple[Mode | None, ...],
    break_glass: Mode | None,
) -> bool:
    return any(
        effective(before, pin=pin, break_glass=break_glass).mode
        is not effective(after, pin=pin, break_glass=break_glass).mode
        for pin in pins
    )
