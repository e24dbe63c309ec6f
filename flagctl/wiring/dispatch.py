"""The part of the composition root that puts the dispatchers of a process together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from flagctl.dispatch.batch import DEFAULT_SCRIPT, Site
from flagctl.dispatch.handoff import HandoffDispatcher
from flagctl.dispatch.ports import Dispatcher, Dispatchers
from flagctl.dispatch.slurm import SlurmDispatcher
from flagctl.dispatch.spool import SpoolDispatcher
from flagctl.runtime.settle import Settler
from flagctl.runtime.submit import Submissions
from flagctl.settings import Settings
from flagctl.slurm.connection import SlurmConnection
from flagctl.store.files import DataFiles
from flagctl.store.job_ledger import JobLedger
from flagctl.store.submissions import SubmissionStore
from flagctl.vocabulary import DispatcherName, Mode

Clock = Callable[[], datetime]


def make_dispatchers(
    settings: Settings,
    files: DataFiles,
    store: SubmissionStore,
    connection: SlurmConnection | None,
    clock: Clock,
) -> Dispatchers:
    """Return the dispatchers; the spool is there always, to finish what it began."""
    by_name: list[Dispatcher] = [SpoolDispatcher(files.spool, settings.spool_max_files)]
    if settings.handoff_url:
        by_name.append(HandoffDispatcher(settings.handoff_url, settings.handoff_timeout_s))
    to_the_node = by_name[-1]
    by_mode = {Mode.PASSTHROUGH: to_the_node, Mode.STUB_POLICY: to_the_node}
    if connection is not None:
        to_slurm = _slurm_dispatcher(settings, store, connection, clock)
        by_name.append(to_slurm)
        by_mode[Mode.REAL_POLICY] = to_slurm
    return Dispatchers(by_mode=by_mode, by_name={each.name: each for each in by_name})


def make_settler(
    settings: Settings,
    store: SubmissionStore,
    dispatchers: Dispatchers,
    submissions: Submissions,
    clock: Clock,
) -> Settler | None:
    """Return what resolves submissions in doubt with Slurm; `None` without a connection to it."""
    dispatcher = dispatchers.by_name.get(DispatcherName.SLURM)
    if not isinstance(dispatcher, SlurmDispatcher):
        return None
    return Settler(
        submissions=submissions,
        store=store,
        ledger=JobLedger(store, clock),
        dispatcher=dispatcher,
        clock=clock,
        lease=settings.submission_lease,
        retention=timedelta(days=settings.submission_retention_days),
    )


def site_of(settings: Settings) -> Site:
    """Return what the settings say about jobs."""
    return Site(
        script=settings.slurm_batch_script or DEFAULT_SCRIPT,
        working_directory=settings.slurm_work_dir,
        output=settings.slurm_output,
        error=settings.slurm_error or settings.slurm_output,
    )


def _slurm_dispatcher(
    settings: Settings, store: SubmissionStore, connection: SlurmConnection, clock: Clock
) -> SlurmDispatcher:
    live = connection.live
    return SlurmDispatcher(
        client=connection.client,
        ledger=JobLedger(store, clock),
        site=site_of(settings),
        cluster=lambda: live.require_fresh().cluster,
        age_s=live.age_s,
        call_timeout_s=settings.slurm_call_timeout_s,
    )
