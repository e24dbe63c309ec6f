"""`passthrough`: the queue goes through as asked. It needs nothing, so it always works."""

from __future__ import annotations

from flagctl.domain.boundary import SlurmAdapterBoundaryStub, requested_queue
from flagctl.vocabulary import Mode


class PassthroughResolver:
    """Denies a blank queue and knows no policy."""

    def resolve(self, queue: str) -> SlurmAdapterBoundaryStub:
        requested = requested_queue(queue)
        return SlurmAdapterBoundaryStub(
            adapter=Mode.PASSTHROUGH,
            requested_queue=requested,
            resolved_queue=requested,
            used_fallback=False,
            mapping=None,
        )
