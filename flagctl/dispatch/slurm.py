"""Dispatch to Slurm: carries out the steps by which each submission has exactly one job.

What is done, and in which order, is `flagctl.domain.one_job`'s; here it is said what each failure
means for the submission. Anybody may go on with it later: nothing is kept in this process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, Protocol

import structlog

from flagctl.dispatch.batch import Site, asked_minutes, batch_job, read_script
from flagctl.dispatch.ports import InDoubtError, NotSentError
from flagctl.dispatch.slurm_outcomes import (
    ScriptError,
    SlurmNotSentError,
    SlurmRejectedError,
    doubt,
    objection_to,
    refusal,
    silence,
)
from flagctl.domain import one_job as steps
from flagctl.domain.boundary import SlurmPolicyError, SlurmQueueMapping, SlurmUnavailableError
from flagctl.domain.cluster import Cluster
from flagctl.domain.one_job import Entry, LostError, NothingSentError, Seen, SupersededError
from flagctl.domain.submission import Named, Order
from flagctl.errors import MisconfiguredError, UnavailableError
from flagctl.slurm.client import Job, SlurmClient
from flagctl.slurm.trouble import SlurmRefusedError, SlurmTroubleError
from flagctl.vocabulary import DispatcherName

_CLOCKS_DIFFER_BY: Final = timedelta(days=1)

_log: Final = structlog.get_logger("flagctl.dispatch")

_FOR_SLURM: Final = 0.98
"""The share of the deadline that Slurm has; the rest is for recording and telling the outcome."""


class Ledger(Protocol):
    """Records which job a submission has (`flagctl.store.job_ledger`).

    Raises:
        UnavailableError: nothing was recorded.

    """

    async def reopen(self, digest: str) -> Entry: ...

    async def record(self, digest: str, submission_id: str, job_id: int) -> Entry: ...

    async def replace(self, digest: str, lost: int, by: int) -> Entry: ...

    async def begin_release(self, digest: str, job_id: int) -> bool: ...

    async def end_release(self, digest: str, job_id: int) -> None: ...


class SlurmDispatcher:
    """Submits orders to Slurm.

    Args:
        client: asks Slurm.
        ledger: records the jobs.
        site: what the site says about its jobs.
        cluster: returns the cluster as it was seen lately, or raises `SlurmPolicyError`.
        age_s: returns how long ago that was (s), `None` when it was never seen.
        call_timeout_s: the deadline of one dispatch as a whole, its answer included.

    """

    name = DispatcherName.SLURM

    def __init__(
        self,
        *,
        client: SlurmClient,
        ledger: Ledger,
        site: Site,
        cluster: Callable[[], Cluster],
        age_s: Callable[[], float | None],
        call_timeout_s: float,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._site = site
        self._cluster = cluster
        self._age_s = age_s
        self._call_timeout_s = call_timeout_s

    @property
    def is_away(self) -> bool:
        """Tell whether Slurm is known not to answer now."""
        return self._client.trouble is not None

    async def dispatch(self, order: Order) -> None:
        await self._follow(steps.one_job(is_first=order.is_first), order)

    async def settle(self, named: Named) -> bool:
        """Finish what an earlier attempt left in doubt; return whether its one job was found.

        `False`: Slurm has none, and what comes late stays held. Nothing is submitted.

        Raises:
            InDoubtError: it stays in doubt.

        """
        path = steps.one_job(is_first=False, may_submit=False)
        return await self._follow(path, named) is not None

    async def cancel_strays(self, named: Named, job_id: int | None) -> None:
        """Cancel the held jobs of an answered submission that are not its recorded job.

        Raises:
            InDoubtError: there may be some still.

        """
        await self._follow(steps.without_strays(job_id), named)

    async def check(self) -> None:
        trouble = self._client.trouble
        if trouble is not None:
            raise SlurmNotSentError(f"{trouble}")
        await asyncio.to_thread(read_script, self._site.script)

    async def close(self) -> None:
        """Let go of nothing: the connection is the process's, which ends it."""

    async def _follow(self, path: steps.Steps, named: Named) -> int | None:
        """Carry out one step after another, all of them within one deadline."""
        deadline_s = time.monotonic() + _FOR_SLURM * self._call_timeout_s
        try:
            step = next(path)
            while True:
                try:
                    came = await self._do(step, named, deadline_s)
                except Exception as error:  # the path says what follows from it
                    step = path.throw(error)
                else:
                    step = path.send(came)
        except StopIteration as end:
            result: int | None = end.value
            return result
        except (NotSentError, InDoubtError):
            raise
        except UnavailableError as error:
            # Where the file lies is for the log only; the doubt is told to the client.
            _log.warning("slurm_job_not_recorded", **_names(named), error=str(error))
            raise doubt("its job can't be recorded now.") from error
        except (NothingSentError, LostError, SupersededError) as error:
            raise doubt(str(error)) from error

    async def _do(self, step: steps.Step, named: Named, deadline_s: float) -> Any:
        match step:
            case steps.Reopen():
                return await self._ledger.reopen(named.digest)
            case steps.LookUp():
                return await self._look_up(named, deadline_s)
            case steps.Submit():
                assert isinstance(named, Order)  # noqa: S101 - without one nothing is submitted
                return await self._submit(named, deadline_s)
            case steps.Record(job_id):
                return await self._ledger.record(named.digest, named.submission_id, job_id)
            case steps.Replace(lost, by):
                return await self._ledger.replace(named.digest, lost, by)
            case steps.BeginRelease(job_id):
                return await self._ledger.begin_release(named.digest, job_id)
            case steps.EndRelease(job_id):
                return await self._ledger.end_release(named.digest, job_id)
            case steps.Release(job_id):
                return await self._release(job_id, named, deadline_s)
            case steps.Cancel(job_id):
                return await self._cancel(job_id, named, deadline_s)

    async def _look_up(self, named: Named, deadline_s: float) -> tuple[Seen, ...]:
        since_s = int((named.begun_at - _CLOCKS_DIFFER_BY).timestamp())
        try:
            found = await self._client.find(named.job_name, since_s, deadline_s)
        except (SlurmTroubleError, SlurmRefusedError) as error:
            raise doubt(f"whether Slurm has it can't be found out: {error}") from error
        return tuple(map(_seen, found))

    async def _submit(self, order: Order, deadline_s: float) -> int:
        mapping = self._required_mapping(order)
        try:
            script = await asyncio.to_thread(read_script, self._site.script)
        except MisconfiguredError as error:
            raise ScriptError(str(error)) from error
        job = batch_job(order, mapping, self._site, script)
        try:
            return await self._client.submit(job, deadline_s)
        except SlurmRefusedError as error:
            raise refusal(error, mapping, self._age_s()) from error
        except SlurmTroubleError as error:
            raise silence(error, self._age_s()) from error

    def _required_mapping(self, order: Order) -> SlurmQueueMapping:
        """Return the order's mapping, if the live cluster would run such a job.

        Raises:
            NotSentError: it would not, or nobody knows.

        """
        mapping = order.boundary.mapping
        if mapping is None:
            raise SlurmRejectedError("The queue has no mapping, so Slurm can't be told where to.")
        try:
            cluster = self._cluster()
        except SlurmUnavailableError as error:
            raise SlurmNotSentError(str(error)) from error
        except SlurmPolicyError as error:
            raise SlurmRejectedError(str(error)) from error
        objection = objection_to(cluster, mapping, asked_minutes(order, mapping))
        if objection is not None:
            raise SlurmRejectedError(f"{objection} Nothing was submitted.")
        return mapping

    async def _release(self, job_id: int, named: Named, deadline_s: float) -> Seen | None:
        try:
            job = await self._client.release(job_id, named.job_name, deadline_s)
        except (SlurmTroubleError, SlurmRefusedError) as error:
            what = f"job {job_id} is held still, or may be: {error}"
            is_slurmctlds = isinstance(error, SlurmRefusedError) and error.is_slurmctlds
            if is_slurmctlds or not error.was_sent:
                raise NothingSentError(what) from error
            raise doubt(what) from error
        return None if job is None else _seen(job)

    async def _cancel(self, job_id: int, named: Named, deadline_s: float) -> None:
        try:
            await self._client.cancel(job_id, named.job_name, deadline_s)
        except (SlurmTroubleError, SlurmRefusedError) as error:
            # It stays held, and is looked for again.
            told = {**_names(named), "slurm_job_id": job_id, "error": str(error)}
            _log.warning("slurm_stray_not_cancelled", **told)
            return
        _log.info("slurm_stray_cancelled", **_names(named), slurm_job_id=job_id)


def _names(named: Named) -> dict[str, str]:
    return {"submission_id": named.submission_id, "slurm_job_name": named.job_name}


def _seen(job: Job) -> Seen:
    return Seen(job.job_id, job.held)
