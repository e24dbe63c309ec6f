"""The two Slurms of these tests: the scripted fake, and the real cluster under `-m slurm`."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from flagctl.slurm import child
from flagctl.slurm.child_keeper import ChildKeeper
from flagctl.slurm.client import SlurmClient
from flagctl.slurm.supervisor import Supervisor
from tests.runtime.conftest import control, files, serve, token  # noqa: F401 - fixtures
from tests.slurm.cluster.running import Cluster
from tests.slurm.cluster.tree import cache_in_use
from tests.slurm.world import World

FAKE_CHILD = Path(__file__).with_name("fake_child.py")
REAL_CHILD = Path(child.__file__)
CALL_TIMEOUT_S = 5.0


def fake_argv(world: World) -> list[str]:
    """How the scripted fake is started."""
    return [sys.executable, str(FAKE_CHILD), str(world.path)]


@contextmanager
def supervised(
    argv: list[str],
    call_timeout_s: float = CALL_TIMEOUT_S,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Supervisor]:
    """A supervisor of this child, ended with everything that it started."""
    supervisor = Supervisor(ChildKeeper(argv, environment), call_timeout_s=call_timeout_s)
    try:
        yield supervisor
    finally:
        supervisor.close()


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A made-up Slurm that says what the real test cluster says."""
    return World.create(tmp_path / "world.json")


@pytest.fixture
def supervisor(world: World) -> Iterator[Supervisor]:
    with supervised(fake_argv(world)) as made:
        yield made


@pytest.fixture
def client(supervisor: Supervisor) -> SlurmClient:
    return SlurmClient(supervisor)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The real cluster, for all tests of a run."""
    with Cluster(cache_in_use()) as running:
        yield running
