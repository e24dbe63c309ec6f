"""Reading which submissions are in doubt, for whoever serves no submission itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from flagctl.domain.in_doubt import InDoubt
from flagctl.domain.one_job import Entry
from flagctl.domain.times import from_text, to_text
from flagctl.store.claimer import is_provably_gone
from flagctl.store.submission_file import open_for_reading, submissions_trouble
from flagctl.vocabulary import Mode, SubmissionState

MOST: Final = 500
"""So many unanswered claims are looked at, the oldest first."""

_SELECT: Final = f"""
    SELECT submission.digest, submission_id, tenant_id, workspace_id, submission.job_id,
        management_node_id, mode, dispatcher, begun_at, claimed_at, claimer,
        slurm_job.job_id, coalesce(slurm_job.releases, 0)
    FROM submission LEFT JOIN slurm_job USING (digest)
    WHERE answer IS NULL AND state = '{SubmissionState.CLAIMED}' ORDER BY begun_at LIMIT {MOST}
"""  # noqa: S608 - our own words


def read_in_doubt(path: Path, now: datetime, lease: timedelta) -> list[InDoubt]:
    """Return the submissions that nobody works on and nobody answered, the oldest first.

    One whose process hangs for longer than `lease` counts too. No file means none.

    Raises:
        SubmissionsTroubleError: the file can't be read.

    """
    if not path.exists():
        return []
    lease_ended = to_text(now - lease)
    try:
        with closing(open_for_reading(path)) as connection:
            rows = connection.execute(_SELECT).fetchall()
        return [_in_doubt(row) for row in rows if _is_left(row, lease_ended)]
    except (sqlite3.Error, ValueError) as error:
        trouble = error if isinstance(error, sqlite3.Error) else sqlite3.DatabaseError(str(error))
        raise submissions_trouble(trouble, path) from error


def _is_left(row: Sequence[Any], lease_ended: str) -> bool:
    claimed_at, claimer = row[9], row[10]
    return claimer is None or claimed_at < lease_ended or is_provably_gone(claimer)


def _in_doubt(row: Sequence[Any]) -> InDoubt:
    digest, submission_id, tenant_id, workspace_id, job_id, node_id, mode, dispatcher = row[:8]
    begun_at, claimed_at, _, slurm_job_id, releases = row[8:]
    return InDoubt(
        digest=digest,
        submission_id=submission_id,
        begun_at=from_text(begun_at),
        tenant_id=tenant_id,
        workspace_id=workspace_id,
        job_id=job_id,
        management_node_id=node_id,
        mode=Mode(mode),
        dispatcher=dispatcher,
        tried_at=from_text(claimed_at),
        entry=Entry(slurm_job_id, releases),
    )
