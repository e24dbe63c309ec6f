"""The whole story on a real Slurm: up, a job that runs, back, and up again."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import expect

from flagctl.slurm.connection import CHILD_FILE
from flagctl.vocabulary import Mode, Role
from tests.browser.conftest import SignedIn, Started
from tests.browser.hand import Hand
from tests.browser.serving import Runtime
from tests.browser.test_cutover import opens_until
from tests.slurm.cluster.running import Cluster
from tests.slurm.cluster.tree import cache_in_use
from tests.waiting import wait_until

pytestmark = pytest.mark.slurm

_, STUB, REAL = Mode
GO = "/srv/jobs/go"
SCRIPT = f"#!/bin/sh\nuntil [ -e {GO} ]; do sleep 0.05; done\n"
ASKED = "short|chem-default|normal|01:00:00"
"""Partition, account, QoS of the sample policy's standard queue, and the walltime of a command."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(cache_in_use()) as running:
        yield running


@pytest.fixture
def settings(cluster: Cluster, tmp_path: Path) -> dict[str, str]:
    """What a runtime needs to submit to the cluster jobs that wait until they may go."""
    cluster.path(GO).unlink(missing_ok=True)
    script = tmp_path / "batch.sh"
    script.write_text(SCRIPT)
    return {
        "FLAGCTL_SLURM_CHILD": shlex.join(cluster.child_argv(CHILD_FILE)),
        "FLAGCTL_SLURM_BATCH_SCRIPT": str(script),
        "FLAGCTL_SLURM_WORK_DIR": "/srv/jobs",
    }


@pytest.fixture
def root(signed_in: SignedIn) -> Hand:
    return signed_in("root", Role.ADMIN)


class Queue:
    """What Slurm itself says of its jobs."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def waits_for(self, submission_id: str) -> None:
        """Wait until the submission's job runs as it was asked for; there is one job."""
        wait_until(lambda: self._seen(submission_id) == [f"{ASKED}|RUNNING"])

    def _seen(self, submission_id: str) -> list[str]:
        columns = "%j|%P|%a|%q|0%l|%T"
        lines = self._cluster.run("squeue", "--noheader", f"--format={columns}").splitlines()
        named = [line.partition("|") for line in lines]
        return [rest for name, _, rest in named if name.endswith(submission_id)]

    def lets_go(self, submission_id: str) -> None:
        """Let jobs end, and wait until the accounting has this one as completed."""
        self._cluster.path(GO).touch()
        wait_until(lambda: self._recorded(submission_id) == [f"{ASKED}|COMPLETED"])

    def _recorded(self, submission_id: str) -> list[str]:
        columns = "--format=JobName,Partition,Account,QOS,Timelimit,State"
        lines = self._cluster.run("sacct", "-X", "-n", "-P", columns).splitlines()
        named = [line.partition("|") for line in lines]
        return [rest for name, _, rest in named if name.endswith(submission_id)]


def openapi(runtime: Runtime) -> bytes:
    return httpx2.get(f"{runtime.url}/openapi.json", timeout=60).content


def submitted(runtime: Runtime, job: str) -> str:
    return str(runtime.submit(job).json()["submission_id"])


def rolls_back(root: Hand) -> None:
    root.open(f"/rollback?mode={STUB}")
    root.type("Reason", "p99")
    root.tap_button("Roll back now")
    root.page.wait_for_url("**/receipts/*")


def ends_it(root: Hand) -> None:
    root.open("/end")
    root.type("Reason", "mended")
    root.type("Follow-up", "OPS-7")
    root.tap_button("End the rollback")
    root.page.wait_for_url("**/receipts/*")


def test_jobs_run_in_slurm_while_the_mode_is_up_and_only_then(
    root: Hand, start_runtime: Started, cluster: Cluster, settings: dict[str, str]
) -> None:
    runtime, queue = start_runtime(**settings), Queue(cluster)
    contract = openapi(runtime)
    assert runtime.adapter_of("before") == STUB
    opens_until(root, "/preflight", f"Ready for {REAL}: 8 of 8 ok")
    root.open(f"/cutover?mode={REAL}")
    root.type("Reason", "green for a week")
    root.tap_button("Cut over")
    expect(root.heading()).to_have_text(re.compile(rf"{STUB}.*{REAL}"))
    root.sees_soon("1 of 1 process heard of on this host follows")
    first = submitted(runtime, "up")
    queue.waits_for(first)
    queue.lets_go(first)

    rolls_back(root)
    assert runtime.adapter_of("rolled back") == STUB
    ends_it(root)
    second = submitted(runtime, "up again")
    queue.lets_go(second)
    assert openapi(runtime) == contract


def test_the_pin_alone_does_the_same(
    root: Hand, start_runtime: Started, cluster: Cluster, settings: dict[str, str]
) -> None:
    runtime, queue = start_runtime(ZPE_SLURM_ADAPTER=REAL, **settings), Queue(cluster)
    contract = openapi(runtime)
    wait_until(lambda: httpx2.get(f"{runtime.url}/api/ready", timeout=60).status_code == 200)
    first = submitted(runtime, "pinned")
    queue.waits_for(first)
    queue.lets_go(first)

    rolls_back(root)
    assert runtime.adapter_of("rolled back") == STUB
    ends_it(root)
    queue.lets_go(submitted(runtime, "pinned again"))
    assert openapi(runtime) == contract
