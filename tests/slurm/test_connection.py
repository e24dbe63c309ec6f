"""What a process has of Slurm: begun, told of, and ended."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from flagctl.domain.precondition import Precondition
from flagctl.settings import Settings
from flagctl.slurm.connection import NO_PYSLURM, OwnConnection, SlurmConnection
from flagctl.slurm.snapshot import LiveCluster
from flagctl.vocabulary import ProbeError
from tests.slurm.conftest import fake_argv
from tests.slurm.world import World
from tests.waiting import wait_until


@pytest.fixture
def connection(world: World) -> Iterator[SlurmConnection]:
    made = SlurmConnection.from_settings(Settings(slurm_child=tuple(fake_argv(world))))
    yield made
    made.stop()


def test_nothing_runs_before_it_is_started(world: World, connection: SlurmConnection) -> None:
    before = threading.active_count()
    assert connection.live.sighting.taken_at is None
    connection.start()
    wait_until(lambda: connection.live.sighting.cluster)
    assert threading.active_count() == before + 2


def test_one_that_stops_does_not_wait_for_a_slurm_that_hangs(
    world: World, connection: SlurmConnection
) -> None:
    world.plan("ping", "hang")
    connection.start()
    wait_until(lambda: world.has_struck("ping"))
    stopping = threading.Thread(target=connection.stop)
    stopping.start()
    stopping.join(4.0)  # less than the deadline of the call
    assert not stopping.is_alive()


def test_news_are_what_a_look_found_otherwise_than_the_one_before(
    world: World, connection: SlurmConnection
) -> None:
    told: list[object] = []
    live = connection.live
    live.on_news = lambda: told.append(live.sighting.trouble)
    live.look()
    live.look()
    world.partition("short", state="DRAIN")
    live.look()
    world.plan("ping", "dead")
    live.look()
    live.look()
    assert [trouble is None for trouble in told] == [True, True, False]


def test_without_a_child_of_its_own_setting_a_python_without_pyslurm_is_no_trouble(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("flagctl.slurm.connection.find_spec", lambda _name: None)
    made = SlurmConnection.from_settings(Settings())
    trouble = made.live.look().trouble
    made.stop()
    assert trouble is not None
    assert (trouble.step, trouble.error) == (Precondition.PYSLURM, ProbeError.TOOLING_MISSING)
    assert trouble.detail == NO_PYSLURM


def test_a_look_that_fails_in_a_way_nobody_thought_of_is_named_and_the_next_one_may_do_better() -> (
    None
):
    class Odd:
        def control(self) -> None:
            raise ZeroDivisionError("a fault of ours")

    odd: Any = Odd()
    trouble = LiveCluster(odd, max_age_s=15.0).look().trouble
    assert trouble is not None
    assert "a fault of ours" in trouble.detail


def test_a_connection_that_is_used_again_after_its_end_begins_anew(world: World) -> None:
    own = OwnConnection(Settings(slurm_child=tuple(fake_argv(world))))
    wait_until(lambda: own.sighting().cluster)
    own.stop()
    assert own.sighting().cluster is None
    wait_until(lambda: own.sighting().cluster)
    own.stop()
