"""The Slurm adapter as a service uses it: one object, one call, and the ways it can refuse."""

from flagctl.adapter.slurm_adapter import SlurmAdapter
from flagctl.domain.boundary import (
    SlurmAdapterBoundaryStub,
    SlurmPolicyConfigError,
    SlurmPolicyDeniedError,
    SlurmPolicyError,
    SlurmQueueMapping,
    SlurmRealAdapterPreconditionError,
    SlurmUnavailableError,
)

__all__ = [
    "SlurmAdapter",
    "SlurmAdapterBoundaryStub",
    "SlurmPolicyConfigError",
    "SlurmPolicyDeniedError",
    "SlurmPolicyError",
    "SlurmQueueMapping",
    "SlurmRealAdapterPreconditionError",
    "SlurmUnavailableError",
]
