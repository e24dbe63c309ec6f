"""What a runtime process has of Slurm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flagctl.adapter.policy_file import PolicyFile
from flagctl.adapter.verdict import LiveVerdict
from flagctl.settings import Settings
from flagctl.slurm.connection import SlurmConnection
from flagctl.slurm.snapshot import LiveCluster


@dataclass(frozen=True, slots=True)
class SlurmParts:
    """What a runtime process has of Slurm; no connection without a queue policy.

    The connection's `client` works on the cluster, its `live` cluster is what requests ask.
    """

    connection: SlurmConnection | None
    verdict: LiveVerdict

    @property
    def live(self) -> LiveCluster | None:
        """Return the cluster as this process sees it."""
        return self.connection.live if self.connection else None

    @property
    def snapshot_age_s(self) -> Callable[[], float] | None:
        """Return what tells how old the view of the cluster is (s), or that it is too old."""
        return None if self.live is None else self.live.require_age_s


def slurm_parts(settings: Settings, policy: PolicyFile | None) -> SlurmParts:
    """Return what a runtime process has of Slurm, in whatever mode it is.

    The connection is there before the mode is raised: the verdict that lets it rise comes from it.
    """
    connection = SlurmConnection.from_settings(settings) if policy else None
    sighting = None if connection is None else lambda: connection.live.sighting
    return SlurmParts(connection, LiveVerdict(policy, sighting, settings.runbook))
