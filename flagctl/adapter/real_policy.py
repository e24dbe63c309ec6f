"""`real-policy`: what the policy answers, if the live cluster honours it; else an error."""

from __future__ import annotations

from flagctl.adapter.ports import ClusterCheck, PolicySource
from flagctl.domain.boundary import (
    SlurmAdapterBoundaryStub,
    SlurmRealAdapterPreconditionError,
    quoted,
    requested_queue,
)
from flagctl.vocabulary import Mode

_WAY_OUT = f"Roll back meanwhile: `flagctl rollback {Mode.STUB_POLICY}`."


class RealPolicyResolver:
    """Resolves as `stub-policy` does and then asks the cluster; it never answers unchecked."""

    def __init__(self, source: PolicySource | None, cluster: ClusterCheck | None) -> None:
        self._source = source
        self._cluster = cluster

    def resolve(self, queue: str) -> SlurmAdapterBoundaryStub:
        requested = requested_queue(queue)
        if self._source is None:
            raise SlurmRealAdapterPreconditionError(
                f"{Mode.REAL_POLICY} is in force without a queue policy, so queue "
                f"{quoted(requested)} can't be resolved. Set ZPE_SLURM_POLICY_PATH to the policy "
                f"file and restart this process. {_WAY_OUT}"
            )
        boundary = self._source.policy().boundary(Mode.REAL_POLICY, requested)
        if self._cluster is None:
            raise SlurmRealAdapterPreconditionError(
                f"{Mode.REAL_POLICY} is in force and this process has no connection to Slurm, so "
                f"nothing tells whether the cluster honours queue "
                f"{quoted(boundary.resolved_queue)}. {_WAY_OUT}"
            )
        self._cluster.require_honoured(boundary)
        return boundary
