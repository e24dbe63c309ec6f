"""A runtime process with a Slurm behind it, made up: its child, its probes, its refusals."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from starlette.testclient import TestClient

from flagctl.domain.precondition import Precondition
from flagctl.settings import Settings
from flagctl.store.files import DataFiles
from flagctl.vocabulary import Mode
from flagctl.wiring import runtime_services
from tests.runtime.commands import PATH, command
from tests.runtime.conftest import MakeRuntime, Serve
from tests.runtime.tenants import bearer
from tests.runtime.test_bad_input import assert_nothing_happened, refused
from tests.slurm.conftest import fake_argv
from tests.slurm.world import World
from tests.waiting import wait_until

PROBES = {f"slurm_{name}" for name in Precondition} | {"slurm_snapshot", "slurm_dispatcher"}
SHORT_S = 0.3


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A made-up Slurm that says what the real test cluster says."""
    return World.create(tmp_path / "world.json")


@pytest.fixture
def real(make_runtime: MakeRuntime, token: str, world: World) -> TestClient:
    """A runtime in the top mode that has seen its Slurm."""
    runtime = make_runtime(adapter_pin=Mode.REAL_POLICY, slurm_child=tuple(fake_argv(world)))
    runtime.headers.update(bearer(token))
    wait_until(lambda: runtime.get("/api/ready").status_code == 200)
    return runtime


def slurm_probes(runtime: TestClient) -> dict[str, dict[str, Any]]:
    found = runtime.get("/api/ready").json()["probes"]
    return {probe["name"]: probe for probe in found if probe["name"].startswith("slurm")}


def test_in_the_top_mode_each_precondition_is_a_probe_of_readiness(real: TestClient) -> None:
    found = slurm_probes(real)
    assert found.keys() == PROBES
    assert {probe["status"] for probe in found.values()} == {"ok"}
    assert found["slurm_controller"]["latency_ms"] > 0
    assert "node1 answers" in found["slurm_controller"]["detail"]
    assert "s ago" in found["slurm_snapshot"]["detail"]


TROUBLES = {
    "slurmctld is dead": ("ping", "dead", "slurm_controller", "unreachable"),
    "slurmctld hangs": ("ping", "hang", "slurm_controller", "timeout"),
    "slurmdbd is dead": ("slurmdbd", "dead", "slurm_accounting", "unreachable"),
    "the child has no pyslurm": ("start", "missing", "slurm_pyslurm", "tooling_missing"),
    "the child ends at its import": ("start", "exit", "slurm_pyslurm", "misconfigured"),
}


@pytest.mark.parametrize(("op", "fault", "probe", "error"), TROUBLES.values(), ids=TROUBLES)
def test_trouble_is_named_by_its_probe_and_a_rollback_makes_the_service_ready(
    make_runtime: MakeRuntime,
    world: World,
    flip: Callable[[Mode], None],
    op: str,
    fault: str,
    probe: str,
    error: str,
) -> None:
    world.plan(op, fault)
    runtime = make_runtime(
        adapter_pin=Mode.REAL_POLICY,
        slurm_child=tuple(fake_argv(world)),
        slurm_call_timeout_s=SHORT_S if fault == "hang" else 5.0,
    )
    wait_until(lambda: slurm_probes(runtime)[probe]["error"] == error)
    ready = runtime.get("/api/ready")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    reasons = " ".join(runtime.get("/api/health").json()["reasons"])
    assert probe in reasons
    flip(Mode.STUB_POLICY)
    assert runtime.get("/api/ready").status_code == 200
    assert {each["status"] for each in slurm_probes(runtime).values()} == {"skipped"}


def test_a_partition_that_goes_down_is_named_and_the_service_heals_with_it(
    real: TestClient, world: World
) -> None:
    world.partition("short", state="DRAIN")
    wait_until(lambda: real.get("/api/ready").status_code == 503)
    probe = slurm_probes(real)["slurm_partitions"]
    assert (probe["status"], probe["error"]) == ("failed", "policy_mismatch")
    assert "Queue “standard”: partition “short” is DRAIN" in probe["detail"]
    world.partition("short", state="UP")
    wait_until(lambda: real.get("/api/ready").status_code == 200)


