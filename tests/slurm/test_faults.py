"""Every fault of a real Slurm is named, passes by itself, and never changes a resolution.

Each strikes an adapter in this process, which looks when it is told to, and a runtime process.
"""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shlex import join
from typing import Any

import pytest

from flagctl.adapter.policy_file import PolicyFile
from flagctl.adapter.real_policy import RealPolicyResolver
from flagctl.adapter.sample_policy import SAMPLE
from flagctl.adapter.stub_policy import StubPolicyResolver
from flagctl.adapter.telemetry import EVENT
from flagctl.domain.boundary import (
    SlurmAdapterBoundaryStub,
    SlurmPolicyDeniedError,
    SlurmRealAdapterPreconditionError,
    SlurmUnavailableError,
)
from flagctl.domain.preflight import Finding, PolicyInHand, verdict
from flagctl.slurm.client import SlurmClient
from flagctl.slurm.snapshot import LOOK_INTERVAL_S, LiveCluster
from flagctl.slurm.supervisor import Supervisor
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import LADDER, ProbeStatus
from tests.runtime import tenants
from tests.runtime.served import Served, up
from tests.slurm.cluster.running import Cluster
from tests.slurm.conftest import REAL_CHILD, supervised
from tests.slurm.faults import CONF, FAULTS, Fault
from tests.slurm.test_snapshot import MovableClock
from tests.waiting import wait_until

pytestmark = pytest.mark.slurm

TOP = LADDER[-1]
CALL_TIMEOUT_S, MAX_AGE_S = 3.0, 15.0
POLICY = PolicyFile(SAMPLE)
QUEUES = ("standard", "highmem", " standard ", "nobody knows it", "")
STUB = StubPolicyResolver(POLICY)
BUSY_S = 10.0
"""What a process may be late on a machine that has other work to do."""


@dataclass
class Adapter:
    """An adapter of this process; `clock` is how old its snapshot seems to be."""

    supervisor: Supervisor
    live: LiveCluster
    clock: MovableClock

    def failed(self) -> tuple[Finding, ...]:
        """The preconditions that fail at a look that begins now."""
        return verdict(PolicyInHand(POLICY.policy()), self.live.look(), "a runbook").failed

    def resolved(self, queue: str) -> SlurmAdapterBoundaryStub | None:
        """What `real-policy` answers; `None` when it raises what it may raise."""
        try:
            return RealPolicyResolver(POLICY, self.live).resolve(queue)
        except (SlurmRealAdapterPreconditionError, SlurmUnavailableError, SlurmPolicyDeniedError):
            return None


@pytest.fixture(scope="module")
def child_argv(cluster: Cluster) -> list[str]:
    return cluster.child_argv(REAL_CHILD)


@pytest.fixture(scope="module")
def adapter(child_argv: list[str]) -> Iterator[Adapter]:
    clock = MovableClock()
    with supervised(child_argv, CALL_TIMEOUT_S) as supervisor:
        live = LiveCluster(SlurmClient(supervisor), max_age_s=MAX_AGE_S, monotonic_s=clock)
        yield Adapter(supervisor, live, clock)


