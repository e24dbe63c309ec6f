"""An order to dispatch."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from flagctl.domain.boundary import SlurmAdapterBoundaryStub
from flagctl.domain.submission import Order, idempotency_digest
from flagctl.vocabulary import Mode
from tests.runtime.commands import command

BOUNDARY = SlurmAdapterBoundaryStub(
    adapter=Mode.PASSTHROUGH,
    requested_queue="standard",
    resolved_queue="standard",
    used_fallback=False,
    mapping=None,
)


def order(key: str = "key-1", **changes: Any) -> Order:
    values: dict[str, Any] = {
        "digest": idempotency_digest("tenant-a", "workspace-1", key),
        "submission_id": str(uuid4()),
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "command": command(idempotency_key=key),
        "boundary": BOUNDARY,
        "begun_at": datetime.now(UTC),
    }
    return Order(**{**values, **changes})
