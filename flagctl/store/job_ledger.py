"""Which Slurm job a submission has, durably: the first one recorded is its job for good.

Every method is one transaction on submissions.db. What may be recorded, and when, is
`flagctl.domain.one_job`'s; what fences it is here: only a submission that is claimed for Slurm
gets a job, and only a job of which no release was ever sent is replaced.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from flagctl.domain.one_job import Entry
from flagctl.domain.submission import Named
from flagctl.domain.times import from_text, to_text
from flagctl.store.submissions import SubmissionStore
from flagctl.vocabulary import DispatcherName, SubmissionState

STRAYS_AFTER: Final = timedelta(minutes=10)
"""A held job that arrives later than that is left to whoever looks at the queue."""

_REOPEN: Final = """
    INSERT INTO slurm_job (digest, strays_until) SELECT digest, :strays_until FROM submission
    WHERE digest = :digest
    ON CONFLICT (digest) DO UPDATE SET strays_until = excluded.strays_until
"""
_RECORD: Final = f"""
    INSERT INTO slurm_job (digest, job_id) SELECT digest, :job_id FROM submission
    WHERE digest = :digest AND submission_id = :submission_id
        AND state = '{SubmissionState.CLAIMED}' AND dispatcher = '{DispatcherName.SLURM}'
    ON CONFLICT (digest) DO UPDATE SET job_id = excluded.job_id WHERE slurm_job.job_id IS NULL
"""  # noqa: S608 - our own words
_REPLACE: Final = """
    UPDATE slurm_job SET job_id = :by WHERE digest = :digest AND job_id = :lost AND releases = 0
"""
_BEGIN_RELEASE: Final = """
    UPDATE slurm_job SET releases = releases + 1 WHERE digest = :digest AND job_id = :job_id
"""
_END_RELEASE: Final = """
    UPDATE slurm_job SET releases = releases - 1 WHERE digest = :digest AND job_id = :job_id
"""
_SELECT: Final = "SELECT job_id, releases FROM slurm_job WHERE digest = :digest"
_NO_STRAYS: Final = """
    UPDATE slurm_job SET strays_until = NULL WHERE digest = :digest AND strays_until <= :now
"""

_STRAYS: Final = f"""
    SELECT submission.digest, submission_id, begun_at, slurm_job.job_id
    FROM slurm_job JOIN submission USING (digest)
    WHERE strays_until IS NOT NULL AND state = '{SubmissionState.ACCEPTED}'
    ORDER BY strays_until LIMIT :limit
"""  # noqa: S608 - our own words


class JobLedger:
    """The Slurm jobs of all submissions of this host.

    Every method returns once its write is durable, and raises `SubmissionsTroubleError` when it
    can't be.
    """

    def __init__(self, store: SubmissionStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def reopen(self, digest: str) -> Entry:
        """Return what is recorded, and look for strays from now on for ten minutes."""
        until = to_text(self._clock() + STRAYS_AFTER)
        return await self._entry_after(_REOPEN, digest=digest, strays_until=until)

    async def record(self, digest: str, submission_id: str, job_id: int) -> Entry:
        """Record the job unless another one is, and return what stands then.

        Without a job in it the submission is not claimed for Slurm any more.
        """
        names = {"digest": digest, "submission_id": submission_id}
        return await self._entry_after(_RECORD, **names, job_id=job_id)

    async def replace(self, digest: str, lost: int, by: int) -> Entry:
        """Record `by` in place of a job that was never released, and return what stands then."""
        return await self._entry_after(_REPLACE, digest=digest, lost=lost, by=by)

    async def begin_release(self, digest: str, job_id: int) -> bool:
        """Record that a release may be sent; return whether the job is still the recorded one."""
        names = {"digest": digest, "job_id": job_id}
        return await self._store.do(lambda it: it.execute(_BEGIN_RELEASE, names).rowcount == 1)

    async def end_release(self, digest: str, job_id: int) -> None:
        """Record that the release that was begun was not sent."""
        await self._entry_after(_END_RELEASE, digest=digest, job_id=job_id)

    async def no_strays(self, digest: str) -> None:
        """Look for strays no more if their time is over."""
        await self._entry_after(_NO_STRAYS, digest=digest, now=to_text(self._clock()))

    async def strays(self, limit: int) -> list[tuple[Named, int | None]]:
        """Return answered submissions that may have held jobs beside their own, and their own."""
        rows = await self._store.do(lambda it: it.execute(_STRAYS, {"limit": limit}).fetchall())
        return [
            (Named(digest=digest, submission_id=name, begun_at=from_text(begun_at)), job_id)
            for digest, name, begun_at, job_id in rows
        ]

    async def _entry_after(self, statement: str, **names: Any) -> Entry:
        def change(connection: sqlite3.Connection) -> Entry:
            connection.execute(statement, names)
            row = connection.execute(_SELECT, names).fetchone()
            return Entry() if row is None else Entry(*row)

        return await self._store.do(change)
