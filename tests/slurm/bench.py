"""The Slurm dispatcher with its other side: the scripted fake, or the real cluster."""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flagctl.dispatch.batch import Site
from flagctl.dispatch.slurm import SlurmDispatcher
from flagctl.domain.boundary import SlurmAdapterBoundaryStub
from flagctl.domain.canonical import canonical_json
from flagctl.domain.cluster import Cluster
from flagctl.domain.submission import Claim, Order
from flagctl.domain.times import to_text
from flagctl.slurm.client import Job, SlurmClient, cluster_from
from flagctl.slurm.supervisor import Supervisor
from flagctl.store.job_ledger import JobLedger
from flagctl.store.submissions import SubmissionStore
from flagctl.vocabulary import DispatcherName, Mode
from tests.dispatch.orders import order
from tests.slurm.conftest import CALL_TIMEOUT_S, REAL_CHILD, fake_argv, supervised
from tests.slurm.jobs import found
from tests.slurm.mappings import mapping
from tests.slurm.world import World
from tests.waiting import wait_until

JOBS = "/srv/jobs"
SCRIPT = "#!/bin/sh\nenv -0\n"


def now() -> datetime:
    return datetime.now(UTC)


def claim_of(sent: Order, mode: Mode = Mode.REAL_POLICY) -> Claim:
    """The claim that stands before an order is dispatched."""
    command = sent.command
    return Claim(
        digest=sent.digest,
        submission_id=sent.submission_id,
        tenant_id=command["tenant_id"],
        workspace_id=command["workspace_id"],
        job_id=command["job_id"],
        management_node_id=command["management_node_id"],
        idempotency_key=command["idempotency_key"],
        intent="intent",
        mode=mode,
        boundary=canonical_json(asdict(sent.boundary)),
        dispatcher=DispatcherName.SLURM,
        trace_id=sent.trace_id,
        claimed_at=to_text(sent.begun_at),
        begun_at=to_text(sent.begun_at),
        claimer=None,
    )


