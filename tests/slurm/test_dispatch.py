"""The Slurm dispatcher beyond the contract: refusals, outages, hostile values, late landings."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from flagctl.dispatch.ports import InDoubtError, NotSentError
from flagctl.dispatch.slurm import SlurmDispatcher
from flagctl.dispatch.slurm_outcomes import (
    LATER_ERRNOS,
    ScriptError,
    SlurmInDoubtError,
    SlurmNotSentError,
    SlurmRejectedError,
)
from flagctl.domain.boundary import SlurmUnavailableError
from flagctl.domain.cluster import Cluster
from flagctl.domain.submission import Order
from flagctl.errors import Code
from flagctl.slurm import child_keeper
from flagctl.slurm.messages import reply_from
from flagctl.store.job_ledger import JobLedger
from flagctl.store.submissions import SubmissionStore
from tests.slurm.bench import SIDES, FakeBench, RealBench, SlurmBench, now
from tests.slurm.cluster.running import CHILD_IN_TREE, CHILD_PYTHON
from tests.slurm.cluster.running import Cluster as RealCluster
from tests.slurm.conftest import REAL_CHILD, fake_argv, supervised
from tests.slurm.mappings import mapping
from tests.slurm.world import World
from tests.waiting import wait_until

SHORT_S = 1.0
GATE = "/srv/jobs/gate"


@pytest.fixture(params=SIDES)
def bench(request: pytest.FixtureRequest) -> Iterator[SlurmBench]:
    with request.param(request) as made:
        yield made


def send(dispatcher: SlurmDispatcher, sent: Order) -> None:
    asyncio.run(dispatcher.dispatch(sent))


REFUSED = {
    "partition": ({"partition": "nowhere"}, "Invalid partition name specified"),
    "account": ({"account": "nobody"}, "Invalid account or account/partition combination"),
    "QoS": ({"qos": "never"}, "Invalid qos specification"),
}


@pytest.mark.parametrize(("changes", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_slurm_refuses_is_a_fault_of_configuration_in_its_own_words(
    bench: SlurmBench, changes: dict[str, str], words: str
) -> None:
    bench.mapping = mapping(**changes)
    sent = replace(bench.order(), is_first=True)
    bench.seen = with_everything(bench.cluster())
    with pytest.raises(SlurmRejectedError, match=words) as refused:
        send(bench.make(), sent)
    assert refused.value.code is Code.PRECONDITION
    assert isinstance(refused.value, NotSentError)
    assert bench.jobs(sent) == ()


def with_everything(cluster: Cluster) -> Cluster:
    """The cluster as it was seen before somebody took away what a mapping needs."""
    short, default = cluster.partitions["short"], cluster.association("chem-default", "short")
    assert default
    every = frozenset({*default.qos, "never"})
    partition = replace(short, allowed_accounts=None)
    return replace(
        cluster,
        partitions={**cluster.partitions, "short": partition, "nowhere": partition},
        qos={**cluster.qos, "never": cluster.qos["normal"]},
        associations=tuple(
            replace(default, account=name, qos=every) for name in ("chem-default", "nobody")
        ),
    )


def test_a_walltime_that_would_pend_for_ever_is_caught_and_a_shorter_one_runs(
    bench: SlurmBench,
) -> None:
    bench.mapping = mapping(partition="brief")
    with pytest.raises(SlurmRejectedError, match="11 minutes are asked for, and jobs over 10"):
        send(bench.make(), bench.order())
    brief = bench.order("shorter")
    shape = {**brief.command["resource_shape"], "walltime_seconds": 600}
    send(bench.make(), replace(brief, command={**brief.command, "resource_shape": shape}))
    assert list(bench.received()) == [brief.digest]


def test_a_partition_that_went_down_meanwhile_takes_nothing(bench: SlurmBench) -> None:
    bench.mapping = mapping(partition="drain")
    sent = bench.order()
    with pytest.raises(SlurmRejectedError, match="is DRAIN"):
        send(bench.make(), sent)
    assert bench.jobs(sent) == ()


HOSTILE = "$(exit 7)`exit 7`';exit 7\"\\n %j ,=ü€ ../x"


def test_a_clients_words_arrive_in_the_environment_as_they_are(bench: SlurmBench) -> None:
    sent = bench.order()
    command = {**sent.command, "job_id": HOSTILE, "requested_by": {"user_id": HOSTILE}}
    sent = replace(sent, command=command)
    bench.orders[:] = [sent]
    send(bench.make(), sent)
    found = bench.environment(sent)
    assert (found["FLAGCTL_JOB_ID"], found["FLAGCTL_USER_ID"]) == (HOSTILE, HOSTILE)
    assert found["PATH"] == "/usr/local/bin:/usr/bin:/bin"


def test_a_script_that_can_not_be_used_submits_nothing(bench: SlurmBench) -> None:
    for content, words in (
        (b"true\n", "no interpreter"),
        (b"#!/bin/sh\r\n", "DOS"),
        (b"#!/bin/sh\n\xff", "UTF-8"),
        (None, "can't be read"),
    ):
        bench.script.unlink()
        if content is not None:
            bench.script.write_bytes(content)
        sent = bench.order(words)
        with pytest.raises(ScriptError, match=words):
            send(bench.make(), sent)
        with pytest.raises(Exception, match=words):
            asyncio.run(bench.make().check())
        bench.script.touch()
        assert bench.jobs(sent) == ()


def test_without_a_fresh_view_of_the_cluster_nothing_is_sent(bench: SlurmBench) -> None:
    def stale() -> Cluster:
        raise SlurmUnavailableError("Slurm was last seen 16.0 s ago")

    sent = bench.order()
    with pytest.raises(SlurmNotSentError, match=r"16\.0 s ago"):
        send(bench.make(cluster=stale), sent)
    assert bench.jobs(sent) == ()


@pytest.mark.parametrize("errno", sorted(LATER_ERRNOS))
def test_a_refusal_that_a_retry_may_outlive_is_an_outage(
    tmp_path: Path, world: World, errno: int
) -> None:
    with world.changing() as state:
        state["refuse"], state["refuse_errno"] = "Job violates accounting/QOS policy", errno
    with supervised(fake_argv(world)) as supervisor:
        bench = FakeBench(tmp_path, supervisor, world)
        with pytest.raises(SlurmNotSentError, match="Job violates accounting/QOS policy"):
            send(bench.make(), replace(bench.order(), is_first=True))
        bench.store.close()


FAULTS = {
    "dies before it sends": ("submit", "exit", SlurmNotSentError),
    "hangs before it sends": ("submit", "hang", SlurmNotSentError),
    "hangs after it landed": ("submit", "hang-after", SlurmInDoubtError),
    "hears nothing": ("landing", "late", SlurmInDoubtError),
    "dies at the release": ("release", "exit", SlurmInDoubtError),
    "hangs after the release": ("release", "hang-after", SlurmInDoubtError),
}


@pytest.mark.parametrize(("op", "fault", "error"), FAULTS.values(), ids=FAULTS.keys())
def test_after_any_fault_of_the_child_retries_run_one_job(
    tmp_path: Path, world: World, op: str, fault: str, error: type[Exception]
) -> None:
    with supervised(fake_argv(world), SHORT_S) as supervisor:
        bench = FakeBench(tmp_path, supervisor, world)
        sent = bench.order()
        bench.seen = bench.cluster()
        world.plan(op, fault)
        with pytest.raises(error):
            send(bench.make(), replace(sent, is_first=True))
        world.mend()
        wait_until(lambda: is_back(bench))
        for _ in range(3):
            send(bench.make(), sent)
        world.land()
        send(bench.make(), sent)
        assert len(world.started()) == 1
        assert [job["state"] for job in world.jobs()].count("PENDING") == 0
        bench.store.close()


def is_back(bench: SlurmBench) -> bool:
    try:
        bench.client.control()
    except Exception:  # it rests a while after it failed
        return False
    return True


def test_a_look_up_that_fails_leaves_it_in_doubt(tmp_path: Path, world: World) -> None:
    with supervised(fake_argv(world)) as supervisor:
        bench = FakeBench(tmp_path, supervisor, world)
        sent = bench.order()
        world.plan("slurmdbd", "dead")
        bench.seen = None
        with pytest.raises(SlurmInDoubtError, match="can't be found out"):
            send(bench.make(), sent)
        assert not world.jobs()
        bench.store.close()


def test_a_number_that_can_not_be_recorded_leaves_a_held_job_for_the_retry(
    tmp_path: Path, world: World
) -> None:
    closed = SubmissionStore(tmp_path / "closed.db")
    closed.close()
    with supervised(fake_argv(world)) as supervisor:
        bench = FakeBench(tmp_path, supervisor, world)
        sent = bench.order()
        with pytest.raises(SlurmInDoubtError, match="can't be recorded") as doubt:
            send(bench.make(ledger=JobLedger(closed, now)), replace(sent, is_first=True))
        assert str(tmp_path) not in str(doubt.value)
        (job,) = bench.jobs(sent)
        assert job.held
        send(bench.make(), sent)
        assert world.started() == [job.job_id]
        assert len(world.jobs()) == 1
        bench.store.close()


def notices(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Set once the child has said that something leaves."""
    said = Event()

    def read(*arguments: Any, **options: Any) -> Any:
        reply = reply_from(*arguments, **options)
        if reply is None:
            said.set()
        return reply

    monkeypatch.setattr(child_keeper, "reply_from", read)
    return said