@pytest.fixture(scope="module")
def runtime(child_argv: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A runtime process in the top mode."""
    folder = tmp_path_factory.mktemp("runtime")
    files = DataFiles(folder / "data")
    upgrade(files)
    secret = tenants.issue(ControlStore(files, lambda: datetime.now(UTC)))
    served = Served(
        files,
        secret,
        folder / "log",
        ZPE_SLURM_ADAPTER=TOP,
        FLAGCTL_SLURM_CHILD=join(child_argv),
        FLAGCTL_SLURM_CALL_TIMEOUT_S=str(CALL_TIMEOUT_S),
        FLAGCTL_SLURM_SNAPSHOT_MAX_AGE_S=str(MAX_AGE_S),
    )
    try:
        yield up(served)
    finally:
        served.stop()


@pytest.fixture(autouse=True)
def _begin_healthy(adapter: Adapter, runtime: Served) -> Iterator[None]:
    becomes_healthy(adapter, runtime)
    yield
    becomes_healthy(adapter, runtime)


def becomes_healthy(adapter: Adapter, runtime: Served) -> None:
    """Wait until nothing is wrong any more, with nobody's help."""
    wait_until(lambda: not adapter.failed())
    wait_until(lambda: runtime.http.get("/api/ready").status_code == 200)


def children_of(pid: int) -> list[int]:
    """The processes that any thread of this process started."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def kill_children(adapter: Adapter, runtime: Served) -> None:
    own = adapter.supervisor.child_pid
    for pid in ([own] if own else []) + children_of(runtime.process.pid):
        os.kill(pid, signal.SIGKILL)


def probe(runtime: Served, fault: Fault) -> dict[str, Any]:
    """How the runtime's readiness sees what the fault breaks."""
    found = runtime.http.get("/api/ready").json()["probes"]
    return next(each for each in found if each["name"] == f"slurm_{fault.step}")


def assert_parity(adapter: Adapter) -> None:
    """`real-policy` answers as `stub-policy` does, or raises."""
    for queue in QUEUES:
        found = adapter.resolved(queue)
        if found is not None:
            stub = STUB.resolve(queue)
            assert (found.requested_queue, found.resolved_queue) == (
                stub.requested_queue,
                stub.resolved_queue,
            )
            assert (found.used_fallback, found.mapping) == (stub.used_fallback, stub.mapping)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_named_at_the_next_look_and_changes_no_resolution(
    fault: Fault, cluster: Cluster, adapter: Adapter, runtime: Served
) -> None:
    with fault.happens(cluster, lambda: kill_children(adapter, runtime)):
        (first, *_) = adapter.failed()
        assert (first.name, first.error) == (fault.step, fault.error)
        assert fault.words in first.detail
        assert_parity(adapter)
        adapter.clock.now_s += MAX_AGE_S + 1
        assert {adapter.resolved(queue) for queue in QUEUES} == {None}  # too old to answer from
        named = wait_until(
            lambda: (found := probe(runtime, fault))["status"] == ProbeStatus.FAILED and found,
            deadline_s=LOOK_INTERVAL_S + 2 * CALL_TIMEOUT_S + BUSY_S,
        )
        assert named
        assert (named["error"], fault.words in named["detail"]) == (fault.error, True)
        assert runtime.http.get("/api/ready").status_code == 503
        assert_refused_or_as_ever(runtime)


def assert_refused_or_as_ever(runtime: Served) -> None:
    """A submission goes where it always goes, or is refused by name; never elsewhere."""
    answer = runtime.submit()
    assert answer.status_code in (202, 503), answer.text
    if answer.status_code == 503:
        assert answer.json()["code"] in ("execution_unavailable", "adapter_misconfigured")
    resolved = [line for line in runtime.logged(EVENT) if line["resolved_queue_name"]]
    assert {line["resolved_queue_name"] for line in resolved} <= {"standard"}
    assert {line["slurm_adapter"] for line in resolved} <= {TOP}


def test_a_restart_of_slurmctld_between_two_looks_is_no_trouble(
    cluster: Cluster, adapter: Adapter
) -> None:
    with cluster.without_daemon("slurmctld"):
        pass
    assert adapter.failed() == ()


def test_a_child_that_is_killed_is_replaced_within_the_look(adapter: Adapter) -> None:
    pid = adapter.supervisor.child_pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    assert adapter.failed() == ()
    assert adapter.supervisor.child_pid not in (None, pid)


def test_a_child_that_is_frozen_is_named_and_replaced(adapter: Adapter) -> None:
    pid = adapter.supervisor.child_pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    (first, *_) = adapter.failed()
    assert (first.name, first.error) == ("controller", "timeout")
    assert_parity(adapter)
    assert not Path(f"/proc/{pid}").exists()


def test_a_configuration_that_goes_while_the_child_runs_hurts_nobody_yet(
    cluster: Cluster, adapter: Adapter
) -> None:
    with cluster.changed_file(CONF, None):
        assert adapter.failed() == ()
