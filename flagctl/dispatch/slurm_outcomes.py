"""What Slurm's refusals and its silence mean for a submission, and what a client is told."""

from __future__ import annotations

from typing import Final

from flagctl.dispatch.ports import InDoubtError, NotSentError
from flagctl.domain.boundary import (
    SlurmQueueMapping,
    SlurmRealAdapterPreconditionError,
    SlurmUnavailableError,
)
from flagctl.domain.cluster import Cluster, account_objection, partition_objection
from flagctl.errors import Code, UnavailableError
from flagctl.slurm.trouble import SlurmRefusedError, SlurmTroubleError

LATER_ERRNOS: Final = frozenset({2007, 2027, 2050, 2074, 2105, 2125, 2131})
"""Refusals that a retry may outlive: too many jobs, a limit on them, a controller in standby,
submissions switched off or deferred (`slurm_errno.h`)."""

_TRY_AGAIN: Final = "Try again with the same idempotency key."

Trouble = SlurmTroubleError | SlurmRefusedError


class SlurmRejectedError(NotSentError, SlurmRealAdapterPreconditionError):
    """Slurm does not take such a job, and no retry mends that; nothing was handed over."""

    code = Code.PRECONDITION


class SlurmNotSentError(NotSentError, SlurmUnavailableError):
    """Slurm can't be reached, so nothing was handed over."""


class SlurmInDoubtError(InDoubtError, SlurmUnavailableError):
    """The submission's job may be there, or come; it runs once or not at all."""


class ScriptError(NotSentError):
    """The site's script can't be used; nothing was handed over. Only the log says where it lies."""

    code = Code.MISCONFIGURED


def refusal(
    error: SlurmRefusedError, mapping: SlurmQueueMapping, age_s: float | None
) -> UnavailableError:
    """Return what a refused submission comes to; `age_s` as `silence`."""
    if error.is_slurmctlds and error.errno not in LATER_ERRNOS:
        return SlurmRejectedError(
            f"Slurm refuses jobs of queue “{mapping.queue}” (partition “{mapping.partition}”, "
            f"account “{mapping.account}”, QoS “{mapping.qos}”): {error}. Correct the queue "
            "policy or Slurm; nothing was submitted."
        )
    if error.is_slurmctlds or not error.was_sent:
        return SlurmNotSentError(f"Slurm takes no job now: {error}. {_TRY_AGAIN}")
    return silence(error, age_s)


def silence(error: Trouble, age_s: float | None) -> UnavailableError:
    """Return what a submission without an answer comes to.

    Args:
        error: what was seen instead of an answer.
        age_s: how long ago Slurm was last seen (s), `None` for never.

    """
    last = "never" if age_s is None else f"{age_s:.1f} s ago"
    what = f"Slurm did not answer ({error}); it was last seen {last}."
    if error.was_sent:
        return doubt(what)
    return SlurmNotSentError(f"{what} Nothing was sent. {_TRY_AGAIN}")


def doubt(what: str) -> SlurmInDoubtError:
    """Return what is told of a submission of which nobody knows whether it arrived."""
    return SlurmInDoubtError(f"The submission is in doubt: {what.removesuffix('.')}. {_TRY_AGAIN}")


def objection_to(cluster: Cluster, mapping: SlurmQueueMapping, minutes: int) -> str | None:
    """Return why the cluster would not run a job of this length there; `None` when it would."""
    limit = cluster.max_minutes(mapping)
    if limit is not None and minutes > limit:
        return (
            f"Queue “{mapping.queue}”: {minutes} minutes are asked for, and jobs over {limit} "
            f"minutes pend for ever in partition “{mapping.partition}” with account "
            f"“{mapping.account}” and QoS “{mapping.qos}”."
        )
    return partition_objection(cluster, mapping) or account_objection(cluster, mapping)