class SlurmBench:
    """Makes dispatchers over one store and one child, and says what became of their orders."""

    def __init__(self, directory: Path, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.client = SlurmClient(supervisor)
        self.store = SubmissionStore(directory / "submissions.db")
        self.ledger = JobLedger(self.store, now)
        self.script = directory / "batch.sh"
        self.script.write_text(SCRIPT)
        self.orders: list[Order] = []
        self.mapping = mapping()
        self.seen: Cluster | None = None

    def make(self, **changes: Any) -> SlurmDispatcher:
        site = Site(
            script=self.script,
            working_directory=JOBS,
            output="%x.out",
            error="%x.out",
        )
        values: dict[str, Any] = {
            "client": self.client,
            "ledger": self.ledger,
            "site": site,
            "cluster": self.cluster,
            "age_s": lambda: 1.0,
            "call_timeout_s": CALL_TIMEOUT_S,
        }
        return SlurmDispatcher(**{**values, **changes})

    def cluster(self) -> Cluster:
        """The cluster as it is now, or as the test says that it was seen."""
        if self.seen is not None:
            return self.seen
        control, accounting = self.client.control(), self.client.accounting()
        return cluster_from(control.facts, accounting.facts, self.client.hello())

    def order(self, key: str = "key-1", **changes: Any) -> Order:
        """An order whose claim is committed."""
        boundary = SlurmAdapterBoundaryStub(
            adapter=Mode.REAL_POLICY,
            requested_queue="standard",
            resolved_queue="standard",
            used_fallback=False,
            mapping=self.mapping,
        )
        shape = {"cpu": 2, "memory_mib": 300, "walltime_seconds": 601}
        sent = order(key, boundary=boundary, **changes)
        sent = replace(sent, command={**sent.command, "resource_shape": shape})
        asyncio.run(self.store.claim(claim_of(sent)))
        self.orders.append(sent)
        return sent

    def jobs(self, sent: Order) -> tuple[Job, ...]:
        return found(self.client, sent.job_name)

    def received(self) -> Collection[str]:
        """Each digest as often as a job of it may run or ran."""
        return [
            sent.digest
            for sent in self.orders
            for job in self.jobs(sent)
            if not job.held and job.state != "CANCELLED"
        ]

    def refuse(self) -> None:
        self.mapping = mapping(account="nobody")

    def require_whole(self, sent: Order) -> None:
        mapped = sent.boundary.mapping
        assert mapped
        assert self.resources(sent) == {
            "partition": mapped.partition,
            "account": mapped.account,
            "qos": mapped.qos,
            "minutes": 11,
            "cpus": 2,
            "memory_mib": 300,
        }
        found = self.environment(sent)
        assert found["FLAGCTL_SUBMISSION_ID"] == sent.submission_id
        assert found["FLAGCTL_INPUT_URI"] == sent.command["payload_ref"]["input_uri"]

    def resources(self, sent: Order) -> Mapping[str, Any]:
        """What the job of an order was given."""
        raise AssertionError(sent)

    def environment(self, sent: Order) -> Mapping[str, str]:
        """What the script of the order's job found in its environment."""
        raise AssertionError(sent)


class FakeBench(SlurmBench):
    def __init__(self, directory: Path, supervisor: Supervisor, world: World) -> None:
        super().__init__(directory, supervisor)
        self.world = world

    def resources(self, sent: Order) -> Mapping[str, Any]:
        job = self._job(sent)
        return {
            "partition": job["partitions"][0],
            "account": job["account"],
            "qos": job["qos"],
            "minutes": job["time_limit"],
            "cpus": job["cpus_per_task"],
            "memory_mib": int(job["memory_per_node"].removesuffix("M")),
        }

    def environment(self, sent: Order) -> Mapping[str, str]:
        environment: Mapping[str, str] = self._job(sent)["environment"]
        return environment

    def _job(self, sent: Order) -> dict[str, Any]:
        (job,) = [each for each in self.world.jobs(sent.job_name) if each["state"] == "COMPLETED"]
        return job


class RealBench(SlurmBench):
    def __init__(self, directory: Path, supervisor: Supervisor, cluster: Any) -> None:
        super().__init__(directory, supervisor)
        self.real = cluster

    def resources(self, sent: Order) -> Mapping[str, Any]:
        job = self._ended(sent)
        told = self.real.run("scontrol", "show", "job", str(job.job_id), "--oneliner")
        facts = dict(each.split("=", 1) for each in told.split() if "=" in each)
        hours, minutes, _ = facts["TimeLimit"].split(":")
        return {
            "partition": facts["Partition"],
            "account": facts["Account"],
            "qos": facts["QOS"],
            "minutes": int(hours) * 60 + int(minutes),
            "cpus": int(facts["CPUs/Task"]),
            "memory_mib": int(facts["MinMemoryNode"].removesuffix("M")),
        }

    def environment(self, sent: Order) -> Mapping[str, str]:
        self._ended(sent)
        output = self.real.path(f"{JOBS}/{sent.job_name}.out").read_bytes().decode()
        return dict(each.split("=", 1) for each in output.split("\0") if "=" in each)

    def _ended(self, sent: Order) -> Job:
        def completed() -> Job | None:
            (job,) = [each for each in self.jobs(sent) if each.state != "CANCELLED"]
            return job if job.state == "COMPLETED" else None

        job = wait_until(completed, deadline_s=30.0)
        assert job
        return job


@contextmanager
def fake_bench(request: pytest.FixtureRequest) -> Iterator[SlurmBench]:
    world: World = request.getfixturevalue("world")
    with supervised(fake_argv(world)) as supervisor:
        bench = FakeBench(request.getfixturevalue("tmp_path"), supervisor, world)
        yield bench
        bench.store.close()


@contextmanager
def real_bench(request: pytest.FixtureRequest) -> Iterator[SlurmBench]:
    cluster = request.getfixturevalue("cluster")
    with supervised(cluster.child_argv(REAL_CHILD)) as supervisor:
        bench = RealBench(request.getfixturevalue("tmp_path"), supervisor, cluster)
        yield bench
        bench.store.close()


SIDES = [
    pytest.param(fake_bench, id="fake"),
    pytest.param(real_bench, id="real", marks=pytest.mark.slurm),
]
