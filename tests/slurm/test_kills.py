"""`kill -9` of the runtime at ten points of a submission to Slurm, then retries: one job ran.

The same over the scripted fake, which outlives the runtime and counts what it started, and over
the real cluster, where each job leaves a line.
"""

import shlex
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Protocol

import httpx2
import pytest

from flagctl.vocabulary import Mode
from tests.runtime.conftest import Serve
from tests.runtime.served import Served
from tests.slurm.conftest import REAL_CHILD, fake_argv
from tests.slurm.kill_points import KILL_POINTS
from tests.slurm.world import World
from tests.waiting import wait_until

RETRIES = 3
JOBS = "/srv/jobs"
SCRIPT = '#!/bin/sh\necho ran >> "$FLAGCTL_SUBMISSION_ID.ran"\n'


class Side(Protocol):
    """A Slurm that a runtime process submits to."""

    argv: list[str]

    def runs(self, submission_id: str) -> int:
        """How often a job of this submission ran, once all that may run have."""

    def held(self, submission_id: str) -> Collection[Any]:
        """The submission's jobs that wait for a release."""


class FakeSide:
    def __init__(self, world: World) -> None:
        self.world = world
        self.argv = fake_argv(world)

    def runs(self, submission_id: str) -> int:
        started = self.world.started()
        return sum(started.count(job["job_id"]) for job in self._jobs(submission_id))

    def held(self, submission_id: str) -> Collection[Any]:
        return [each for each in self._jobs(submission_id) if each["state"] == "PENDING"]

    def _jobs(self, submission_id: str) -> list[dict[str, Any]]:
        return [each for each in self.world.jobs() if each["name"].endswith(submission_id)]


class RealSide:
    def __init__(self, cluster: Any) -> None:
        self.cluster = cluster
        self.argv = cluster.child_argv(REAL_CHILD)

    def runs(self, submission_id: str) -> int:
        wait_until(lambda: not self._queued(submission_id, "PENDING,RUNNING,COMPLETING"))
        lines: Path = self.cluster.path(f"{JOBS}/{submission_id}.ran")
        return lines.read_text().count("ran\n") if lines.exists() else 0

    def held(self, submission_id: str) -> Collection[Any]:
        return self._queued(submission_id, "PENDING")

    def _queued(self, submission_id: str, states: str) -> list[str]:
        queue = self.cluster.run("squeue", "-h", "-t", states, "-o", "%j %r")
        return [line for line in queue.splitlines() if submission_id in line]


def fake_side(request: pytest.FixtureRequest) -> Side:
    return FakeSide(request.getfixturevalue("world"))


def real_side(request: pytest.FixtureRequest) -> Side:
    return RealSide(request.getfixturevalue("cluster"))


@pytest.fixture(
    params=[
        pytest.param(fake_side, id="fake"),
        pytest.param(real_side, id="real", marks=pytest.mark.slurm),
    ]
)
def side(request: pytest.FixtureRequest) -> Side:
    made: Side = request.param(request)
    return made


@pytest.fixture
def serve_on(serve: Serve, side: Side, tmp_path: Path) -> Callable[..., Served]:
    """Start a runtime in the top mode, and wait until it has seen its Slurm."""
    script = tmp_path / "site.sh"
    script.write_text(SCRIPT)

    def start(fault: str = "none") -> Served:
        served = serve(
            fault=fault,
            ZPE_SLURM_ADAPTER=Mode.REAL_POLICY,
            FLAGCTL_SLURM_CHILD=shlex.join(side.argv),
            FLAGCTL_SLURM_BATCH_SCRIPT=str(script),
            FLAGCTL_SLURM_WORK_DIR=JOBS,
        )
        wait_until(lambda: served.http.get("/api/ready").status_code == httpx2.codes.OK)
        return served

    return start


@pytest.mark.parametrize("point", KILL_POINTS)
def test_a_runtime_killed_at_any_point_of_a_submission_leaves_exactly_one_job(
    serve_on: Callable[..., Served], side: Side, point: str
) -> None:
    key = f"{point}-{time.time_ns()}"
    killed = serve_on(point)
    with pytest.raises(httpx2.TransportError):
        killed.submit(idempotency_key=key)
    assert killed.process.wait() == -9
    again = serve_on()
    answers = [again.submit(idempotency_key=key) for _ in range(RETRIES)]
    assert [answer.status_code for answer in answers] == [202] * RETRIES
    assert len({answer.content for answer in answers}) == 1
    submission_id = answers[0].json()["submission_id"]
    wait_until(lambda: not side.held(submission_id))
    assert side.runs(submission_id) == 1
