"""The boundary `slurm-adapter-boundary/v1`: what an adapter answers, and how it refuses.

Names, types and the meaning of the errors are the contract's (runtime contracts, section 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from reprlib import Repr
from typing import ClassVar, Final, Literal

from flagctl.errors import Code, FlagctlError
from flagctl.vocabulary import CONTRACT_VERSION, Mode, ResolutionOutcome

_SHORT: Final = Repr()
_SHORT.maxstring = 80


@dataclass(frozen=True, slots=True)
class SlurmQueueMapping:
    """Where a queue leads on the cluster, and how long its jobs may ask to run (minutes)."""

    queue: str
    partition: str
    account: str
    qos: str
    max_walltime_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmAdapterBoundaryStub:
    """One resolution. `adapter` is the resolver that answered; `mapping` is `None` in passthrough.

    `used_fallback` is true only when the policy routed an unknown queue to its default.
    """

    adapter: Mode
    contract_version: Literal["slurm-adapter-boundary/v1"] = CONTRACT_VERSION
    requested_queue: str
    resolved_queue: str
    used_fallback: bool
    mapping: SlurmQueueMapping | None


class SlurmPolicyError(FlagctlError, RuntimeError):
    """The root of everything by which an adapter refuses to resolve a queue."""

    outcome: ClassVar[ResolutionOutcome] = ResolutionOutcome.MISCONFIGURED


class SlurmPolicyDeniedError(SlurmPolicyError):
    """The queue may not be used: it is blank, or unknown to a policy that denies the unknown."""

    code = Code.INVALID
    outcome = ResolutionOutcome.DENIED


class SlurmPolicyConfigError(SlurmPolicyError):
    """The policy can't be used; never a denial, and a retry does not mend it."""

    code = Code.MISCONFIGURED
    outcome = ResolutionOutcome.MISCONFIGURED


class SlurmRealAdapterPreconditionError(SlurmPolicyError):
    """A precondition of `real-policy` does not hold; it never answers as another mode instead."""

    code = Code.PRECONDITION
    outcome = ResolutionOutcome.PRECONDITION


class SlurmUnavailableError(SlurmPolicyError):
    """`real-policy` can't see the control plane now; a resolution is never changed for that."""

    code = Code.UNAVAILABLE
    outcome = ResolutionOutcome.UNAVAILABLE


def requested_queue(name: str) -> str:
    """Return the name of the queue that was asked for, trimmed.

    Raises:
        SlurmPolicyDeniedError: it is blank; that is denied in every mode.

    """
    trimmed = name.strip()
    if not trimmed:
        raise SlurmPolicyDeniedError(
            f"The queue name {quoted(name)} is blank. Name the queue in queue_name."
        )
    return trimmed


def quoted(text: str) -> str:
    """Return text as a message shows it: quoted, escaped, and shortened in its middle."""
    return _SHORT.repr(text)