def test_a_mapping_that_the_cluster_does_not_honour_is_a_fault_of_configuration(
    real: TestClient, world: World, files: DataFiles
) -> None:
    world.partition("short", state="DOWN")
    wait_until(lambda: real.get("/api/ready").status_code == 503)
    answer = real.post(PATH, json=command())
    detail = refused(answer, 503, "adapter_misconfigured")["detail"]
    assert "partition “short” is DOWN" in detail
    assert "Retry-After" not in answer.headers
    assert_nothing_happened(files)


def test_a_slurm_that_is_away_is_an_outage_with_the_age_of_what_was_seen(
    make_runtime: MakeRuntime, token: str, world: World, files: DataFiles
) -> None:
    runtime = make_runtime(
        adapter_pin=Mode.REAL_POLICY,
        slurm_child=tuple(fake_argv(world)),
        slurm_snapshot_max_age_s=SHORT_S,
    )
    wait_until(lambda: "node1" in slurm_probes(runtime)["slurm_controller"]["detail"])
    world.plan("ping", "dead")
    wait_until(lambda: slurm_probes(runtime)["slurm_controller"]["status"] == "failed")
    answer = runtime.post(PATH, json=command(), headers=bearer(token))
    detail = refused(answer, 503, "execution_unavailable")["detail"]
    assert "s ago, and 0.3 s is the most" in detail
    assert "Unable to contact slurm controller" in detail
    assert int(answer.headers["Retry-After"]) > 0
    assert_nothing_happened(files)


def test_a_slurm_that_was_never_seen_is_an_outage_also_at_the_start(
    make_runtime: MakeRuntime, token: str, world: World
) -> None:
    world.plan("ping", "dead")
    runtime = make_runtime(adapter_pin=Mode.REAL_POLICY, slurm_child=tuple(fake_argv(world)))
    answer = runtime.post(PATH, json=command(), headers=bearer(token))
    assert "never seen" in refused(answer, 503, "execution_unavailable")["detail"]


def test_the_child_is_there_before_the_mode_is_raised(
    make_runtime: MakeRuntime, world: World
) -> None:
    runtime = make_runtime(slurm_child=tuple(fake_argv(world)))
    world.plan("control", "exit", times=1)
    wait_until(lambda: world.has_struck("control"))
    assert {each["status"] for each in slurm_probes(runtime).values()} == {"skipped"}


def test_the_child_ends_with_the_service(serve: Serve, world: World) -> None:
    served = serve(FLAGCTL_SLURM_CHILD=" ".join(fake_argv(world)))
    (child,) = wait_until(lambda: children(served.process.pid))
    served.stop()
    assert not Path(f"/proc/{child}").exists()


def children(pid: int) -> list[int]:
    """The processes that this one started and that are there still."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def test_without_a_policy_nothing_is_started(tmp_path: Path) -> None:
    services = runtime_services(Settings(data_dir=tmp_path))
    assert services.background == ()


def test_a_python_without_pyslurm_starts_no_child_and_logs_nothing(
    make_runtime: MakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flagctl.slurm.connection.find_spec", lambda _name: None)
    monkeypatch.setattr("flagctl.slurm.child_keeper.ChildProcess", None)
    with structlog.testing.capture_logs() as logged:
        runtime = make_runtime(adapter_pin=Mode.REAL_POLICY)
        wait_until(lambda: slurm_probes(runtime)["slurm_pyslurm"]["error"] == "tooling_missing")
    assert "FLAGCTL_SLURM_CHILD" in slurm_probes(runtime)["slurm_pyslurm"]["detail"]
    assert [line for line in logged if line["event"].startswith("slurm")] == []
