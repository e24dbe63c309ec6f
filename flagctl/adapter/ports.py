"""What the adapter needs from elsewhere, and what a mode's resolver must do."""

from __future__ import annotations

from typing import Protocol

from flagctl.domain.boundary import SlurmAdapterBoundaryStub
from flagctl.domain.effective import EffectiveMode
from flagctl.domain.policy import QueuePolicy


class EffectiveModeReader(Protocol):
    """Says which mode is in force, on every call anew."""

    def effective(self) -> EffectiveMode: ...


class UseWatch(Protocol):
    """Hears of every mode before it is used, so that others see what this process follows."""

    def note(self, used: EffectiveMode) -> None:
        """Hear of one; never raises, and waits for nothing."""

    def stop(self) -> None:
        """Let go; a later use begins anew."""


class PolicySource(Protocol):
    """Gives the queue policy that is valid now.

    Raises:
        SlurmPolicyConfigError: there is none that can be used.

    """

    def policy(self) -> QueuePolicy: ...


class ClusterCheck(Protocol):
    """Tells whether the live cluster honours what the policy answered.

    Raises:
        SlurmRealAdapterPreconditionError: the cluster does not honour the mapping.
        SlurmUnavailableError: the control plane can't be seen now.

    """

    def require_honoured(self, boundary: SlurmAdapterBoundaryStub) -> None: ...


class Resolver(Protocol):
    """Answers for one mode; `adapter` of the boundary says which.

    Raises:
        SlurmPolicyError: the queue can't be resolved; its subclass says why.

    """

    def resolve(self, queue: str) -> SlurmAdapterBoundaryStub: ...
