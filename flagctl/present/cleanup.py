"""What remains to be cleaned up after the cutover (the contract's temporary rollback switches)."""

from __future__ import annotations

from collections.abc import Sequence

from flagctl.domain.access import short_name
from flagctl.domain.delivery import FollowUp
from flagctl.domain.flag import ControlState, Flag
from flagctl.present.wording import quoted
from flagctl.vocabulary import DEFAULT_MODE


def what_remains(
    retired: Flag,
    state: ControlState,
    break_glass_path: str | None,
    follow_ups: Sequence[FollowUp],
) -> tuple[str, ...]:
    """Return what a person has still to do after the cutover flag was retired, in words."""
    steps = [
        f"Keep ZPE_SLURM_ADAPTER={retired.mode} in the configuration of every service: it is what "
        f"holds the mode now. A service without it gets {DEFAULT_MODE}.",
    ]
    if state.rollback is not None:
        steps.append(_end_rollback(state.rollback))
    if break_glass_path is not None:
        steps.append(f"Remove {break_glass_path}: it still lowers every process of this host.")
    steps += [
        f"Do and close what flag {each.flag_id} left: {each.link} "
        f"(flagctl follow-ups close {each.flag_id} --reason TEXT)."
        for each in follow_ups
    ]
    steps.append(
        "Take out of scripts, dashboards and on-call notes what was there for the cutover only: "
        "overrides of ZPE_SLURM_ADAPTER to a lower mode, their owners and expiries. "
        "Rolling back by `flagctl rollback` and break-glass stays as it is."
    )
    return tuple(steps)


def _end_rollback(flag: Flag) -> str:
    return (
        f"End rollback flag {flag.id} of {short_name(flag.owner)} ({quoted(flag.reason)}): until "
        f"then every service stays at {flag.mode} or below."
    )