@pytest.mark.slurm
def test_a_submission_that_lands_when_slurm_thaws_runs_once(
    cluster: RealCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves = notices(monkeypatch)
    cluster.child_argv(REAL_CHILD)
    gated = "/srv/gated_child.py"
    cluster.path(gated).write_bytes(Path(__file__).with_name("gated_child.py").read_bytes())
    argv = cluster.inside(CHILD_PYTHON, gated, CHILD_IN_TREE, GATE)
    with supervised(argv, 3.0) as supervisor, ThreadPoolExecutor() as pool:
        bench = RealBench(tmp_path, supervisor, cluster)
        sent = bench.order()
        bench.seen = bench.cluster()
        cluster.path(GATE).touch()
        first = pool.submit(send, bench.make(call_timeout_s=3.0), replace(sent, is_first=True))
        assert leaves.wait(20.0)
        with cluster.frozen("slurmctld"):
            cluster.path(GATE).unlink()
            assert isinstance(first.exception(), InDoubtError)
        wait_until(lambda: is_back(bench))
        wait_until(lambda: bench.jobs(sent))
        (late,) = bench.jobs(sent)
        assert late.held
        for _ in range(3):
            send(bench.make(), sent)
        bench.require_whole(sent)
        assert list(bench.received()) == [sent.digest]
        assert len(bench.jobs(sent)) == 1
        bench.store.close()
