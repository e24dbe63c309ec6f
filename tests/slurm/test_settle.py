"""What is in doubt with Slurm settles by itself, without a client, and once."""

import asyncio
import shlex
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest

from flagctl.adapter.sample_policy import SAMPLE
from flagctl.dispatch.slurm import SlurmDispatcher
from flagctl.dispatch.slurm_outcomes import SlurmInDoubtError
from flagctl.domain.submission import Claim, Order
from flagctl.runtime.services import Services
from flagctl.runtime.settle import AGAIN_AFTER, UNSENT_AFTER, Settler
from flagctl.settings import Settings
from flagctl.slurm.connection import SlurmConnection
from flagctl.slurm.trouble import SlurmTroubleError
from flagctl.store.in_doubt import read_in_doubt
from flagctl.vocabulary import DispatcherName, Mode, SubmissionState
from flagctl.wiring import runtime_services
from tests.dispatch.orders import order
from tests.runtime.conftest import Serve
from tests.slurm.bench import claim_of
from tests.slurm.conftest import fake_argv
from tests.slurm.jobs import batch_job
from tests.slurm.world import World
from tests.waiting import wait_until

T = TypeVar("T")
SHORT_S = 0.5


class Desk:
    """The parts of a runtime process, on a clock that a test moves."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.now = datetime.now(UTC)
        assert services.settler
        self.settler: Settler = services.settler
        dispatcher = services.dispatchers.by_name[DispatcherName.SLURM]
        assert isinstance(dispatcher, SlurmDispatcher)
        self.dispatcher = dispatcher
        vars(self.settler)["_clock"] = lambda: self.now

    def leave_in_doubt(self, **changes: Any) -> Order:
        """A submission whose process died while it gave it to Slurm."""
        sent = order(begun_at=self.now, **changes)
        asyncio.run(self.services.store.claim(claim_of(sent)))
        return sent

    def submit_held(self, sent: Order) -> int:
        return asyncio.run(self.dispatcher._client.submit(batch_job(name=sent.job_name)))

    def turn(self, later: timedelta = AGAIN_AFTER) -> None:
        self.now += later
        asyncio.run(self.settler.turn())

    def claim(self, sent: Order) -> Claim:
        found = self.services.store.find(sent.digest)
        assert found
        return found


@pytest.fixture
def desk(world: World, tmp_path: Path) -> Iterator[Desk]:
    services = runtime_services(
        Settings(
            data_dir=tmp_path / "data",
            policy_path=SAMPLE,
            slurm_child=tuple(fake_argv(world)),
            slurm_call_timeout_s=5.0,
        )
    )
    with closing(services.store), closing(services.reader):
        yield Desk(services)
        (connection,) = [it for it in services.background if isinstance(it, SlurmConnection)]
        connection.stop()


def test_a_held_job_that_is_found_is_released_and_the_submission_answered(
    desk: Desk, world: World
) -> None:
    sent = desk.leave_in_doubt()
    number = desk.submit_held(sent)
    desk.turn()
    assert world.started() == [number]
    found = desk.claim(sent)
    assert (found.state, found.claimer) == (SubmissionState.ACCEPTED, None)
    assert found.answer
    assert sent.submission_id in found.answer


def test_without_a_job_it_is_unsent_once_nothing_can_be_on_its_way(
    desk: Desk, world: World
) -> None:
    sent = desk.leave_in_doubt()
    desk.turn()
    assert desk.claim(sent).state is SubmissionState.CLAIMED
    desk.turn(UNSENT_AFTER)
    assert desk.claim(sent).state is SubmissionState.UNSENT
    assert not world.jobs()


def test_what_lands_after_that_stays_held_and_goes_when_a_retry_is_answered(
    desk: Desk, world: World
) -> None:
    sent = desk.leave_in_doubt()
    desk.turn(UNSENT_AFTER)
    late = desk.submit_held(sent)
    store = desk.services.store
    asyncio.run(store.claim(claim_of(sent)))
    again = desk.submit_held(sent)
    ledger = desk.dispatcher._ledger
    asyncio.run(ledger.record(sent.digest, sent.submission_id, again))
    assert asyncio.run(desk.dispatcher.settle(sent))
    asyncio.run(store.complete(sent.digest, "{}"))
    desk.turn()
    assert world.started() == [again]
    assert {job["job_id"]: job["state"] for job in world.jobs()} == {
        late: "CANCELLED",
        again: "COMPLETED",
    }


def test_trouble_leaves_it_in_doubt_and_slurms_return_settles_it(desk: Desk, world: World) -> None:
    sent = desk.leave_in_doubt()
    number = desk.submit_held(sent)
    world.plan("find", "exit", times=2)
    desk.turn()
    assert (desk.claim(sent).state, desk.claim(sent).claimer) == (SubmissionState.CLAIMED, None)
    assert desk.dispatcher.is_away
    desk.turn()
    assert world.started() == []
    wait_until(lambda: answers(desk))
    desk.turn()
    assert world.started() == [number]


def answers(desk: Desk) -> bool:
    """Look at the cluster, as a running process does; a child that failed rests a while."""
    with suppress(SlurmTroubleError):
        desk.dispatcher._client.control()
    return not desk.dispatcher.is_away


def test_one_that_somebody_works_on_is_left_alone(desk: Desk, world: World) -> None:
    sent = desk.leave_in_doubt()
    desk.submit_held(sent)

    async def both() -> None:
        async with desk.services.submissions.alone(sent.digest):
            desk.now += AGAIN_AFTER
            await desk.settler.turn()

    asyncio.run(both())
    assert world.started() == []


def test_a_job_that_slurm_lost_after_its_release_stays_a_persons_to_judge(
    desk: Desk, world: World
) -> None:
    sent = desk.leave_in_doubt()
    ledger = desk.dispatcher._ledger
    asyncio.run(ledger.record(sent.digest, sent.submission_id, 99))
    asyncio.run(ledger.begin_release(sent.digest, 99))
    with pytest.raises(SlurmInDoubtError, match="sacct --duplicates --jobs=99"):
        asyncio.run(desk.dispatcher.settle(sent))
    desk.turn(UNSENT_AFTER)
    assert desk.claim(sent).state is SubmissionState.CLAIMED
    assert not world.jobs()


def test_of_two_processes_one_settles_what_a_third_left_behind(
    serve: Serve, world: World, files: Any
) -> None:
    slurm = {
        "ZPE_SLURM_ADAPTER": Mode.REAL_POLICY,
        "FLAGCTL_SLURM_CHILD": shlex.join(fake_argv(world)),
    }
    killed = serve(fault="before-the-record", **slurm)
    wait_until(lambda: killed.http.get("/api/ready").status_code == httpx2.codes.OK)
    with pytest.raises(httpx2.TransportError):
        killed.submit()
    assert world.started() == []
    now, lease = datetime.now(UTC), timedelta(minutes=1)
    # The kernel closes the connection before the process is gone for everybody.
    (found,) = wait_until(lambda: read_in_doubt(files.submissions, now, lease))
    assert found.dispatcher == DispatcherName.SLURM
    others = [serve(**slurm), serve(**slurm)]
    wait_until(world.started)
    wait_until(lambda: not read_in_doubt(files.submissions, now, lease))
    answers = [each.submit() for each in others]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert answers[0].json()["submission_id"] == found.submission_id
    assert len(world.started()) == 1
    assert len([line for each in others for line in each.logged("submission_settled")]) == 1
