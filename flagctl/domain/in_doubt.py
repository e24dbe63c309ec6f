"""A submission of which nobody knows whether it arrived, and what follows from that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flagctl.domain.one_job import Entry
from flagctl.domain.submission import Named
from flagctl.vocabulary import DispatcherName, Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class InDoubt(Named):
    """A claim that is not answered and that nobody works on; its retries are 503 meanwhile.

    `tried_at` is the time of its last attempt, `entry` what is recorded of its Slurm job.
    `dispatcher` may be the word of another version.
    """

    tenant_id: str
    workspace_id: str
    job_id: str
    management_node_id: str
    mode: Mode
    dispatcher: str
    tried_at: datetime
    entry: Entry


def what_to_do(found: InDoubt) -> str:
    """Return what a person may do about it, and what happens without one."""
    if found.dispatcher == DispatcherName.SLURM:
        return _on_slurm(found)
    if found.dispatcher == DispatcherName.SPOOL:
        return "Let the client retry with the same idempotency key: the file is written once."
    return (
        "Let the client retry with the same idempotency key, and leave the process its settings "
        f"until then. Or ask the management node for submission {found.submission_id}."
    )


def _on_slurm(found: InDoubt) -> str:
    number = found.entry.job_id
    if number is None:
        return (
            "It settles by itself when Slurm answers: a job that is found is released, and without "
            f"one the next retry starts afresh. See `squeue --name={found.job_name}`."
        )
    if found.entry.releases == 0:
        return (
            f"It settles by itself when Slurm answers: job {number} is held and will be released. "
            "Do not release it by hand."
        )
    return (
        f"It settles by itself when Slurm answers and knows job {number}. If it does not know it "
        f"any more, see `sacct --duplicates --jobs={number}`: when it never ran, the client "
        "submits with a new idempotency key."
    )
