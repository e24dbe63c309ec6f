"""What a live Slurm says of itself, and whether it honours a mapping of the queue policy.

The rules are Slurm's own (slurm.conf, "PARTITION CONFIGURATION"; "Resource Limits"), tried on a
real one: most of what is wrong with a job is accepted and leaves it pending for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from flagctl.domain.boundary import SlurmQueueMapping

PARTITION_UP: Final = "UP"

Names = frozenset[str]


@dataclass(frozen=True, slots=True)
class Controller:
    """One slurmctld host, and whether it answered a ping."""

    host: str
    answers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A partition. `None` is no limit (minutes), or all are allowed.

    Allowed and denied accounts stand for the accounts under them as well.
    """

    name: str
    state: str
    max_minutes: int | None
    allowed_accounts: Names | None
    denied_accounts: Names
    allowed_qos: Names | None
    denied_qos: Names
    allowed_groups: Names | None
    qos: str | None
    root_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Qos:
    """A QoS and its limit on one job's walltime (minutes)."""

    name: str
    max_wall_minutes: int | None
    exceeds_partition_time: bool
    overrides_partition_qos: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """Where the service user may submit, with limits of its own or inherited.

    `partition` is `None` when it holds for all; `ancestors` are the accounts above, nearest first.
    """

    account: str
    partition: str | None
    qos: Names
    max_wall_minutes: int | None
    ancestors: tuple[str, ...]

    @property
    def accounts(self) -> Names:
        """Return the account and those above it."""
        return frozenset((self.account, *self.ancestors))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One moment of a cluster, as its service user sees it."""

    name: str
    version: str
    pyslurm: str
    user: str
    groups: Names
    controllers: tuple[Controller, ...]
    partitions: Mapping[str, Partition]
    qos: Mapping[str, Qos]
    associations: tuple[Association, ...]

    def association(self, account: str, partition: str) -> Association | None:
        """Return what holds for this account there: its own for the partition goes first."""
        found = [each for each in self.associations if each.account == account]
        exact = [each for each in found if each.partition == partition]
        general = [each for each in found if each.partition is None]
        return next(iter((*exact, *general)), None)

    def max_minutes(self, mapping: SlurmQueueMapping) -> int | None:
        """Return the longest walltime that a job of this mapping may ask for; `None` is no limit.

        A limit of the partition's QoS goes before the job's QoS and that before the association;
        the partition's own MaxTime holds beside them.
        """
        partition = self.partitions.get(mapping.partition)
        job_qos = self.qos.get(mapping.qos)
        limits = [self._user_limit(mapping, partition, job_qos)]
        if partition is not None and not (job_qos and job_qos.exceeds_partition_time):
            limits.append(partition.max_minutes)
        return min((each for each in limits if each is not None), default=None)

    def _user_limit(
        self, mapping: SlurmQueueMapping, partition: Partition | None, job_qos: Qos | None
    ) -> int | None:
        of_partition = self.qos.get(partition.qos) if partition and partition.qos else None
        order = [of_partition, job_qos]
        if job_qos is not None and job_qos.overrides_partition_qos:
            order.reverse()
        association = self.association(mapping.account, mapping.partition)
        limits = [each.max_wall_minutes for each in order if each is not None]
        limits.append(association.max_wall_minutes if association else None)
        return next((each for each in limits if each is not None), None)


def partition_objection(cluster: Cluster, mapping: SlurmQueueMapping) -> str | None:
    """Return why the partition can't be used; `None` when it can."""
    partition = cluster.partitions.get(mapping.partition)
    where = _where(mapping)
    if partition is None:
        return (
            f"{where} does not exist on {cluster.name} (it has {_listed(cluster.partitions)}). "
            "Correct the queue policy, or create the partition."
        )
    if partition.state != PARTITION_UP:
        return (
            f"{where} is {partition.state}. Bring it up (`scontrol update "
            f"PartitionName={partition.name} State=UP`), or map the queue elsewhere."
        )
    if partition.root_only:
        return f"{where} takes jobs of root only (RootOnly). Map the queue elsewhere."
    if partition.allowed_groups is not None and not cluster.groups & partition.allowed_groups:
        return (
            f"{where} takes jobs of the groups {_listed(partition.allowed_groups)} only, and "
            f"{cluster.user} is in {_listed(cluster.groups)}. Add the user to one of them."
        )
    return None


