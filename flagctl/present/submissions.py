"""Submissions in doubt, as page, API and command line show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flagctl.domain.in_doubt import InDoubt, what_to_do
from flagctl.present.wording import span
from flagctl.vocabulary import DispatcherName, Mode, Role


@dataclass(frozen=True, slots=True)
class SubmissionRecord:
    """A submission of which nobody knows whether it arrived; its retries are 503 meanwhile."""

    submission_id: str
    """The submission's own id."""
    begun_at: datetime
    """When it was first tried."""
    age: str
    """How long ago that was, for a person: `4 min`."""
    tried_at: datetime
    """When it was last tried, by a retry or by itself."""
    mode: Mode
    """The mode in which its queue was resolved."""
    dispatcher: str
    """Who was to take it: `slurm`, `handoff`, `spool`. Nobody else will be asked."""
    slurm_job_id: int | None
    """The number of its Slurm job, once one is recorded."""
    slurm_job_name: str | None
    """The name under which Slurm knows its jobs."""
    what_to_do: str
    """What happens by itself, and what a person may do."""
    tenant_id: str | None
    """Whose it is; only administrators are told."""
    workspace_id: str | None
    """In which workspace; only administrators are told."""
    job_id: str | None
    """The client's name for it; only administrators are told."""
    management_node_id: str | None
    """The node that answers for it; only administrators are told."""


def submission_record(found: InDoubt, now: datetime, role: Role) -> SubmissionRecord:
    """Return a submission in doubt as somebody in this role may see it: ids, and nothing else."""
    may_know = role.includes(Role.ADMIN)
    on_slurm = found.dispatcher == DispatcherName.SLURM
    return SubmissionRecord(
        submission_id=found.submission_id,
        begun_at=found.begun_at,
        age=span(now - found.begun_at),
        tried_at=found.tried_at,
        mode=found.mode,
        dispatcher=found.dispatcher,
        slurm_job_id=found.entry.job_id,
        slurm_job_name=found.job_name if on_slurm else None,
        what_to_do=what_to_do(found),
        tenant_id=found.tenant_id if may_know else None,
        workspace_id=found.workspace_id if may_know else None,
        job_id=found.job_id if may_know else None,
        management_node_id=found.management_node_id if may_know else None,
    )
