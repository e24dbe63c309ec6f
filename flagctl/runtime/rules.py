"""What the mapping of a queue lets a job ask for; the same in every mode that has a mapping.

(Architecture, decision 10.)
"""

from __future__ import annotations

from typing import Final

from flagctl.domain.boundary import SlurmQueueMapping, quoted
from flagctl.runtime.problems import ProblemCode, ProblemError
from flagctl.runtime.schemas import SubmitJobCommand

_SECONDS: Final = 60


def require_allowed(command: SubmitJobCommand, mapping: SlurmQueueMapping | None) -> None:
    """Raise `ProblemError` when the command asks for more, or other, than its queue's mapping."""
    if mapping is None:
        return
    profile = command.execution_profile
    _require_same("account", profile.account, mapping.account, mapping.queue)
    _require_same("qos", profile.qos, mapping.qos, mapping.queue)
    asked_s, most_s = (
        command.resource_shape.walltime_seconds,
        mapping.max_walltime_minutes * _SECONDS,
    )
    if asked_s > most_s:
        raise ProblemError(
            ProblemCode.POLICY_REJECTED,
            f"The walltime of {asked_s} s is above the {most_s} s "
            f"({mapping.max_walltime_minutes} min) of queue {quoted(mapping.queue)}.",
            "/resource_shape/walltime_seconds",
        )


def _require_same(name: str, asked: str | None, mapped: str, queue: str) -> None:
    if asked is not None and asked.strip() != mapped:
        raise ProblemError(
            ProblemCode.POLICY_REJECTED,
            f"Queue {quoted(queue)} runs with {name} {quoted(mapped)}, not {quoted(asked)}. "
            "Leave it out or ask for that one.",
            f"/execution_profile/{name}",
        )
