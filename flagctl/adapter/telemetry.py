"""One log event for every resolution, with the contract's fields (runtime contracts, section 4)."""

from __future__ import annotations

from typing import Final, NamedTuple

import structlog

from flagctl.domain.boundary import SlurmAdapterBoundaryStub, SlurmPolicyError
from flagctl.domain.effective import EffectiveMode
from flagctl.vocabulary import CONTRACT_VERSION, ResolutionOutcome

EVENT: Final = "slurm_adapter_resolution"

_log: Final = structlog.get_logger("flagctl.adapter")


class RequestIds(NamedTuple):
    """Whose request is resolved, as far as the caller knows."""

    trace_id: str | None = None
    tenant_id: str | None = None
    workspace_id: str | None = None
    job_id: str | None = None


class Resolution(NamedTuple):
    """One resolution: what was asked, the mode that it was asked in, and either answer or error."""

    queue: str
    effective: EffectiveMode
    ids: RequestIds
    boundary: SlurmAdapterBoundaryStub | None = None
    error: SlurmPolicyError | None = None

    @property
    def outcome(self) -> ResolutionOutcome:
        """Return how it ended."""
        return self.error.outcome if self.error is not None else ResolutionOutcome.RESOLVED

    def fields(self) -> dict[str, object]:
        """Return the log fields.

        An id that the caller did not give is left out, so that one bound to the logging context
        is not overwritten.
        """
        effective, boundary = self.effective, self.boundary
        fields: dict[str, object] = {
            "slurm_adapter": boundary.adapter if boundary else effective.mode,
            "slurm_adapter_configured": effective.configured,
            "slurm_adapter_effective": effective.mode,
            "slurm_contract_version": CONTRACT_VERSION,
            "requested_queue_name": self.queue.strip(),
            "resolved_queue_name": boundary.resolved_queue if boundary else None,
            "used_fallback": boundary.used_fallback if boundary else False,
            "source": effective.source,
            "freshness": effective.freshness,
            "revision": effective.revision,
            "outcome": self.outcome,
        }
        ids = zip(RequestIds._fields, self.ids, strict=True)
        fields |= {name: value for name, value in ids if value is not None}
        if self.error is not None:
            fields["error"] = str(self.error)
        return fields


def log_resolution(resolution: Resolution) -> None:
    """Log it: `info` when resolved or denied, `warning` when somebody must mend something.

    A log that can't be written (a full disk, a closed pipe) never fails a submission.
    """
    write = _log.warning if resolution.outcome.is_error else _log.info
    try:  # noqa: SIM105 - `suppress` costs half a microsecond on every submission
        write(EVENT, **resolution.fields())
    except (OSError, ValueError):
        pass
