"""The test cluster itself: what it runs, and that nothing of it stays."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.slurm.cluster.running import Cluster
from tests.slurm.cluster.tree import CHECKOUT, ClusterError, versions
from tests.waiting import wait_until

pytestmark = pytest.mark.slurm

DAEMONS = {"munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd"}
STARTER = """
import sys
from pathlib import Path
from tests.slurm.cluster.running import Cluster
cluster = Cluster(Path(sys.argv[1]))
cluster.start()
print("up", flush=True)
input()
"""


def processes_of(pid: int) -> set[int]:
    """This process and all that descend from it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return {pid}.union(*(processes_of(int(child)) for child in children))


@contextmanager
def started_elsewhere(cache: Path) -> Iterator[subprocess.Popen[str]]:
    """A cluster of its own, started by another process."""
    argv = [sys.executable, "-c", STARTER, str(cache)]
    with subprocess.Popen(
        argv, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout
        assert starter.stdout.readline() == "up\n"
        yield starter


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


def test_it_runs_jobs_of_its_service_user(cluster: Cluster) -> None:
    assert "idle" in cluster.run("sinfo", "--noheader", "-p", "short", "-o", "%T")
    accounts = cluster.run("sacctmgr", "-nP", "show", "assoc", "user=flagctl", "format=account")
    assert {"chem-default", "chem-premium"} <= set(accounts.split())


def test_it_names_the_versions_that_it_found(cluster: Cluster) -> None:
    found = versions(cluster.tree)
    assert {"slurmctld", "mariadb-server", "munge", "pyslurm"} <= set(found)
    assert all(text[0].isdigit() for text in found.values())


def test_its_mounts_are_nobody_elses(cluster: Cluster) -> None:
    assert str(cluster.tree.parent) not in Path("/proc/self/mounts").read_text(encoding="utf-8")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_all_of_it_ends_with_whoever_started_it(cluster: Cluster, number: signal.Signals) -> None:
    with started_elsewhere(cluster.tree.parent) as starter:
        pids = processes_of(starter.pid)
        names = {Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() for pid in pids}
        assert names >= DAEMONS
        os.kill(starter.pid, number)
    wait_until(lambda: not alive(pids))


def test_a_daemon_can_be_killed_and_comes_back(cluster: Cluster) -> None:
    with cluster.without_daemon("slurmctld"), pytest.raises(ClusterError):
        cluster.run("scontrol", "ping")
    wait_until(lambda: "UP" in cluster.run("scontrol", "ping"))


def test_a_daemon_that_does_not_start_says_why(cluster: Cluster) -> None:
    with (
        cluster.without_daemon("slurmctld"),
        cluster.changed_file("/etc/slurm/slurm.conf", "Nonsense=1\n"),
        pytest.raises(ClusterError, match="Nonsense"),
    ):
        cluster.start_daemon("slurmctld")


def test_without_root_it_says_that_root_is_needed(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match="needs root"):
        Cluster(cluster.tree.parent)
