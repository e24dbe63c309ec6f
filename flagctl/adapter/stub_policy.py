"""`stub-policy`: the queue policy decides, and nothing asks the cluster."""

from __future__ import annotations

from flagctl.adapter.ports import PolicySource
from flagctl.domain.boundary import SlurmAdapterBoundaryStub, requested_queue
from flagctl.vocabulary import Mode


class StubPolicyResolver:
    """Answers from the policy that is valid now."""

    def __init__(self, source: PolicySource) -> None:
        self._source = source

    def resolve(self, queue: str) -> SlurmAdapterBoundaryStub:
        requested = requested_queue(queue)
        return self._source.policy().boundary(Mode.STUB_POLICY, requested)
