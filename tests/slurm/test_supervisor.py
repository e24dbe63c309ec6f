"""A child that hangs, dies or babbles costs the service an answer, and nothing else."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flagctl.slurm.client import SlurmClient
from flagctl.slurm.supervisor import Call, Supervisor
from flagctl.slurm.trouble import SlurmTroubleError
from flagctl.vocabulary import ProbeError
from tests.slurm.conftest import fake_argv, supervised
from tests.slurm.jobs import batch_job, found, new_name, run, trouble
from tests.slurm.world import World
from tests.waiting import wait_until

SHORT_S = 0.5
WATCH = Call("control", watches=True)
FIND = Call("find", {"name": "nobody", "since": 1})


def exists(pid: int) -> bool:
    """Tell whether the process is there, be it as a zombie."""
    return Path(f"/proc/{pid}").exists()


def started(supervisor: Supervisor) -> int:
    """Have the child running; return its number."""
    supervisor.ask(WATCH).result(timeout=20.0)
    assert supervisor.child_pid is not None
    return supervisor.child_pid


@contextmanager
def hanging_soon(world: World) -> Iterator[Supervisor]:
    """A supervisor with a short deadline, its child started before it counts."""
    with supervised(fake_argv(world), call_timeout_s=20.0) as supervisor:
        started(supervisor)
        supervisor.call_timeout_s = SHORT_S
        yield supervisor


def test_a_call_without_an_answer_ends_at_its_deadline_and_so_does_the_child(world: World) -> None:
    with hanging_soon(world) as supervisor:
        pid = supervisor.child_pid
        assert pid is not None
        world.plan("find", "hang")
        error = trouble(supervisor.ask(FIND))
        assert error.error is ProbeError.TIMEOUT
        assert not exists(pid)
        assert supervisor.child_pid is None


def test_the_next_watching_call_starts_a_new_child(world: World) -> None:
    with hanging_soon(world) as supervisor:
        first = supervisor.child_pid
        world.plan("find", "hang", times=1)
        trouble(supervisor.ask(FIND))
        supervisor.call_timeout_s = 20.0
        assert started(supervisor) != first
        assert supervisor.ask(FIND).result(timeout=20.0).ok == {"jobs": []}


def test_after_trouble_with_slurmctld_work_fails_at_once_until_it_answers_again(
    world: World,
) -> None:
    with hanging_soon(world) as supervisor:
        world.plan("ping", "hang")
        trouble(supervisor.ask(FIND))
        refused = supervisor.ask(FIND)
        assert refused.done()
        error = trouble(refused)
        assert not error.was_sent
        assert "until Slurm answers again" in str(error)
        world.mend()
        supervisor.call_timeout_s = 20.0
        supervisor.ask(WATCH).result(timeout=20.0)
        assert supervisor.open_because is None
        assert supervisor.ask(FIND).result(timeout=20.0).ok


def test_an_answer_that_says_no_does_not_end_the_trouble(world: World) -> None:
    with hanging_soon(world) as supervisor:
        world.plan("ping", "hang")
        trouble(supervisor.ask(FIND))
        world.plan("ping", "unauthenticated")
        supervisor.call_timeout_s = 20.0
        reply = supervisor.ask(WATCH).result(timeout=20.0)
        assert reply.error is not None
        assert "authentication" in reply.error.text
        assert supervisor.open_because is not None


def test_what_waits_when_trouble_comes_fails_with_it(world: World) -> None:
    with hanging_soon(world) as supervisor:
        world.plan("ping", "hang")
        replies = [supervisor.ask(FIND) for _ in range(20)]
        assert {trouble(each).error for each in replies} == {ProbeError.TIMEOUT}


def test_a_dead_slurmctld_is_unreachable_and_opens_the_circuit(
    world: World, client: SlurmClient
) -> None:
    world.plan("ping", "dead")
    with pytest.raises(SlurmTroubleError, match="Unable to contact slurm controller") as caught:
        run(client.submit(batch_job()))
    assert caught.value.error is ProbeError.UNREACHABLE
    assert not caught.value.was_sent
    assert client.trouble is not None
    assert not world.jobs()


def test_trouble_with_slurmdbd_does_not_stop_submissions(world: World) -> None:
    with hanging_soon(world) as supervisor:
        world.plan("slurmdbd", "hang")
        error = trouble(supervisor.ask(Call("accounting", watches=True, asks_slurmctld=False)))
        assert error.error is ProbeError.TIMEOUT
        supervisor.call_timeout_s = 20.0
        assert run(SlurmClient(supervisor).submit(batch_job())) == 1


def test_a_submission_that_hangs_before_it_is_sent_was_not_sent(world: World) -> None:
    with hanging_soon(world) as supervisor:
        world.plan("ping", "hang")
        with pytest.raises(SlurmTroubleError) as caught:
            run(SlurmClient(supervisor).submit(batch_job()))
        assert not caught.value.was_sent


def test_a_submission_that_hangs_after_it_is_sent_is_in_doubt(world: World) -> None:
    with hanging_soon(world) as supervisor:
        world.plan("submit", "hang-after")
        job = batch_job()
        with pytest.raises(SlurmTroubleError) as caught:
            run(SlurmClient(supervisor).submit(job))
        assert caught.value.was_sent
        assert len(world.jobs(job.name)) == 1


def test_a_watching_call_goes_before_work_that_waits(world: World) -> None:
    with hanging_soon(world) as supervisor:
        supervisor.call_timeout_s = 20.0
        order: list[str] = []
        for number in range(30):
            work = supervisor.ask(FIND)
            work.add_done_callback(lambda _, number=number: order.append(f"work {number}"))  # type: ignore[misc]
        supervisor.ask(WATCH).add_done_callback(lambda _: order.append("watch"))
        wait_until(lambda: len(order) == 31)
        assert order.index("watch") <= 2


def test_a_child_that_dies_between_calls_is_started_again_within_the_call(
    supervisor: Supervisor, client: SlurmClient
) -> None:
    pid = started(supervisor)
    os.kill(pid, signal.SIGKILL)
    assert found(client, new_name()) == ()
    assert supervisor.child_pid not in (None, pid)
    assert not exists(pid)


def test_a_child_that_dies_in_a_call_is_named_with_its_last_words(
    world: World, client: SlurmClient, supervisor: Supervisor
) -> None:
    started(supervisor)
    world.plan("find", "exit")
    with pytest.raises(SlurmTroubleError, match="as planned") as caught:
        found(client, new_name())
    assert caught.value.error is ProbeError.UNREACHABLE


def test_a_frozen_child_is_ended_at_the_deadline(world: World) -> None:
    with hanging_soon(world) as supervisor:
        pid = supervisor.child_pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        assert trouble(supervisor.ask(FIND)).error is ProbeError.TIMEOUT
        assert not exists(pid)


def test_what_a_library_prints_is_no_garbage(world: World, client: SlurmClient) -> None:
    world.plan("find", "garbage")
    assert found(client, new_name()) == ()


def test_closing_ends_the_child_and_refuses_further_calls(world: World) -> None:
    with supervised(fake_argv(world)) as supervisor:
        pid = started(supervisor)
    assert not exists(pid)
    assert "ending" in str(trouble(supervisor.ask(WATCH)))


OWNER = """
import sys
from flagctl.slurm.child_keeper import ChildKeeper
from flagctl.slurm.supervisor import Call, Supervisor
supervisor = Supervisor(ChildKeeper(sys.argv[1:]), call_timeout_s=60)
supervisor.ask(Call("control", watches=True)).result()
print(supervisor.child_pid, flush=True)
supervisor.ask(Call("find", {"name": "x", "since": 1})).result()
"""


@pytest.mark.parametrize("fault", ["hang", None], ids=["in a call", "idle"])
def test_no_child_outlives_its_service(world: World, fault: str | None) -> None:
    if fault:
        world.plan("find", fault)
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER + ("" if fault else "input()"), *fake_argv(world)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        assert owner.stdout
        pid = int(owner.stdout.readline())
        assert exists(pid)
        if fault:
            wait_until(lambda: world.has_struck("find"))
        owner.kill()
    wait_until(lambda: not exists(pid))
