"""A service with the adapter built in has its own connection to Slurm, which is made up here."""

import os
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flagctl.adapter import SlurmAdapter, SlurmUnavailableError
from flagctl.adapter.sample_policy import SAMPLE
from flagctl.domain.readiness import Judgement
from flagctl.settings import Settings
from flagctl.slurm.connection import OwnConnection
from flagctl.store.facts import live_judges
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.vocabulary import Mode
from tests.slurm.conftest import fake_argv
from tests.slurm.world import World
from tests.waiting import wait_until

HIGH = Mode.REAL_POLICY


@pytest.fixture
def files(tmp_path: Path) -> DataFiles:
    files = DataFiles(tmp_path)
    upgrade(files)
    return files


def test_a_service_that_never_asks_slurm_itself_tells_all_the_same_whether_it_could(
    files: DataFiles, tmp_path: Path
) -> None:
    world = World.create(tmp_path / "world.json")
    settings = Settings(
        data_dir=files.directory, policy_path=SAMPLE, slurm_child=tuple(fake_argv(world))
    )
    with closing(SlurmAdapter.from_settings(settings)) as adapter:
        adapter.resolve("from-a-script")

        def says() -> Judgement | None:
            told = [each.judgement for each in live_judges(files, datetime.now(UTC))]
            return told[0] if told and told[0] and told[0].verdict.holds else None

        told = wait_until(says)
        assert told is not None
        queues = [row.queue for row in told.parity]
        assert queues == ["standard", "highmem", "from-a-script"]


def test_a_forked_worker_has_a_child_of_its_own(tmp_path: Path) -> None:
    world = World.create(tmp_path / "world.json")
    connection = OwnConnection(Settings(slurm_child=tuple(fake_argv(world))))
    wait_until(lambda: connection.sighting().cluster)
    worker = os.fork()
    if worker == 0:
        os._exit(0 if wait_until(lambda: connection.sighting().cluster) else 1)
    assert os.waitpid(worker, 0)[1] == 0
    connection.stop()


def test_real_policy_asks_the_live_cluster_from_the_first_resolution_on(
    files: DataFiles, tmp_path: Path
) -> None:
    world = World.create(tmp_path / "world.json")
    settings = Settings(
        data_dir=files.directory,
        policy_path=SAMPLE,
        adapter_pin=HIGH,
        slurm_child=tuple(fake_argv(world)),
    )
    with closing(SlurmAdapter.from_settings(settings, registers=False)) as adapter:
        with pytest.raises(SlurmUnavailableError, match="never seen"):
            adapter.resolve("standard")

        def answers() -> bool:
            with suppress(SlurmUnavailableError):
                return adapter.resolve("standard").adapter is HIGH
            return False

        wait_until(answers)
