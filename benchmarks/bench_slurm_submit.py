"""A submission through the child, beside the same RPCs made by pyslurm in its own Python.

A turn each: ping, submit held, find by name. Nothing runs: the jobs stay held and are cancelled.
"""

import asyncio
import json
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

from benchmarks.measure import Result, summary
from flagctl.slurm import child
from flagctl.slurm.child_keeper import ChildKeeper
from flagctl.slurm.client import BatchJob, SlurmClient
from flagctl.slurm.supervisor import Call, Supervisor
from tests.slurm.cluster.running import CHILD_PYTHON, Cluster
from tests.slurm.cluster.tree import cache_in_use

ROUNDS = 150
WARM_UP = 10
QUEUED = 40

DIRECT = """
import json, sys, time
import pyslurm
print("ready", flush=True)
for line in sys.stdin:
    job = json.loads(line)
    begin = time.perf_counter()
    pyslurm.slurmctld.ping(0)
    pyslurm.JobSubmitDescription(**job, ntasks=1, priority=0).submit()
    submitted = time.perf_counter()
    pyslurm.slurmctld.ping(0)
    [each for each in pyslurm.Jobs.load().values() if each.name == job["name"]]
    found = time.perf_counter()
    print(json.dumps([1000 * (submitted - begin), 1000 * (found - submitted)]), flush=True)
"""


def run() -> list[Result]:
    with Cluster(cache_in_use()) as cluster, supervised(cluster) as supervisor:
        client = SlurmClient(supervisor)
        try:
            with direct(cluster) as ask:
                return [*asyncio.run(side_by_side(client, ask)), behind_submissions(supervisor)]
        finally:
            cluster.run("scancel", "--user=flagctl")


@contextmanager
def supervised(cluster: Cluster) -> Iterator[Supervisor]:
    argv = cluster.child_argv(Path(child.__file__))
    supervisor = Supervisor(ChildKeeper(argv), call_timeout_s=5.0)
    try:
        yield supervisor
    finally:
        supervisor.close()


@contextmanager
def direct(cluster: Cluster) -> Iterator[Callable[[BatchJob], tuple[float, float]]]:
    """Give what submits and finds a job by pyslurm alone, and returns how long (ms) each took."""
    process = subprocess.Popen(
        cluster.inside(CHILD_PYTHON, "-c", DIRECT),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"

        def ask(job: BatchJob) -> tuple[float, float]:
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps(job.description()) + "\n")
            process.stdin.flush()
            submitted, found = json.loads(process.stdout.readline())
            return submitted, found

        yield ask
        process.stdin.close()


async def side_by_side(
    client: SlurmClient, ask: Callable[[BatchJob], tuple[float, float]]
) -> list[Result]:
    """Each in turn, so that slurmctld holds as many jobs for the one as for the other."""
    ours: list[list[float]] = [[], []]
    theirs: list[list[float]] = [[], []]
    for number in range(-WARM_UP, ROUNDS):
        mine, yours = job(), job()
        pair = (
            await taken_ms(client.submit, mine),
            await taken_ms(client.find, mine.name, 1),
        )
        other = await asyncio.to_thread(ask, yours)
        if number >= 0:
            for samples, values in ((ours, pair), (theirs, other)):
                for each, value in zip(samples, values, strict=True):
                    each.append(value)
    return [
        result
        for name, mine_ms, theirs_ms in zip(("submission", "look-up"), ours, theirs, strict=True)
        for result in (
            summary(f"{name} by pyslurm directly", theirs_ms, "ms"),
            summary(f"{name} through the child", mine_ms, "ms", more(mine_ms, theirs_ms)),
        )
    ]


def more(ours: list[float], theirs: list[float]) -> str:
    return f"median {median(ours) - median(theirs):+.2f} ms"


async def taken_ms(work: Callable[..., Awaitable[Any]], *arguments: Any) -> float:
    begin = time.perf_counter()
    await work(*arguments)
    return 1000 * (time.perf_counter() - begin)


def behind_submissions(supervisor: Supervisor) -> Result:
    """How long a watching call takes that comes when many submissions wait."""
    samples, ahead = [], []
    for _ in range(10):
        calls = [
            supervisor.ask(Call("submit", {"job": job().description()})) for _ in range(QUEUED)
        ]
        begin = time.perf_counter()
        supervisor.ask(Call("control", watches=True)).result()
        samples.append(1000 * (time.perf_counter() - begin))
        ahead.append(sum(each.done() for each in calls))
        for each in calls:
            each.result()
    note = f"at most {max(ahead)} submissions of {QUEUED} were answered before it"
    return summary("a watching call behind submissions", samples, "ms", note)


def job() -> BatchJob:
    return BatchJob(
        name=f"flagctl-bench-{uuid4().hex}",
        account="chem-default",
        qos="normal",
        partition="short",
        time_limit_minutes=5,
        cpus=1,
        memory_mib=50,
        working_directory="/srv/jobs",
        standard_output="/dev/null",
        standard_error="/dev/null",
        script="#!/bin/sh\ntrue\n",
        environment={"FLAGCTL_BENCH": "1"},
    )
