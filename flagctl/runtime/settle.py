"""What is in doubt with Slurm resolves by itself when Slurm is back, beside the requests.

A claim that nobody works on is taken over, as a retry would do it: one taker wins, so two
processes never work on the same one. Its job is looked up, and if there is one it is released and
the submission answered. Where there is none, nothing ever ran and what comes late stays held: the
submission is unsent, and a retry starts afresh. Nothing is submitted without a client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from flagctl.dispatch.ports import InDoubtError
from flagctl.dispatch.slurm import SlurmDispatcher
from flagctl.domain.submission import Claim, Named
from flagctl.domain.times import from_text
from flagctl.errors import UnavailableError
from flagctl.runtime.submit import Submissions, answer_to
from flagctl.store.job_ledger import JobLedger
from flagctl.store.submissions import SubmissionStore
from flagctl.vocabulary import DispatcherName, SubmissionState

EVERY_S: Final = 5.0
AGAIN_AFTER: Final = timedelta(seconds=5)
"""A claim that was tried less long ago is left to rest."""

UNSENT_AFTER: Final = timedelta(seconds=30)
"""A submission that Slurm may have on its way still is not called unsent."""

TOGETHER: Final = 20

_log: Final = structlog.get_logger("flagctl.runtime")


class Settler:
    """Resolves what is in doubt, on the event loop of the requests, one after another.

    Args:
        submissions: the requests at work.
        store: the claims.
        ledger: the Slurm jobs.
        dispatcher: asks Slurm.
        clock: tells the time, aware and in UTC.
        lease: after this long a claim may be taken over from a process that lives.
        retention: what began longer ago is left alone.

    """

    def __init__(
        self,
        *,
        submissions: Submissions,
        store: SubmissionStore,
        ledger: JobLedger,
        dispatcher: SlurmDispatcher,
        clock: Callable[[], datetime],
        lease: timedelta,
        retention: timedelta,
    ) -> None:
        self._submissions = submissions
        self._store = store
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._clock = clock
        self._lease = lease
        self._retention = retention

    async def run(self) -> None:
        """Take a turn every few seconds, until it is cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.turn()
            except UnavailableError as error:
                _log.warning("submissions_not_settled", error=str(error))
            except Exception:  # whatever it is, the next turn may do better
                _log.exception("submissions_not_settled")

    async def turn(self) -> None:
        """Settle what can be settled now; stops at the first trouble with Slurm.

        Raises:
            UnavailableError: Slurm or submissions.db is in trouble.

        """
        if self._dispatcher.is_away:
            return
        now = self._clock()
        for claim in await self._store.open_claims(
            DispatcherName.SLURM, now - self._retention, now - AGAIN_AFTER, TOGETHER
        ):
            await self._settle(claim, now)
        for named, job_id in await self._ledger.strays(TOGETHER):
            await self._dispatcher.cancel_strays(named, job_id)
            await self._ledger.no_strays(named.digest)

    async def _settle(self, seen: Claim, now: datetime) -> None:
        is_taken = self._submissions.is_at_work(seen.digest)
        if is_taken or not self._store.is_left_behind(seen, now - self._lease):
            return
        async with self._submissions.alone(seen.digest):
            held = await self._store.take_over(seen, now)
            if held.won:
                await self._finish(held.claim)

    async def _finish(self, claim: Claim) -> None:
        begun_at = from_text(claim.begun_at)
        named = Named(digest=claim.digest, submission_id=claim.submission_id, begun_at=begun_at)
        try:
            has_job = await self._dispatcher.settle(named)
        except InDoubtError as error:
            await self._submissions.let_go(claim, SubmissionState.CLAIMED)
            _log.info("submission_in_doubt", **_ids(claim), error=str(error))
            return
        now = self._clock()
        if has_job:
            await self._store.complete(claim.digest, answer_to(claim, now))
            _log.info("submission_settled", **_ids(claim), outcome=SubmissionState.ACCEPTED)
        elif now - begun_at < UNSENT_AFTER:
            await self._submissions.let_go(claim, SubmissionState.CLAIMED)
        else:
            await self._submissions.let_go(claim, SubmissionState.UNSENT)
            _log.info("submission_settled", **_ids(claim), outcome=SubmissionState.UNSENT)


def _ids(claim: Claim) -> dict[str, str]:
    """Return the fields by which every log line names a submission."""
    names = ("trace_id", "tenant_id", "workspace_id", "job_id", "submission_id")
    more = ("management_node_id", "idempotency_key")
    return {name: getattr(claim, name) for name in (*names, *more)}
