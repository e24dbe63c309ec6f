"""What goes wrong with a real Slurm: how it is done to the test cluster, and what it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final

from flagctl.domain.precondition import Precondition
from flagctl.vocabulary import ProbeError
from tests.slurm.cluster.running import CHILD_IN_TREE, Cluster
from tests.waiting import wait_until

KillChildren = Callable[[], None]
"""Ends the children that run; the next ones find what has changed meanwhile."""
Happens = Callable[[Cluster, KillChildren], AbstractContextManager[None]]

CONF: Final = "/etc/slurm/slurm.conf"
SHORT: Final = "Nodes=node1 Default=YES MaxTime=120 AllowAccounts=chem-default,chem-premium"
ALL_QOS: Final = "priority,normal,quarter,marathon,sprint"
OTHER_MUNGE: Final = "/run/other-munge"


@dataclass(frozen=True)
class Fault:
    """One fault, the precondition that fails of it, in which way, and words of its reason."""

    happens: Happens
    step: Precondition
    error: ProbeError
    words: str


def frozen(daemon: str) -> Happens:
    return lambda cluster, _: cluster.frozen(daemon)


def dead(daemon: str) -> Happens:
    return lambda cluster, _: cluster.without_daemon(daemon)


def set_otherwise(change: str, back: str) -> Happens:
    """An administrator's command, and the one that takes it back."""

    @contextmanager
    def happens(cluster: Cluster, _: KillChildren) -> Iterator[None]:
        cluster.admin(*change.split())
        try:
            yield
        finally:
            cluster.admin(*back.split())

    return happens


def other_file(name: str, text: str | None) -> Happens:
    """A file that a child reads at its start is another one, or is gone."""

    @contextmanager
    def happens(cluster: Cluster, kill_children: KillChildren) -> Iterator[None]:
        with cluster.changed_file(name, text):
            kill_children()
            yield
        kill_children()

    return happens


@contextmanager
def another_munge_key(cluster: Cluster, kill_children: KillChildren) -> Iterator[None]:
    """The child's host has another key than the controller's, by a munged of its own."""
    make = (
        f"mkdir -p {OTHER_MUNGE}; head -c 128 /dev/urandom > {OTHER_MUNGE}/key;"
        f"chown -R munge {OTHER_MUNGE}; chmod 755 {OTHER_MUNGE}; chmod 400 {OTHER_MUNGE}/key"
    )
    cluster.admin("sh", "-c", make)
    places = ("socket", "pid-file", "log-file", "seed-file")
    files = [f"--{name}={OTHER_MUNGE}/{name}" for name in places]
    cluster.run("munged", f"--key-file={OTHER_MUNGE}/key", *files, user="munge")
    text = cluster.path(CONF).read_text(encoding="utf-8")
    try:
        with other_file(CONF, f"{text}\nAuthInfo=socket={OTHER_MUNGE}/socket\n")(
            cluster, kill_children
        ):
            yield
    finally:
        cluster.run("munged", f"--socket={OTHER_MUNGE}/socket", "--stop", user="munge")


@contextmanager
def unreachable(cluster: Cluster, _: KillChildren) -> Iterator[None]:
    with cluster.without_network():
        yield


@contextmanager
def partition_gone(cluster: Cluster, _: KillChildren) -> Iterator[None]:
    # Slurm deletes none that has jobs, and tests before this one leave held ones.
    cluster.admin("scancel", "--user=flagctl")
    wait_until(lambda: not cluster.run("squeue", "--noheader", "--partition=short"))
    cluster.admin("scontrol", "delete", "PartitionName=short")
    try:
        yield
    finally:
        cluster.admin("scontrol", "create", "PartitionName=short", *SHORT.split())


def partition(change: str) -> Happens:
    update = "scontrol update PartitionName=short "
    return set_otherwise(f"{update}{change}", f"{update}State=UP MaxTime=120")


_P, _E = Precondition, ProbeError
FAULTS: Final = {
    "slurmctld frozen": Fault(frozen("slurmctld"), _P.CONTROLLER, _E.TIMEOUT, "no answer"),
    "slurmctld killed": Fault(
        dead("slurmctld"), _P.CONTROLLER, _E.UNREACHABLE, "Unable to contact slurm controller"
    ),
    "slurmctld unreachable": Fault(
        unreachable, _P.CONTROLLER, _E.UNREACHABLE, "Unable to contact slurm controller"
    ),
    "slurmdbd frozen": Fault(frozen("slurmdbd"), _P.ACCOUNTING, _E.TIMEOUT, "no answer"),
    "slurmdbd down": Fault(dead("slurmdbd"), _P.ACCOUNTING, _E.UNREACHABLE, "slurmdbd"),
    "MariaDB down": Fault(dead("mariadbd"), _P.ACCOUNTING, _E.UNREACHABLE, "database"),
    "munge down": Fault(dead("munged"), _P.CONTROLLER, _E.TIMEOUT, "munge does not listen"),
    "munge's key changed": Fault(
        another_munge_key, _P.CONTROLLER, _E.UNREACHABLE, "authentication"
    ),
    "slurm.conf missing": Fault(
        other_file(CONF, None), _P.PYSLURM, _E.MISCONFIGURED, "failed to fetch config"
    ),
    "slurm.conf broken": Fault(
        other_file(CONF, "Nonsense=1\n"), _P.PYSLURM, _E.MISCONFIGURED, "Nonsense"
    ),
    "partition DOWN": Fault(
        partition("State=DOWN"), _P.PARTITIONS, _E.POLICY_MISMATCH, "“short” is DOWN"
    ),
    "partition DRAIN": Fault(
        partition("State=DRAIN"), _P.PARTITIONS, _E.POLICY_MISMATCH, "“short” is DRAIN"
    ),
    "partition INACTIVE": Fault(
        partition("State=INACTIVE"), _P.PARTITIONS, _E.POLICY_MISMATCH, "“short” is INACTIVE"
    ),
    "partition gone": Fault(
        partition_gone, _P.PARTITIONS, _E.POLICY_MISMATCH, "“short” does not exist"
    ),
    "account removed": Fault(
        set_otherwise(
            "sacctmgr -i delete user flagctl account=chem-premium",
            "sacctmgr -i add user flagctl account=chem-premium",
        ),
        _P.ACCOUNTS,
        _E.POLICY_MISMATCH,
        "no association with account “chem-premium”",
    ),
    "QoS removed": Fault(
        set_otherwise(
            "sacctmgr -i modify account chem-premium set QOS=normal,sprint DefaultQOS=normal",
            f"sacctmgr -i modify account chem-premium set QOS={ALL_QOS} DefaultQOS=priority",
        ),
        _P.ACCOUNTS,
        _E.POLICY_MISMATCH,
        "may not use QoS “priority”",
    ),
    "MaxTime below the policy": Fault(
        partition("MaxTime=60"), _P.WALLTIME, _E.POLICY_MISMATCH, "over 60 minutes"
    ),
    "child that babbles": Fault(
        other_file(CHILD_IN_TREE, "print('hello', flush=True)\ninput()\n"),
        _P.PYSLURM,
        _E.MISCONFIGURED,
        "it wrote what is no message",
    ),
    "child that ends at its import": Fault(
        other_file(CHILD_IN_TREE, "raise SystemExit('no such library')\n"),
        _P.PYSLURM,
        _E.MISCONFIGURED,
        "no such library",
    ),
}
