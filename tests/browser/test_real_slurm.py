"""The whole story on the real cluster, in a browser: up, a job in Slurm, back, and up again."""

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from flagctl.domain.change import Change, CutOver, EndRollback, RollBack
from flagctl.slurm import child
from flagctl.store.facts import gather_facts
from flagctl.vocabulary import LADDER, Role
from tests.browser.conftest import SignedIn, Started
from tests.browser.hand import Hand
from tests.browser.place import ROOT, Place
from tests.browser.serving import Runtime
from tests.browser.test_cutover import opens_until
from tests.slurm.cluster.running import Cluster
from tests.slurm.cluster.tree import cache_in_use
from tests.waiting import wait_until

pytestmark = pytest.mark.slurm

STUB, REAL = LADDER[-2:]
SMALL: dict[str, Any] = {
    "resource_shape__cpu": 1,
    "resource_shape__memory_mib": 50,
    "resource_shape__walltime_seconds": 61,
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(cache_in_use()) as running:
        yield running


@pytest.fixture
def on_slurm(cluster: Cluster) -> dict[str, str]:
    """What a runtime is started with."""
    argv = cluster.child_argv(Path(child.__file__))
    return {"FLAGCTL_SLURM_CHILD": shlex.join(argv), "FLAGCTL_SLURM_WORK_DIR": "/srv/jobs"}


@pytest.fixture
def root(signed_in: SignedIn) -> Hand:
    return signed_in("root", Role.ADMIN)


def job_of(cluster: Cluster, submission_id: str) -> list[str]:
    """What Slurm wrote down of a submission's one job, once it has ended."""
    columns = "JobName%100,Partition,Account,QOS,TimelimitRaw,State"

    def ended() -> list[str] | None:
        lines = cluster.run("sacct", "-nPX", "-S", "now-1hour", "-o", columns).splitlines()
        jobs = [line.split("|") for line in lines]
        mine = [rest for name, *rest in jobs if name.endswith(submission_id)]
        assert len(mine) <= 1
        return mine[0] if mine and mine[0][-1] not in ("PENDING", "RUNNING") else None

    found = wait_until(ended)
    assert found
    return found


def runs_in_slurm(runtime: Runtime, cluster: Cluster, job: str, queue: str) -> list[str]:
    answer = runtime.submit(job, execution_profile__queue_name=queue, **SMALL)
    return job_of(cluster, answer.json()["submission_id"])


def test_the_mode_is_raised_taken_back_and_raised_again_and_each_job_goes_where_it_should(
    root: Hand, start_runtime: Started, cluster: Cluster, on_slurm: dict[str, str]
) -> None:
    runtime = start_runtime(**on_slurm)
    document = runtime.openapi()
    assert runtime.adapter_of("before") == STUB
    opens_until(root, "/preflight", f"Ready for {REAL}: 8 of 8 ok")

    root.open(f"/cutover?mode={REAL}")
    root.type("Reason", "green for a week")
    root.tap_button("Cut over")
    expect(root.heading()).to_have_text(re.compile(rf"{STUB}.*{REAL}"))
    root.sees_soon("1 of 1 process heard of on this host follows")
    assert runs_in_slurm(runtime, cluster, "standard", "standard") == [
        "short", "chem-default", "normal", "2", "COMPLETED",
    ]  # fmt: skip
    assert runs_in_slurm(runtime, cluster, "highmem", "highmem") == [
        "long", "chem-premium", "priority", "2", "COMPLETED",
    ]  # fmt: skip

    root.open(f"/rollback?mode={STUB}")
    root.type("Reason", "a drill")
    root.tap_button("Roll back now")
    expect(root.heading()).to_have_text(re.compile(rf"{REAL}.*{STUB}"))
    assert runtime.adapter_of("rolled back") == STUB

    root.open("/end")
    root.type("Reason", "the drill is over")
    root.type("None is needed", "a drill")
    root.tap_button("End the rollback")
    expect(root.heading()).to_have_text(re.compile(rf"{STUB}.*{REAL}"))
    assert runs_in_slurm(runtime, cluster, "again", "standard")[-1] == "COMPLETED"
    assert runtime.openapi() == document


def act(place: Place, change: Change) -> None:
    """Do something by what is known of the processes, the gate included."""
    place.store.apply(change, ROOT, gather_facts(place.files, datetime.now(UTC)))


def test_the_environment_alone_sends_jobs_to_slurm(
    place: Place, start_runtime: Started, cluster: Cluster, on_slurm: dict[str, str]
) -> None:
    runtime = start_runtime(**on_slurm, ZPE_SLURM_ADAPTER=REAL)
    wait_until(runtime.is_ready)
    assert runs_in_slurm(runtime, cluster, "pinned", "standard") == [
        "short", "chem-default", "normal", "2", "COMPLETED",
    ]  # fmt: skip
    document = runtime.openapi()
    act(place, RollBack(STUB, "a drill"))
    assert runtime.adapter_of("rolled back") == STUB
    assert runtime.is_ready()
    act(place, EndRollback("over", no_follow_up="a drill", revision=place.revision))
    assert runs_in_slurm(runtime, cluster, "again", "highmem")[:2] == ["long", "chem-premium"]
    assert runtime.openapi() == document


def test_squeue_shows_a_running_job_as_it_was_mapped_and_asked_for(
    start_runtime: Started, cluster: Cluster, on_slurm: dict[str, str], tmp_path: Path
) -> None:
    script, go = tmp_path / "batch.sh", "/srv/jobs/go"
    script.write_text(f"#!/bin/sh\nuntil [ -e {go} ]; do sleep 0.05; done\n")
    runtime = start_runtime(
        **on_slurm, ZPE_SLURM_ADAPTER=REAL, FLAGCTL_SLURM_BATCH_SCRIPT=str(script)
    )
    wait_until(runtime.is_ready)
    answer = runtime.submit("shown", resource_shape__walltime_seconds=3600)
    submission_id = answer.json()["submission_id"]

    def shown() -> list[str]:
        lines = cluster.run("squeue", "--noheader", "--format=%j %P %a %q %l %T").splitlines()
        return [line.partition(" ")[2] for line in lines if f"{submission_id} " in line]

    wait_until(lambda: shown() == ["short chem-default normal 1:00:00 RUNNING"])
    cluster.path(go).touch()
    assert job_of(cluster, submission_id)[-1] == "COMPLETED"


@pytest.mark.parametrize("what", ["DRAIN", "DOWN", "INACTIVE"])
def test_a_partition_that_is_not_up_shuts_the_gate_until_it_is(
    root: Hand, start_runtime: Started, cluster: Cluster, on_slurm: dict[str, str], what: str
) -> None:
    start_runtime(**on_slurm).wait()
    opens_until(root, "/preflight", f"Ready for {REAL}: 8 of 8 ok")
    cluster.admin("scontrol", "update", "PartitionName=short", f"State={what}")
    try:
        opens_until(root, "/preflight", f"partition “short” is {what}")
        root.open(f"/cutover?mode={REAL}")
        expect(root.page.get_by_role("button", name="Cut over")).to_be_disabled()
    finally:
        cluster.admin("scontrol", "update", "PartitionName=short", "State=UP")
    opens_until(root, "/preflight", f"Ready for {REAL}: 8 of 8 ok")


def test_while_slurmctld_is_frozen_a_rollback_makes_the_service_ready_and_it_recovers_by_itself(
    root: Hand,
    place: Place,
    start_runtime: Started,
    cluster: Cluster,
    on_slurm: dict[str, str],
) -> None:
    runtime = start_runtime(**on_slurm, FLAGCTL_SLURM_CALL_TIMEOUT_S="2")
    opens_until(root, "/preflight", f"Ready for {REAL}: 8 of 8 ok")
    until = datetime.now(UTC) + timedelta(days=1)
    act(place, CutOver(REAL, "root", "green", until, place.revision))
    wait_until(runtime.is_ready)
    with cluster.frozen("slurmctld"):
        wait_until(lambda: not runtime.is_ready())
        opens_until(root, "/preflight", "no answer to “control” in time")
        root.open(f"/rollback?mode={STUB}")
        root.type("Reason", "slurmctld hangs")
        root.tap_button("Roll back now")
        expect(root.heading()).to_have_text(re.compile(rf"{REAL}.*{STUB}"))
        assert runtime.is_ready()
        assert runtime.adapter_of("while it is frozen") == STUB
        root.open("/end")
        expect(root.page.get_by_role("button", name="End the rollback")).to_be_disabled()
    opens_until(root, "/preflight", f"Ready for {REAL}: 8 of 8 ok")
