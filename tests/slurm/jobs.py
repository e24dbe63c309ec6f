"""Jobs to submit, and waiting for what becomes of them."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, TypeVar
from uuid import uuid4

from flagctl.slurm.client import BatchJob, Job, SlurmClient
from flagctl.slurm.messages import Reply
from flagctl.slurm.trouble import SlurmTroubleError
from tests.waiting import wait_until

T = TypeVar("T")
SINCE_S = 1


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do something asynchronous on a loop of its own."""
    return asyncio.run(work)


def trouble(reply: Future[Reply]) -> SlurmTroubleError:
    """The trouble that a call ends in."""
    error = reply.exception(timeout=20.0)
    assert isinstance(error, SlurmTroubleError), error or reply.result()
    return error


def new_name() -> str:
    return f"flagctl-test-{uuid4().hex}"


def batch_job(**changes: Any) -> BatchJob:
    """A job that the sample policy's standard queue could make."""
    job = BatchJob(
        name=new_name(),
        account="chem-default",
        qos="normal",
        partition="short",
        time_limit_minutes=5,
        cpus=1,
        memory_mib=50,
        working_directory="/srv/jobs",
        standard_output="/srv/jobs/%j.out",
        standard_error="/srv/jobs/%j.out",
        script="#!/bin/sh\nenv -0\n",
        environment={"FLAGCTL_TEST": "1"},
    )
    return replace(job, **changes)


def found(client: SlurmClient, name: str) -> tuple[Job, ...]:
    return run(client.find(name, SINCE_S))


def ends(client: SlurmClient, name: str, deadline_s: float = 20.0) -> Job:
    """Wait until the only job of this name has ended, and return it."""

    def ended() -> Job | None:
        (job,) = found(client, name)
        return job if job.state not in ("PENDING", "RUNNING", "COMPLETING") else None

    job = wait_until(ended, deadline_s=deadline_s)
    assert job is not None
    return job