def account_objection(cluster: Cluster, mapping: SlurmQueueMapping) -> str | None:
    """Return why the account or the QoS can't be used there; `None` when they can.

    A partition that does not exist is not complained of again.
    """
    association = cluster.association(mapping.account, mapping.partition)
    if association is None:
        known = sorted({each.account for each in cluster.associations})
        return (
            f"{_queue(mapping)}: {cluster.user} has no association with account "
            f"“{mapping.account}” (it has {_listed(known)}). Add one (`sacctmgr add user "
            f"{cluster.user} Account={mapping.account}`), or correct the queue policy."
        )
    if mapping.qos not in cluster.qos:
        return (
            f"{_queue(mapping)}: QoS “{mapping.qos}” does not exist (there are "
            f"{_listed(cluster.qos)}). Create it, or correct the queue policy."
        )
    if mapping.qos not in association.qos:
        return (
            f"{_queue(mapping)}: {cluster.user} may not use QoS “{mapping.qos}” with account "
            f"“{mapping.account}” (only {_listed(association.qos)}). Add the QoS to the "
            "association, or correct the queue policy."
        )
    partition = cluster.partitions.get(mapping.partition)
    return None if partition is None else _partition_refuses(partition, mapping, association)


def _partition_refuses(
    partition: Partition, mapping: SlurmQueueMapping, association: Association
) -> str | None:
    rules = (
        ("account", mapping.account, association.accounts, "Accounts"),
        ("QoS", mapping.qos, frozenset({mapping.qos}), "Qos"),
    )
    lists = (
        (partition.allowed_accounts, partition.denied_accounts),
        (partition.allowed_qos, partition.denied_qos),
    )
    for (what, name, meant, setting), (allowed, denied) in zip(rules, lists, strict=True):
        if allowed is not None and not meant & allowed:
            why = f"allows {_listed(allowed)} only (Allow{setting})"
        elif meant & denied:
            why = f"denies {_listed(denied)} (Deny{setting})"
        else:
            continue
        return (
            f"{_where(mapping)} {why}, not {what} “{name}”. Change the partition, or correct "
            "the queue policy."
        )
    return None


def walltime_objection(cluster: Cluster, mapping: SlurmQueueMapping) -> str | None:
    """Return why jobs as long as the policy allows would pend for ever; `None` when they run."""
    limit = cluster.max_minutes(mapping)
    if limit is None or mapping.max_walltime_minutes <= limit:
        return None
    return (
        f"{_queue(mapping)}: the policy allows {mapping.max_walltime_minutes} minutes, and jobs "
        f"over {limit} minutes pend for ever in partition “{mapping.partition}” with account "
        f"“{mapping.account}” and QoS “{mapping.qos}”. Lower max_walltime_minutes, or raise the "
        "limit (MaxTime of the partition, MaxWall of the QoS or the association)."
    )


def objections(cluster: Cluster, mapping: SlurmQueueMapping) -> Iterator[str]:
    """Yield everything for which the cluster does not honour this mapping."""
    for rule in (partition_objection, account_objection, walltime_objection):
        if (objection := rule(cluster, mapping)) is not None:
            yield objection


def _queue(mapping: SlurmQueueMapping) -> str:
    return f"Queue “{mapping.queue}”"


def _where(mapping: SlurmQueueMapping) -> str:
    return f"{_queue(mapping)}: partition “{mapping.partition}”"


def _listed(names: Iterable[str]) -> str:
    """Return names as a message shows them: sorted, and not too many."""
    most = 8
    found = sorted(names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return (", ".join(found[:most]) + more) or "none"
