"""The adapter that a service calls: one mode read, that mode's resolver, one report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Self

from flagctl.adapter.passthrough import PassthroughResolver
from flagctl.adapter.policy_file import PolicyFile
from flagctl.adapter.ports import (
    ClusterCheck,
    EffectiveModeReader,
    PolicySource,
    Resolver,
    UseWatch,
)
from flagctl.adapter.real_policy import RealPolicyResolver
from flagctl.adapter.stub_policy import StubPolicyResolver
from flagctl.adapter.telemetry import RequestIds, Resolution, log_resolution
from flagctl.adapter.verdict import LiveVerdict
from flagctl.domain.boundary import (
    SlurmAdapterBoundaryStub,
    SlurmPolicyConfigError,
    SlurmPolicyError,
)
from flagctl.domain.effective import EffectiveMode
from flagctl.errors import MisconfiguredError
from flagctl.settings import Settings, load_settings
from flagctl.slurm.connection import OwnConnection
from flagctl.store.files import DataFiles
from flagctl.store.mode_reader import ModeReader
from flagctl.vocabulary import Mode
from flagctl.watch import AskedQueues, EmbeddedWatch, Tally


class SlurmAdapter:
    """Resolves queues in the mode that is in force; one per process, for all its threads.

    `report` gets every resolution, also those that fail; it must be quick and must not raise.
    `watch` hears of every mode before it is used.
    """

    def __init__(
        self,
        *,
        reader: EffectiveModeReader,
        policy: PolicySource | None = None,
        cluster: ClusterCheck | None = None,
        report: Callable[[Resolution], None] = log_resolution,
        watch: UseWatch | None = None,
    ) -> None:
        self._reader = reader
        self._watch = watch
        self._note = None if watch is None else watch.note
        self._resolvers = _resolvers(policy, cluster)
        self._connection: OwnConnection | None = None
        self._report = report

    @classmethod
    def from_settings(cls, settings: Settings | None = None, *, registers: bool = True) -> Self:
        """Return the adapter of this process, as its environment says.

        With its first use the process is one of the "processes heard of" (decision 14): a thread
        says every 2 s, and at once after a flip, what is in force here, also in workers that are
        forked later. It is never waited for, and fails no resolution. With a queue policy that
        thread also keeps a connection to Slurm, for without this process's verdict nobody may
        raise the mode.

        Args:
            settings: instead of those of the environment.
            registers: `False` for a script that asks once and ends; a process that lives on
                without registering is missed by every receipt.

        Raises:
            SlurmPolicyConfigError: a setting can't be used: an adapter mode that nobody knows, or
                `real-policy` without a policy path. A broken policy file is no reason not to
                start: it is an error of each resolution that needs it, until it is mended.

        """
        settings = _loaded() if settings is None else settings
        path = settings.policy_path
        reader = ModeReader(settings.data_dir, settings.adapter_pin, signal=settings.mode_signal)
        policy = None if path is None else PolicyFile(path)
        cluster = OwnConnection(settings) if policy else None
        if not registers:
            return cls(reader=reader, policy=policy, cluster=cluster)._owning(cluster)
        sighting = cluster.sighting if cluster else None
        watch = EmbeddedWatch(
            DataFiles(settings.data_dir),
            reader,
            pin=settings.adapter_pin,
            policy_path=path,
            policy_sha256=lambda: policy.reading().sha256 if policy else None,
            judge=LiveVerdict(policy, sighting, settings.runbook).judgement,
        )
        return cls(
            reader=reader,
            policy=policy,
            cluster=cluster,
            report=_reporting(watch.tally, watch.queues),
            watch=watch,
        )._owning(cluster)

    def _owning(self, connection: OwnConnection | None) -> Self:
        self._connection = connection
        return self

    def effective(self) -> EffectiveMode:
        """Return the mode in force now, with what decides it."""
        effective = self._reader.effective()
        if self._note is not None:
            self._note(effective)
        return effective

    def close(self) -> None:
        """Say goodbye as one of the processes heard of, and end the connection to Slurm.

        A later use begins anew.
        """
        if self._watch is not None:
            self._watch.stop()
        if self._connection is not None:
            self._connection.stop()

    def resolve(
        self,
        queue: str,
        *,
        trace_id: str | None = None,
        tenant_id: str | None = None,
        workspace_id: str | None = None,
        job_id: str | None = None,
    ) -> SlurmAdapterBoundaryStub:
        """Return where a queue leads, in the mode that is in force now.

        The ids go into the log event and nowhere else: no resolution depends on a tenant.

        Raises:
            SlurmPolicyDeniedError: the queue is blank, or unknown under a policy that denies.
            SlurmPolicyConfigError: the policy can't be used.
            SlurmRealAdapterPreconditionError: a precondition of `real-policy` does not hold.
            SlurmUnavailableError: `real-policy` can't see the control plane now.

        """
        ids = RequestIds(trace_id, tenant_id, workspace_id, job_id)
        return self.resolve_in(self.effective(), queue, ids)

    def resolve_in(
        self, effective: EffectiveMode, queue: str, ids: RequestIds
    ) -> SlurmAdapterBoundaryStub:
        """Return where a queue leads in a mode read before: a submission ends as it began.

        Raises:
            SlurmPolicyError: as `resolve`.

        """
        try:
            boundary = self._resolvers[effective.mode].resolve(queue)
        except SlurmPolicyError as error:
            self._report(Resolution(queue, effective, ids, error=error))
            raise
        self._report(Resolution(queue, effective, ids, boundary))
        return boundary


def _loaded() -> Settings:
    try:
        return load_settings()
    except MisconfiguredError as error:
        raise SlurmPolicyConfigError(str(error)) from error


def _reporting(tally: Tally, queues: AskedQueues) -> Callable[[Resolution], None]:
    def report(resolution: Resolution) -> None:
        log_resolution(resolution)
        tally.count(resolution.effective, resolution.outcome)
        queues.note(resolution.queue)

    return report


def _resolvers(
    policy: PolicySource | None, cluster: ClusterCheck | None
) -> Mapping[Mode, Resolver]:
    """Return one resolver for each mode; `stub-policy` without a policy answers as passthrough."""
    passthrough = PassthroughResolver()
    return {
        Mode.PASSTHROUGH: passthrough,
        Mode.STUB_POLICY: passthrough if policy is None else StubPolicyResolver(policy),
        Mode.REAL_POLICY: RealPolicyResolver(policy, cluster),
    }
