"""The snapshot: what requests are answered from, and when it is too old to answer."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from flagctl.domain.boundary import (
    SlurmAdapterBoundaryStub,
    SlurmQueueMapping,
    SlurmRealAdapterPreconditionError,
    SlurmUnavailableError,
)
from flagctl.domain.precondition import Precondition
from flagctl.slurm.client import SlurmClient
from flagctl.slurm.snapshot import LiveCluster
from flagctl.vocabulary import Mode, ProbeError
from tests.slurm.conftest import fake_argv, supervised
from tests.slurm.mappings import mapping
from tests.slurm.world import World
from tests.waiting import wait_until

MAX_AGE_S = 15.0


class MovableClock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def live(client: SlurmClient, clock: MovableClock) -> LiveCluster:
    """A live cluster that looks when it is told to."""
    return LiveCluster(client, max_age_s=MAX_AGE_S, monotonic_s=clock)


@contextmanager
def watching(world: World, call_timeout_s: float = 5.0) -> Iterator[LiveCluster]:
    """A live cluster that looks by itself, all the time."""
    with supervised(fake_argv(world), call_timeout_s) as supervisor:
        live = LiveCluster(SlurmClient(supervisor), max_age_s=MAX_AGE_S, interval_s=0.01)
        live.start()
        try:
            yield live
        finally:
            live.stop()


def boundary(asked: SlurmQueueMapping | None = None) -> SlurmAdapterBoundaryStub:
    return SlurmAdapterBoundaryStub(
        adapter=Mode.REAL_POLICY,
        requested_queue="standard",
        resolved_queue="standard",
        used_fallback=False,
        mapping=asked or mapping(),
    )


def test_a_mapping_that_the_cluster_honours_passes(live: LiveCluster) -> None:
    live.look()
    live.require_honoured(boundary())


def test_a_mapping_that_it_does_not_honour_is_a_precondition_error(live: LiveCluster) -> None:
    live.look()
    with pytest.raises(
        SlurmRealAdapterPreconditionError, match=r"“down” is DOWN.*flagctl rollback"
    ):
        live.require_honoured(boundary(mapping(partition="down")))


def test_a_change_of_the_cluster_is_seen_by_the_next_look(live: LiveCluster, world: World) -> None:
    live.look()
    world.partition("short", state="DRAIN")
    live.require_honoured(boundary())
    live.look()
    with pytest.raises(SlurmRealAdapterPreconditionError, match="DRAIN"):
        live.require_honoured(boundary())


def test_before_the_first_look_slurm_is_unavailable(live: LiveCluster) -> None:
    with pytest.raises(SlurmUnavailableError, match="never seen"):
        live.require_honoured(boundary())


def test_a_snapshot_answers_up_to_its_bound_and_not_after(
    live: LiveCluster, clock: MovableClock
) -> None:
    live.look()
    clock.now_s += MAX_AGE_S
    live.require_honoured(boundary())
    clock.now_s += 0.1
    with pytest.raises(SlurmUnavailableError, match=r"15\.1 s ago, and 15 s is the most"):
        live.require_honoured(boundary())


def test_an_outage_does_not_change_what_a_fresh_snapshot_answers(
    live: LiveCluster, world: World, clock: MovableClock
) -> None:
    live.look()
    world.plan("ping", "dead")
    clock.now_s += 1
    sighting = live.look()
    assert sighting.trouble is not None
    assert sighting.trouble.step is Precondition.CONTROLLER
    live.require_honoured(boundary())
    clock.now_s += MAX_AGE_S
    with pytest.raises(SlurmUnavailableError, match="Unable to contact slurm controller"):
        live.require_honoured(boundary())


TROUBLES = {
    "slurmctld dead": ("ping", "dead", Precondition.CONTROLLER, ProbeError.UNREACHABLE),
    "slurmdbd dead": ("slurmdbd", "dead", Precondition.ACCOUNTING, ProbeError.UNREACHABLE),
    "no pyslurm": ("start", "missing", Precondition.PYSLURM, ProbeError.TOOLING_MISSING),
    "no slurm.conf": ("start", "exit", Precondition.PYSLURM, ProbeError.MISCONFIGURED),
    "slurmctld frozen": ("ping", "hang", Precondition.CONTROLLER, ProbeError.TIMEOUT),
    "slurmdbd frozen": ("slurmdbd", "hang", Precondition.ACCOUNTING, ProbeError.TIMEOUT),
    "the child dies": ("control", "exit", Precondition.CONTROLLER, ProbeError.UNREACHABLE),
}


@pytest.mark.parametrize(("op", "fault", "step", "error"), TROUBLES.values(), ids=TROUBLES.keys())
def test_each_trouble_is_named_and_passes_by_itself(
    world: World, op: str, fault: str, step: Precondition, error: ProbeError
) -> None:
    with watching(world, call_timeout_s=1.0) as live:
        world.plan(op, fault)
        trouble = wait_until(lambda: live.sighting.trouble)
        assert trouble is not None
        assert (trouble.step, trouble.error) == (step, error)
        assert trouble.detail
        world.mend()
        wait_until(lambda: live.sighting.cluster)


def test_the_age_of_the_snapshot_is_known(live: LiveCluster, clock: MovableClock) -> None:
    assert live.age_s() is None
    live.look()
    clock.now_s += 3
    assert live.age_s() == 3
